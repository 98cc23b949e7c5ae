from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from earmark.settings import Duration
from earmark_mic import plugin
from earmark_mic.choosing import Wishes
from earmark_mic.settings import MicSettings
from earmark_mic.source import task_of, wishes_of
from earmark_mic.wire import Failed, Lost, Message, Sound, Task, Trouble, decode, encode, encode_task


def test_listing_the_microphone_loads_nothing_heavy() -> None:
    code = (
        "import sys, earmark_mic.plugin as p; list(p.earmark_sources()); list(p.earmark_checks());"
        "list(p.earmark_commands());"
        "print([m for m in ('sounddevice', 'soxr', 'soundfile', 'click') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_line_may_name_the_microphone() -> None:
    (offer,) = plugin.earmark_sources()
    assert (offer.name, offer.argument, offer.live) == ("mic", "device", True)


def test_what_was_chosen_while_listening_comes_before_the_configuration() -> None:
    settings = MicSettings(device="yeti", fallback=("default",), host_api="ALSA")
    assert wishes_of(settings, None) == Wishes(("yeti", "default"), "ALSA")
    assert wishes_of(settings, "pulse:office").wanted == ("pulse:office", "default")


def test_the_capturing_process_is_told_everything_that_is_set() -> None:
    settings = MicSettings(channels=(2,), gain_db=6, device_rate=44_100, buffer=Duration("1 s"), sample_format="int16")
    task = task_of(settings, wishes_of(settings, None), 8000)
    assert msgspec.json.decode(encode_task(task), type=Task) == task
    assert task == Task(
        wanted=("default",),
        channels=(2,),
        gain_db=6,
        room_rate=8000,
        device_rate=44_100,
        sample_format="int16",
        buffer_seconds=1.0,
    )


@pytest.mark.parametrize(
    "message",
    [
        Sound(samples=b"\0\1", captured=1.5, clipped=2),
        Lost(length=7, captured=0.5),
        Failed(trouble=Trouble.LOST, message="Gone."),
    ],
)
def test_a_message_arrives_as_it_was_told(message: Message) -> None:
    assert decode(encode(message)[4:]) == message


@pytest.mark.parametrize("given", [{"channels": [0]}, {"gain_db": 100}, {"sample_format": "int8"}, {"devise": "yeti"}])
def test_wrong_settings_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, MicSettings)
