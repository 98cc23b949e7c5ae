"""The microphone, heard through real PortAudio from a real sound server."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from earmark.audio import Frame, Omitted, Samples, peak_dbfs
from earmark.errors import SourceError
from earmark.settings import Duration
from earmark_mic.settings import MicSettings
from earmark_mic.source import Microphone, Microphones
from earmark_mic.stream import capturing
from earmark_mic.wire import Lost, Sound, Task
from tests.file.rooms import Knobs, a_room, until
from tests.mic.sound_server import SoundServer, loudest_hertz, tone

pytestmark = pytest.mark.timeout(60)


class Heard:
    """What a microphone gave while it was open."""

    def __init__(self, folder: Path, *, chosen: str | None = None, rate: int = 16_000) -> None:
        self.room = a_room(folder, controls=Knobs(device=chosen), rate=rate)
        self.items: list[Frame | Omitted] = []
        self.error: BaseException | None = None
        self.microphone: Microphone | None = None

    @property
    def samples(self) -> Samples:
        frames = [item.samples for item in self.items if isinstance(item, Frame)]
        return np.concatenate(frames) if frames else np.empty(0, np.int16)

    @property
    def device(self) -> str:
        return self.room.stage.details.get("device_id", "")

    @property
    def process(self) -> int:
        assert self.microphone is not None
        return self.microphone.stream.process.pid

    def seconds(self) -> float:
        return len(self.samples) / self.room.rate

    def hears(self, hertz: float) -> bool:
        """Whether the last half second is that tone."""
        latest = self.samples[-self.room.rate // 2 :]
        loud = len(latest) >= self.room.rate // 2 and peak_dbfs(latest) > -20
        return loud and abs(loudest_hertz(latest, self.room.rate) - hertz) < 8

    def told(self, sentence: str) -> bool:
        return isinstance(self.error, SourceError) and sentence in str(self.error)


@asynccontextmanager
async def hearing(
    settings: MicSettings, folder: Path, *, microphones: Microphones | None = None, heard: Heard | None = None
) -> AsyncIterator[Heard]:
    """Hear a microphone in the background, once, as the host does."""
    heard = heard or Heard(folder)
    opener = microphones or Microphones()

    async def listen() -> None:
        try:
            async with opener.open(settings, heard.room) as microphone:
                heard.microphone = microphone
                async for item in microphone:
                    heard.items.append(item)
        except SourceError as error:
            heard.error = error

    listening = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def soon(true: Callable[[], bool]) -> None:
    await until(true, seconds=20)


@pytest.mark.parametrize(
    ("device", "settings"),
    [
        ((48_000, 1), MicSettings()),
        ((44_100, 2), MicSettings()),
        ((16_000, 1), MicSettings(sample_format="float32")),
        ((48_000, 1), MicSettings(device_rate=32_000, sample_format="int16")),
    ],
)
async def test_what_is_said_is_heard(
    server: SoundServer, tmp_path: Path, device: tuple[int, int], settings: MicSettings
) -> None:
    server.plug("kitchen", rate=device[0], channels=device[1])
    with server.playing("kitchen", tone(1000, seconds=20)):
        async with hearing(settings, tmp_path) as heard:
            await soon(lambda: heard.hears(1000))
            assert peak_dbfs(heard.samples[-8000:]) == pytest.approx(-6, abs=0.5)


async def test_sound_is_whole_and_knows_when_it_was(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    async with hearing(MicSettings(), tmp_path) as heard:
        await soon(lambda: heard.seconds() > 2)
    position = 0
    for item in heard.items:
        assert isinstance(item, Frame)
        assert item.position == position
        assert item.at == pytest.approx(heard.items[0].at + item.start, abs=0.1)
        position += len(item.samples)
    assert 0 <= time.time() - heard.items[-1].at < 20


async def test_one_channel_of_several_can_be_heard(server: SoundServer, tmp_path: Path) -> None:
    server.plug("array", channels=2)
    both = np.stack([tone(500, seconds=20), tone(2000, seconds=20)], axis=1)
    with server.playing("array", both, channels=2):
        async with hearing(MicSettings(channels=(2,)), tmp_path) as heard:
            await soon(lambda: heard.hears(2000))


async def test_gain_makes_it_louder_and_what_is_clipped_is_counted(server: SoundServer, tmp_path: Path) -> None:
    server.plug("quiet")
    with server.playing("quiet", tone(1000, seconds=20, peak=0.02)):
        async with hearing(MicSettings(gain_db=20), tmp_path) as heard:
            await soon(lambda: heard.hears(1000))
            assert peak_dbfs(heard.samples[-4000:]) == pytest.approx(-14, abs=0.5)
            assert "clipped_samples" not in heard.room.stage.counters
        async with hearing(MicSettings(gain_db=40), tmp_path) as heard:
            await soon(lambda: heard.room.stage.counters.get("clipped_samples", 0) > 1000)
            assert {int(heard.samples.min()), int(heard.samples.max())} == {-32_768, 32_767}


async def test_closing_closes_the_device(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    async with hearing(MicSettings(), tmp_path) as heard:
        await soon(lambda: heard.seconds() > 0.2)
        assert server.recorders() == [heard.process]
    await soon(lambda: not server.recorders() and not alive(heard.process))


LISTENER = """
import asyncio, pathlib, sys
from tests.file.rooms import a_room
from earmark.settings import Duration
from earmark_mic.settings import MicSettings
from earmark_mic.source import Microphones

