"""A recogniser that hears exactly what was put into the sound, so that not one sample can be lost or heard twice.

Sentence number n of its script is half a second of the constant value (n + 1) * 100. Where a sentence is longer or
shorter than that, its text says by how much.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from earmark.audio import Samples
from earmark.hookspecs import NoSettings, Offer, hookimpl
from earmark.room import Room
from earmark_engine.hookspecs import DetectorMaker
from earmark_engine.recognizers.types import (
    RATE,
    Final,
    Heard,
    LanguageUnknown,
    Load,
    Partial,
    Processed,
    Recognizer,
    RecognizerError,
    TooBusy,
    Word,
    understands,
)
from tests.engine.rules import RuleDetector

SENTENCE = RATE // 2
SCRIPT = (
    "Did you feed the cat?",
    "Tom, could you call the plumber on Thursday?",
    "I will take the car to the garage tomorrow morning.",
    "The kitchen tap was dripping all night.",
    "I like it.",
    "My number is 5551234567.",
    "We have a special offer for the summer holiday.",
)


def spoken(*numbers: int, pause: int = RATE) -> Samples:
    """The sound of some sentences, each followed by a pause."""
    return np.concatenate([part for number in numbers for part in _sentence(number, pause)])


def _sentence(number: int, pause: int) -> tuple[Samples, Samples]:
    return np.full(SENTENCE, (number + 1) * 100, np.int16), np.zeros(pause, np.int16)


@dataclass
class Scripted:
    """Opens streams, and breaks or lags on request."""

    name: str = "scripted"
    languages: tuple[str, ...] = ("en",)
    load: Load = field(default_factory=Load)
    most_streams: int = 100
    streams: list[ScriptedEars] = field(default_factory=list)
    open: int = 0

    async def ready(self) -> None:
        """At once."""

    @asynccontextmanager
    async def stream(self, *, language: str = "en-US", vocabulary: tuple[str, ...] = ()) -> AsyncIterator[ScriptedEars]:
        if not understands(self.languages, language):
            raise LanguageUnknown(language)
        if self.open >= self.most_streams:
            raise TooBusy("The recogniser is busy; try again later.")
        ears = ScriptedEars(vocabulary)
        self.streams.append(ears)
        self.open += 1
        try:
            yield ears
        finally:
            self.open -= 1


class ScriptedEars:
    """One stream."""

    def __init__(self, vocabulary: tuple[str, ...]) -> None:
        self.vocabulary = vocabulary
        self.flowing = asyncio.Event()
        """Cleared: nothing more is taken, as by a recogniser that is far behind."""
        self.flowing.set()
        self._heard: asyncio.Queue[Heard | RecognizerError | None] = asyncio.Queue()
        self._value, self._length, self._at, self._segment = 0, 0, 0, 0

    async def feed(self, samples: Samples) -> None:
        await self.flowing.wait()
        borders = [0, *(np.flatnonzero(np.diff(samples)) + 1).tolist(), len(samples)]
        for first, last in itertools.pairwise(borders):
            value = int(samples[first])
            if value != self._value:
                self._end()
                self._value, self._length = value, 0
            self._length += last - first
            self._at += last - first
            if value:
                text = SCRIPT[value // 100 - 1].split()[0]
                self._put(Partial(text=text, start=self._start, end=self._at / RATE, segment=self._segment))
        until = self._at if not self._value else self._at - self._length
        self._put(Processed(until_seconds=until / RATE))

    @property
    def taken(self) -> int:
        """How many samples it was fed."""
        return self._at

    @property
    def _start(self) -> float:
        return (self._at - self._length) / RATE

    def _end(self) -> None:
        if not self._value:
            return
        text, start, end = SCRIPT[self._value // 100 - 1], self._start, self._at / RATE
        if self._length != SENTENCE:
            text = f"{text} {self._length - SENTENCE:+d}"
        parts = text.split()
        step = (end - start) / len(parts)
        words = tuple(
            Word(text=part, start=start + n * step, end=start + (n + 1) * step) for n, part in enumerate(parts)
        )
        self._put(Final(text=text, start=start, end=end, segment=self._segment, words=words, confidence=0.9))
        self._segment += 1
        self._value = 0

    def _put(self, heard: Heard | RecognizerError | None) -> None:
        self._heard.put_nowait(heard)

    async def finish(self) -> None:
        self._end()
        self._put(Processed(until_seconds=self._at / RATE))
        self._put(None)

    def break_down(self) -> None:
        """Fail as a recogniser does that cannot work any more."""
        self._put(RecognizerError("The recogniser broke down."))

    def __aiter__(self) -> AsyncIterator[Heard]:
        return self

    async def __anext__(self) -> Heard:
        heard = await self._heard.get()
        if heard is None:
            raise StopAsyncIteration
        if isinstance(heard, RecognizerError):
            raise heard
        return heard


class Plugin:
    """Offers the scripted recogniser as any plugin would."""

    def __init__(self) -> None:
        self.recognizer = Scripted()

    @hookimpl
    def earmark_recognizers(self) -> Iterable[Offer[Recognizer]]:
        yield Offer("scripted", "Hear what was put into the sound.", self._open)

    @asynccontextmanager
    async def _open(self, settings: NoSettings, room: Room) -> AsyncIterator[Recognizer]:
        yield self.recognizer

    @hookimpl
    def earmark_detectors(self) -> Iterable[Offer[DetectorMaker]]:
        yield Offer("rules", "Mark by plain rules.", self._open_rules)

    @asynccontextmanager
    async def _open_rules(self, settings: NoSettings, room: Room) -> AsyncIterator[DetectorMaker]:
        yield RuleDetector
