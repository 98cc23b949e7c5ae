from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from earmark.hookspecs import Offer
from earmark_file import plugin
from earmark_file.settings import ConsoleSettings, FileSettings, JsonlSettings, StdinSettings
from tests.file.rooms import Script, a_room


def test_listing_what_there_is_loads_nothing_heavy() -> None:
    code = (
        "import sys, earmark_file.plugin as p; list(p.earmark_sources()); list(p.earmark_sinks());"
        "print([m for m in ('soundfile', 'soxr', 'aiohttp', 'sounddevice') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_every_offer_opens(tmp_path: Path) -> None:
    offers: dict[str, Offer[object]] = {
        offer.name: offer for offer in [*plugin.earmark_sources(), *plugin.earmark_sinks()]
    }
    assert sorted(offers) == ["console", "file", "jsonl", "stdin"]
    path = tmp_path / "out.jsonl"
    for name, settings in {"console": ConsoleSettings(), "jsonl": JsonlSettings(path=path)}.items():
        async with offers[name].open(settings, a_room(tmp_path)) as sink:
            await sink.run(Script())  # type: ignore[attr-defined]
    assert offers["jsonl"].target is not None
    assert offers["jsonl"].target(JsonlSettings(path=path)) == str(path)


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        (FileSettings, {"path": "a.wav", "channel": 0}),
        (FileSettings, {"path": "a.wav", "loop": True}),
        (StdinSettings, {"format": "mp3"}),
        (StdinSettings, {"rate": 10}),
        (JsonlSettings, {"path": "a", "kinds": ["hearing"]}),
        (JsonlSettings, {"path": "a", "from": "yesterday"}),
        (ConsoleSettings, {"colour": "blue"}),
    ],
)
def test_wrong_settings_are_refused(settings: type[msgspec.Struct], given: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, settings)