async def main():
    settings = MicSettings(stalled_after=Duration(60))
    async with Microphones().open(settings, a_room(pathlib.Path(sys.argv[1]))) as microphone:
        async for item in microphone:
            print("heard", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("suspended", [False, True])
async def test_the_device_is_closed_when_the_listener_is_killed(
    server: SoundServer, tmp_path: Path, suspended: bool
) -> None:
    server.plug("kitchen")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LISTENER, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    server.pactl("suspend-source", "kitchen", str(int(suspended)))
    process.kill()
    await process.communicate()
    await soon(lambda: not server.recorders())
    server.pactl("suspend-source", "kitchen", "0")


async def test_the_named_one_is_heard_among_several(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    server.plug("office")
    with server.playing("kitchen", tone(500, seconds=20)), server.playing("office", tone(2000, seconds=20)):
        async with hearing(MicSettings(device="office micro"), tmp_path) as heard:
            await soon(lambda: heard.hears(2000))
        chosen = Heard(tmp_path, chosen="pulse:kitchen")
        async with hearing(MicSettings(device="office"), tmp_path, heard=chosen):
            await soon(lambda: chosen.hears(500))


async def test_the_systems_default_is_followed_as_it_changes(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    server.plug("office")
    server.pactl("set-default-source", "kitchen")
    microphones = Microphones()
    async with hearing(MicSettings(), tmp_path, microphones=microphones) as heard:
        await soon(lambda: heard.seconds() > 0.3)
        assert heard.device == "pulse:kitchen"
        server.pactl("set-default-source", "office")
        await soon(lambda: heard.told("“Office-Microphone” is there: it is the system's default"))
    async with hearing(MicSettings(), tmp_path, microphones=microphones) as heard:
        await soon(lambda: heard.seconds() > 0.3)
        assert heard.device == "pulse:office"


async def test_a_pulled_plug_is_noticed_and_another_is_heard_until_it_returns(
    server: SoundServer, tmp_path: Path
) -> None:
    server.plug("spare")
    server.plug("usb")
    settings = MicSettings(device="usb", fallback=("spare",))
    microphones = Microphones()
    async with hearing(settings, tmp_path, microphones=microphones) as heard:
        await soon(lambda: heard.seconds() > 0.3)
        server.unplug("usb")
        pulled = time.monotonic()
        await soon(lambda: heard.told("“Usb-Microphone” is gone"))
        print(f"noticed after {time.monotonic() - pulled:.2f} s")
    async with hearing(settings, tmp_path, microphones=microphones) as heard:
        await soon(lambda: heard.room.stage.problem is not None)
        assert heard.room.stage.problem == "“usb” is not there; “Spare-Microphone” is heard instead."
        server.plug("usb")
        await soon(lambda: heard.told("“Usb-Microphone” is there"))
    async with hearing(settings, tmp_path, microphones=microphones) as heard:
        await soon(lambda: heard.seconds() > 0.3)
        assert (heard.device, heard.room.stage.problem) == ("pulse:usb", None)


async def test_the_only_microphone_going_is_noticed_and_no_loudspeaker_takes_its_place(
    server: SoundServer, tmp_path: Path
) -> None:
    server.unplug_all()
    server.plug("usb")
    loudspeaker = server.pactl("load-module", "module-null-sink", "sink_name=loudspeaker")
    async with hearing(MicSettings(), tmp_path) as heard:
        await soon(lambda: heard.seconds() > 0.3)
        server.unplug("usb")
        await soon(lambda: heard.error is not None)
    async with hearing(MicSettings(), tmp_path) as heard:
        await soon(lambda: heard.told("There is no microphone “default” here"))
    server.pactl("unload-module", loudspeaker)


async def test_one_that_is_not_there_is_named(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    async with hearing(MicSettings(device="yeti", fallback=("snowball",)), tmp_path) as heard:
        await soon(lambda: heard.told("no microphone “yeti” nor “snowball” here; plug it in, or choose one that"))


async def test_a_stream_that_stops_is_noticed(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    async with hearing(MicSettings(), tmp_path) as heard:
        await soon(lambda: heard.seconds() > 0.3)
        os.kill(heard.process, signal.SIGSTOP)
        await soon(lambda: heard.told("“Kitchen-Microphone” gives nothing for 1.5 s"))
    await soon(lambda: not server.recorders())


async def test_a_sound_system_that_crashes_is_noticed(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    async with hearing(MicSettings(), tmp_path) as heard:
        await soon(lambda: heard.seconds() > 0.3)
        os.kill(heard.process, signal.SIGSEGV)
        await soon(lambda: heard.told("The sound system crashed"))


async def test_zeros_for_long_are_named_and_cured_by_opening_it_again_once(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    settings = MicSettings(zeros_after=Duration("300 ms"))
    microphones = Microphones()
    async with hearing(settings, tmp_path, microphones=microphones) as heard:
        await soon(lambda: heard.told("gives nothing but zeros; is it muted, or its plug loose? It is opened again."))
    async with hearing(settings, tmp_path, microphones=microphones) as heard:
        await soon(lambda: heard.seconds() > 1)
        assert heard.error is None
        assert heard.room.stage.problem is not None
        with server.playing("kitchen", tone(1000, seconds=20)):
            await soon(lambda: heard.room.stage.problem is None)


async def test_what_was_overrun_is_told_with_its_length(server: SoundServer) -> None:
    server.plug("kitchen")
    task = Task(wanted=("default",), room_rate=48_000, ring_seconds=0.5)
    async with capturing(task, logging.getLogger("test")) as stream:
        first = await stream.next(5)
        await asyncio.sleep(3)
        messages: list[Sound | Lost] = [first]
        while not any(isinstance(message, Lost) for message in messages) or isinstance(messages[-1], Lost):
            messages.append(await stream.next(5))
    length = sum(
        message.length if isinstance(message, Lost) else len(message.samples) // 2 for message in messages[:-1]
    )
    assert length / 48_000 == pytest.approx(messages[-1].captured - first.captured, abs=0.1)
