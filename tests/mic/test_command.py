"""`earmark devices` and the microphone's part of `earmark doctor`, against a real sound server."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earmark.hookspecs import Diagnosis, Verdict
from earmark_mic.check import open_check
from earmark_mic.metering import Reading, advice
from earmark_mic.settings import MicSettings
from tests.file.rooms import a_room
from tests.mic.sound_server import SoundServer, loudest_hertz, tone

pytestmark = pytest.mark.timeout(60)
WITHOUT_PORTAUDIO = "import ctypes.util\nctypes.util.find_library = lambda name: None\n"


async def earmark(*words: str, folder: Path, **environ: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "earmark",
        *words,
        cwd=folder,
        env=os.environ | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_one_that_would_be_heard_is_marked_and_why(server: SoundServer, tmp_path: Path) -> None:
    server.plug("office")
    server.plug("kitchen")
    _, out, _ = await earmark("devices", folder=tmp_path)
    assert re.search(r"^→ Kitchen-Microphone .*the system's default\n +device = 'pulse:kitchen'", out, re.MULTILINE)
    _, out, _ = await earmark("devices", "--set", "mic.device=office", folder=tmp_path)
    assert re.search(r"^→ Office-Microphone ", out, re.MULTILINE)
    assert "→ is heard: its name has “office”." in out
    _, out, _ = await earmark("devices", "--set", "mic.device=yeti", folder=tmp_path)
    assert "None of them is “yeti”; set `device`" in out


async def test_a_program_can_read_the_list(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    _, out, _ = await earmark("devices", "--json", folder=tmp_path)
    rows = {row["id"]: row for row in json.loads(out)}
    assert rows["pulse:kitchen"]["chosen"]
    assert rows["pulse:kitchen-air.monitor"]["monitor"]


async def test_a_meter_shows_who_hears_and_suggests_a_gain(server: SoundServer, tmp_path: Path) -> None:
    server.plug("office")
    server.plug("kitchen")
    with server.playing("kitchen", tone(1000, seconds=20, peak=0.05)):
        _, out, _ = await earmark("devices", "--meter", "--seconds", "2.5", folder=tmp_path)
    assert "Office-Microphone: it heard nothing" in out
    assert "Kitchen-Microphone: it is quiet: set gain_db = 17 in the table [mic]." in out


async def test_on_a_terminal_the_meter_is_drawn_in_place(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    main, side = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "earmark", "devices", "--meter", "--seconds", "1", cwd=tmp_path, stdout=side, stderr=side
    )
    assert await process.wait() == 0
    os.close(side)
    shown = os.read(main, 65_536).decode()
    os.close(main)
    assert "\x1b[2K" in shown
    assert "·" * 30 in shown


async def test_a_test_recording_can_be_listened_to(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    with server.playing("kitchen", tone(1000, seconds=20)):
        code, out, _ = await earmark("devices", "--record", "1", "--output", "a.wav", folder=tmp_path)
    samples, rate = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert (code, len(samples), rate) == (0, 16_000, 16_000)
    assert loudest_hertz(samples[-8000:], rate) == pytest.approx(1000, abs=5)
    assert "its level is good.\nListen to it: " in out
    code, _, err = await earmark("devices", "--record", "0.5", "--output", "no/a.wav", folder=tmp_path)
    assert code == 1
    assert "no/a.wav cannot be written" in err


@pytest.mark.parametrize("words", [["devices"], ["devices", "--record", "1"]])
async def test_without_portaudio_one_sentence_says_what_to_install(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_PORTAUDIO)
    code, _, err = await earmark(*words, folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert code == 1
    assert err.count("\n") == 1
    assert "`sudo apt install libportaudio2`" in err


@pytest.mark.parametrize(
    ("peak", "says"),
    [(-80, "heard nothing"), (-40, "set gain_db = 31"), (-12, "level is good"), (-0.1, "clips: set gain_db = -6")],
)
def test_a_gain_is_suggested_by_how_loud_it_was(peak: float, says: str) -> None:
    assert says in advice(Reading("Mic", peak, peak - 12), gain_db=0)


async def diagnose(settings: MicSettings, folder: Path) -> list[Diagnosis]:
    async with open_check(settings, a_room(folder)) as check:
        return await check.diagnose()


async def test_the_doctor_says_whether_a_microphone_hears(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    opened, heard = await diagnose(MicSettings(), tmp_path)
    assert (opened.verdict, heard.verdict) == (Verdict.OK, Verdict.WARNING)
    assert "nothing but zeros" in heard.message
    noise = np.random.default_rng(1).normal(0, 300, 48_000 * 20).astype(np.int16)
    with server.playing("kitchen", noise):
        _, heard = await diagnose(MicSettings(), tmp_path)
    assert "hears something" in heard.message


async def test_the_doctor_says_which_microphone_is_missing(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    (failed,) = await diagnose(MicSettings(device="yeti"), tmp_path)
    assert (failed.verdict, failed.message[:38]) == (Verdict.FAILED, "There is no microphone “yeti” here; pl")
    opened, _ = await diagnose(MicSettings(device="yeti", fallback=("kitchen",)), tmp_path)
    assert opened.verdict is Verdict.WARNING


async def test_the_doctor_says_that_portaudio_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_PORTAUDIO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (failed,) = await diagnose(MicSettings(), tmp_path)
    assert failed.subject == "PortAudio"
    assert "libportaudio2" in failed.advice
