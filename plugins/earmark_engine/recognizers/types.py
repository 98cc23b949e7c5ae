"""What a recogniser is: streams of 16 kHz sound in, words with their times out.

A plugin offers one through the hook ``earmark_recognizers``. The engine opens it once, reads its `languages`
before it says that it listens, and opens a stream for every conversation leg:

    async with recognizer.stream(language="en-US") as ears:
        await ears.feed(samples)          # int16, mono, 16 kHz, any length
        async for heard in ears:          # meanwhile, in another task
            ...
        await ears.finish()               # the last words come out, then the iteration ends

All times are seconds of the audio fed to this stream since it was opened, not of any clock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

import msgspec

from earmark.audio import Samples
from earmark.errors import EarmarkError

RATE = 16_000
"""Samples a second that every recogniser is fed."""


class RecognizerError(EarmarkError):
    """The recogniser could not be opened, or cannot work any more."""


class LanguageUnknown(RecognizerError):
    """The recogniser does not understand the language that was asked for."""


class TooBusy(RecognizerError):
    """The machine is behind with the speech it has already taken; no further stream is opened."""


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A word as it is written, with the punctuation that hangs on it."""

    text: str
    start: float
    end: float
    confidence: float | None = None


class Partial(msgspec.Struct, frozen=True, kw_only=True, tag="partial"):
    """What has been understood so far of a segment that is still being spoken; the next one replaces it."""

    text: str
    start: float
    end: float
    segment: int


class Final(msgspec.Struct, frozen=True, kw_only=True, tag="final"):
    """What was said in one segment: a stretch of speech between two pauses."""

    text: str
    start: float
    end: float
    segment: int
    """Counts the segments of the stream from 0; partials of the same segment came before it."""
    words: tuple[Word, ...] = ()
    confidence: float | None = None


class Processed(msgspec.Struct, frozen=True, kw_only=True, tag="processed"):
    """Every final for the audio before this point has been given: it may be forgotten by whoever sent it."""

    until_seconds: float


Heard: TypeAlias = Partial | Final | Processed


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How hard a recogniser is pressed, for a server that must decide whom to take in."""

    streams: int = 0
    backlog_seconds: float = 0.0
    """Seconds of work that lie before a new stream: the sound that waits, at the pace it is recognised at."""
    real_time_factor: float = 0.0
    """Seconds of work for a second of sound, over the last while; above 1 a single stream cannot keep up."""
    busy: float = 0.0
    """Share of the last while in which the workers worked, from 0 to 1."""
    restarts: int = 0
    """How often a worker had to be replaced."""


class Ears(Protocol):
    """One stream of sound that is being listened to."""

    async def feed(self, samples: Samples) -> None:
        """Take the next sound; waits where the recogniser is far behind, so that memory stays bounded."""
        ...

    async def finish(self) -> None:
        """Say that no more sound will come; the rest is given and the iteration ends."""
        ...

    def __aiter__(self) -> AsyncIterator[Heard]:
        """What is heard, as it is heard; one reader only."""
        ...


class Recognizer(Protocol):
    """Turns sound into words, for many streams at once."""

    @property
    def name(self) -> str:
        """What it is called in the configuration and in messages to people."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """Language codes that it understands, such as `en`; a region after it (`en-GB`) is understood too."""
        ...

    @property
    def load(self) -> Load:
        """How hard it is pressed just now."""
        ...

    async def ready(self) -> None:
        """Return when it can listen; raises `RecognizerError` with the reason where it never will."""
        ...

    def stream(self, *, language: str = "en-US", vocabulary: tuple[str, ...] = ()) -> AbstractAsyncContextManager[Ears]:
        """Listen to one more stream; entering raises `LanguageUnknown` or `TooBusy` where it cannot."""
        ...


def understands(languages: tuple[str, ...], language: str) -> bool:
    """Whether a language code such as `en-US` is one of `languages`, whatever its region."""
    primary = language.replace("_", "-").split("-")[0].lower()
    return primary in languages
