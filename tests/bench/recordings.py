"""Recordings to measure recognisers on, with what is said in them, from packages that hold them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soundfile
import soxr

from earmark.audio import Samples, to_int16
from earmark_engine.recognizers.types import RATE

ROOT = Path(__file__).parents[2]
TWO_CITIES = """It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of
foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season
of Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing before
us, we were all going direct to Heaven, we were all going direct the other way, in short, the period was so far like the
present period, that some of its noisiest authorities insisted on its being received, for good or for evil, in the
superlative degree of comparison only."""
BECKETT = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."
MEETINGS = {"dev00.wav": "ES2003a", "dev01.wav": "ES2003b"}
"""Clips in pyannote-audio's source that are the first 30 seconds of these meetings."""
CLIP_SECONDS = 30
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
UNUSABLE = "004"
"""A card that was read as it is not written."""


@dataclass(frozen=True)
class Recording:
    """Sound, and what is said in it."""

    group: str
    name: str
    samples: Samples
    said: str

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / RATE


def bundled() -> Iterator[Recording]:
    """The recordings that are there without doing anything."""
    found = find_spec("moonshine_voice")
    assert found is not None
    assert found.submodule_search_locations
    assets = Path(found.submodule_search_locations[0]) / "assets"
    script = (ROOT / "examples/demo_recording/kitchen.txt").read_text(encoding="utf-8")
    kitchen = " ".join(line.partition(":")[2] for line in script.splitlines() if re.match(r"\w+:", line))
    yield Recording("two_cities", "two_cities", sound(assets / "two_cities.wav"), TWO_CITIES)
    yield Recording("kitchen", "kitchen", sound(ROOT / "plugins/earmark_file/recordings/kitchen.flac"), kitchen)
    yield Recording("read", "beckett", sound(assets / "beckett.wav"), BECKETT)


def pocketsphinx(source: Path) -> Iterator[Recording]:
    """Read sentences and cards from the source of the package pocketsphinx."""
    for folder, listing in (("librivox", "transcription"), ("cards", "cards.transcription")):
        for line in (source / "test/data" / folder / listing).read_text(encoding="utf-8").splitlines():
            matched = re.match(r"<s>(.*)</s>\s*\((.*)\)", line.strip())
            if not matched or matched[2] == UNUSABLE:
                continue
            path = source / "test/data" / folder / f"{matched[2]}.wav"
            if path.exists():
                yield Recording("read", matched[2], sound(path), matched[1])


def meetings(source: Path, acts: Path) -> Iterator[Recording]:
    """Clips of AMI meetings from the source of pyannote-audio, with their acts as lines of JSON."""
    with gzip.open(acts, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for clip, meeting in MEETINGS.items():
        said = sorted((row["start"], row["text"]) for row in rows if row["meeting"] == meeting)
        text = " ".join(text for start, text in said if start < CLIP_SECONDS)
        yield Recording("meetings", clip, sound(source / "tests/data" / clip), text)


def noises(seconds: int = 30) -> Iterator[Recording]:
    """Sounds in which nobody speaks."""
    random, count = np.random.default_rng(0), seconds * RATE
    time = np.arange(count) / RATE
    white = random.standard_normal(count)
    brown = np.cumsum(white - white.mean())
    shapes = {
        "white": 0.05 * white,
        "brown": 0.2 * brown / np.abs(brown).max(),
        "hum": 0.1 * np.sin(2 * np.pi * 50 * time) + 0.05 * np.sin(2 * np.pi * 150 * time),
        "clicks": 0.8 * (random.random(count) > 0.9995),
        "chord": 0.1 * sum(np.sin(2 * np.pi * pitch * time) for pitch in (220, 277, 330)) * (time % 1 < 0.7),
    }
    for name, shape in shapes.items():
        yield Recording("noise", name, to_int16(np.asarray(shape)), "")


def sound(path: Path) -> Samples:
    """A recording at the rate of the recognisers."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return to_int16(soxr.resample(samples.mean(axis=1), rate, RATE))


def words(text: str) -> list[str]:
    """Words as they are compared: without case, punctuation and old spelling."""
    plain = re.sub(r"\b(10|\d)\b", lambda digit: NUMBERS[int(digit[0])], text.lower())
    plain = plain.replace("to-morrow", "tomorrow").replace("mr.", "mister").replace("-", " ")
    return re.sub(r"[^a-z' ]", " ", plain).split()


def errors(said: list[str], heard: list[str]) -> int:
    """How many words must be put in, left out or changed to make one the other."""
    row = list(range(len(heard) + 1))
    for count, word in enumerate(said, 1):
        diagonal, row[0] = row[0], count
        for place, other in enumerate(heard, 1):
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, diagonal + (word != other))
    return row[-1]
