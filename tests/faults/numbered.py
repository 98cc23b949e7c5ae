"""Sound whose every sample says which one it is, and a recogniser that reads it.

A pair of samples holds the number of the first of them, so that wherever sound is lost, doubled or put in another
order, what the recogniser says of it shows. Its words are pieces of a tenth of a second, such as `1600-3200`; a
sentence is half a second of pieces.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Frame, Samples
from earmark.hookspecs import NoSettings, Offer, hookimpl
from earmark.room import Room
from earmark_engine.hookspecs import DetectorMaker
from earmark_engine.recognizers.types import Final, Heard, Load, Partial, Processed, Recognizer, Word
from tests.engine.rules import RuleDetector

RATE = 16_000
PIECE = 1600
SENTENCE = 5 * PIECE
_BITS = 15
_MASK = (1 << _BITS) - 1
_FLOOR = 64
"""Added to the upper half, so that silence and what a resampler makes of it are no numbers."""

Span = tuple[int, int]


def numbered(first: int, length: int) -> Samples:
    """The samples from an even number on."""
    pairs = np.arange(first // 2, (first + length) // 2, dtype=np.int64)
    return np.stack([pairs & _MASK, (pairs >> _BITS) + _FLOOR], axis=1).reshape(-1).astype(np.int16)


def numbers(samples: Samples) -> NDArray[np.int64]:
    """Which samples these are; an odd one at the end is not counted."""
    pairs = samples[: len(samples) // 2 * 2].reshape(-1, 2).astype(np.int64)
    first = (pairs[:, 0] | (pairs[:, 1] - _FLOOR) << _BITS) * 2
    return np.stack([first, first + 1], axis=1).reshape(-1)


def frames(count: int, *, first: int = 0, block: int = PIECE, began: float = 1_700_000_000.0) -> list[Frame]:
    """Numbered sound on a capture clock that counts the same."""
    return [
        Frame(samples=numbered(place, block), rate=RATE, position=place, at=began + place / RATE)
        for place in range(first * block, (first + count) * block, block)
    ]


def spans(texts: Iterable[str]) -> list[Span]:
    """The pieces that were heard, in the order of their numbers."""
    pieces = [word.strip(".").split("-") for text in texts for word in text.split()]
    return sorted((int(first), int(last)) for first, last in pieces)


def merged(pieces: Sequence[Span]) -> list[Span]:
    """The same with neighbours made one; raises `AssertionError` where something was heard twice."""
    whole: list[Span] = []
    for first, last in sorted(pieces):
        if whole and first < whole[-1][1]:
            raise AssertionError(f"{first} to {last} was heard again, after {whole[-1]}")
        if whole and first == whole[-1][1]:
            whole[-1] = (whole[-1][0], last)
        else:
            whole.append((first, last))
    return whole


def _without_noise(samples: Samples) -> Samples:
    """The same with what a resampler makes of silence made silence."""
    pairs = samples[: len(samples) // 2 * 2].reshape(-1, 2)
    loud = pairs[:, 1:] > _FLOOR // 2
    quiet: Samples = np.where(loud, pairs, np.int16(0)).reshape(-1)
    return quiet


class Reader:
    """Reads one stream."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[Heard | None] = asyncio.Queue()
        self._rest = np.zeros(0, np.int16)
        self._at = 0
        """How many samples were read."""
        self._piece: tuple[int, int, int] | None = None
        """Number of the first sample of the piece that is being read, of the next one, and where it began."""
        self._next: int | None = None
        self._words: list[Word] = []
        self._segment = 0
        self.heard: list[Span] = []
        """What was read, in its order."""

    async def feed(self, samples: Samples) -> None:
        """Read more."""
        samples = np.concatenate([self._rest, samples])
        self._rest = samples[len(samples) // 2 * 2 :]
        read = numbers(_without_noise(samples))
        seams = (np.flatnonzero((np.diff(read) != 1) | (read[1:] % PIECE == 0)) + 1).tolist()
        for begin, end in itertools.pairwise([0, *seams, len(read)]):
            if end > begin:
                self._read(int(read[begin]), end - begin)

    def _read(self, first: int, length: int) -> None:
        if first < 0:
            self._be_quiet(length)
            return
        if self._next not in (None, first):
            self._end_piece()
            self._end_sentence()
        if self._piece is None:
            self._piece = (first, first, self._at)
        self._piece = (self._piece[0], first + length, self._piece[2])
        self._at, self._next = self._at + length, first + length
        if self._piece[1] % PIECE == 0:
            self._end_piece()
        if first + length == first // SENTENCE * SENTENCE + SENTENCE:
            self._end_sentence()

    def _be_quiet(self, length: int) -> None:
        self._end_piece()
        self._end_sentence()
        self._at, self._next = self._at + length, -1

    def _end_piece(self) -> None:
        if self._piece is None:
            return
        (first, last, began), self._piece = self._piece, None
        self.heard.append((first, last))
        self._words.append(Word(text=f"{first}-{last}", start=began / RATE, end=(began + last - first) / RATE))
        start, end = self._words[0].start, self._words[-1].end
        self._told.put_nowait(Partial(text=self._text(), start=start, end=end, segment=self._segment))

    def _text(self) -> str:
        return " ".join(word.text for word in self._words)

    def _end_sentence(self) -> None:
        if not self._words:
            return
        last = self._words[-1]
        self._words[-1] = Word(text=f"{last.text}.", start=last.start, end=last.end)
        start, end, words = self._words[0].start, last.end, tuple(self._words)
        self._told.put_nowait(Final(text=self._text(), start=start, end=end, segment=self._segment, words=words))
        self._told.put_nowait(Processed(until_seconds=end))
        self._words, self._segment = [], self._segment + 1

    async def finish(self) -> None:
        """Tell the rest."""
        self._end_piece()
        self._end_sentence()
        self._told.put_nowait(Processed(until_seconds=self._at / RATE))
        self._told.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[Heard]:
        return self

    async def __anext__(self) -> Heard:
        told = await self._told.get()
        if told is None:
            raise StopAsyncIteration
        return told


class NumberRecognizer:
    """Opens streams of numbered sound."""

    name = "numbered"
    languages = ("en",)

    def __init__(self) -> None:
        self.load = Load()
        self.streams: list[Reader] = []

    async def ready(self) -> None:
        """At once."""

    @asynccontextmanager
    async def stream(self, *, language: str = "en-US", vocabulary: tuple[str, ...] = ()) -> AsyncIterator[Reader]:
        """Read one more stream."""
        self.streams.append(Reader())
        yield self.streams[-1]


class Plugin:
    """Offers the recogniser, and a detector of plain rules, as any plugin would."""

    def __init__(self) -> None:
        self.recognizer = NumberRecognizer()

    @hookimpl
    def earmark_recognizers(self) -> Iterable[Offer[Recognizer]]:
        """The reader of numbered sound."""
        yield Offer("numbered", "Read numbered sound.", self._open)

    @asynccontextmanager
    async def _open(self, settings: NoSettings, room: Room) -> AsyncIterator[Recognizer]:
        yield self.recognizer

    @hookimpl
    def earmark_detectors(self) -> Iterable[Offer[DetectorMaker]]:
        """Plain rules."""
        yield Offer("rules", "Mark by plain rules.", _open_rules)


@asynccontextmanager
async def _open_rules(settings: NoSettings, room: Room) -> AsyncIterator[DetectorMaker]:
    yield RuleDetector
