"""One stream inside a worker: sound in; when asked, what it has to tell.

It does no recognising of its own accord: the worker asks whose turn it is, so that many streams share one model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from earmark.audio import FULL_SCALE, Samples
from earmark_engine.recognizers.segments import FRAME, FRAME_SECONDS, Cutting, Segment, Segmenter
from earmark_engine.recognizers.types import RATE, Final, Heard, Partial, Processed, Word
from earmark_engine.recognizers.words import spread

LONG_SHARE = 0.15
"""Of a long segment, interim text waits for so much of it to be new: the model reads all of it each time."""

Sound = NDArray[np.float32]


class Transcribed(msgspec.Struct, frozen=True, kw_only=True):
    """What a model made of one segment."""

    text: str
    words: tuple[Word, ...] = ()
    """With times from the beginning of the segment, where the model can tell them."""
    confidence: float | None = None


class Transcriber(Protocol):
    """A model in a worker: text of a segment of sound, which is float, mono, 16 kHz."""

    interim_is_final: bool
    """Whether interim text of a whole segment is what `final` would say."""

    def interim(self, sound: Sound) -> str:
        """What has been said so far, quickly."""
        ...

    def final(self, sound: Sound, vocabulary: tuple[str, ...]) -> Transcribed:
        """What was said, as well as it can be had; no text where nothing was."""
        ...


class Hearing:
    """What is known of one stream, and what is still to be done for it."""

    def __init__(
        self,
        voice: Callable[[Sound], float],
        *,
        position: int = 0,
        segment: int = 0,
        spoiled: int = 0,
        vocabulary: tuple[str, ...] = (),
        interim_seconds: float = 1.0,
        cutting: Cutting | None = None,
    ) -> None:
        self._voice = voice
        self._segmenter = Segmenter(cutting)
        self._position = position
        self._next_segment = segment
        self._spoiled = spoiled
        self._vocabulary = vocabulary
        self._interim_frames = max(1, round(interim_seconds / FRAME_SECONDS))
        self._kept = np.zeros(0, np.int16)
        self._kept_from = 0
        self._waiting: deque[Segment] = deque()
        self._tried = (-1, -1)
        self._tried_text = ""
        self._told_until = -1
        self._fed = 0
        self.finished = False

    @property
    def scanned_seconds(self) -> float:
        """How much of the stream was searched for speech."""
        return self._seconds(self._segmenter.frame)

    @property
    def waiting_seconds(self) -> float:
        """How much speech has ended and is not yet recognised."""
        return sum(segment.end - segment.start for segment in self._waiting) * FRAME_SECONDS

    @property
    def kept_seconds(self) -> float:
        """How much sound is held."""
        return len(self._kept) / RATE

    @property
    def final_due(self) -> bool:
        """Whether a segment has ended and waits."""
        return bool(self._waiting)

    @property
    def interim_due(self) -> bool:
        """Whether enough was said since the last interim text to make another worth its while."""
        segment = self._segmenter.open
        if segment is None or self._waiting or self._spoiled:
            return False
        grown = segment.end - (self._tried[1] if self._tried[0] == segment.start else segment.start)
        enough = max(self._interim_frames, LONG_SHARE * (segment.end - segment.start))
        return grown >= enough or (grown > 0 and segment.end < self._segmenter.frame)

    @property
    def done(self) -> bool:
        """Whether nothing more will come of it."""
        return self.finished and not self._waiting

    def feed(self, samples: Samples) -> None:
        """Take more sound and search it for speech."""
        self._fed += len(samples)
        self._kept = np.concatenate([self._kept, samples])
        first = self._segmenter.frame * FRAME - self._kept_from
        for at in range(first, len(self._kept) - FRAME + 1, FRAME):
            frame = self._kept[at : at + FRAME].astype(np.float32) / np.float32(FULL_SCALE)
            if segment := self._segmenter.hear(self._voice(frame)):
                self._waiting.append(segment)

    def finish(self) -> None:
        """Take the end of the stream: what is open is over."""
        fed = self._fed
        if fed % FRAME:
            self.feed(np.zeros(FRAME - fed % FRAME, np.int16))
            self._fed = fed
        if segment := self._segmenter.finish():
            self._waiting.append(segment)
        self.finished = True

    def interim(self, transcriber: Transcriber) -> list[Heard]:
        """Recognise the open segment as far as it goes."""
        segment = self._segmenter.open
        assert segment is not None
        self._tried, self._tried_text = (segment.start, segment.end), transcriber.interim(self._sound(segment))
        if not self._tried_text:
            return []
        return [
            Partial(
                text=self._tried_text,
                start=self._seconds(segment.voiced[0]),
                end=self._seconds(segment.voiced[-1] + 1),
                segment=self._next_segment,
            )
        ]

    def final(self, transcriber: Transcriber) -> list[Heard]:
        """Recognise the segment that has waited longest."""
        segment = self._waiting[0]
        if self._spoiled:
            self._spoiled -= 1
            told = Transcribed(text="")
        elif transcriber.interim_is_final and self._tried == (segment.start, segment.end):
            told = Transcribed(text=self._tried_text)
        else:
            told = transcriber.final(self._sound(segment), self._vocabulary)
        self._waiting.popleft()
        heard: list[Heard] = [self._final(segment, told)] if told.text else []
        self._next_segment += 1
        return heard + self.settle()

    def settle(self, *, least_seconds: float = 0.0) -> list[Heard]:
        """Say how far everything is told, where that has moved on; sound before it is forgotten."""
        until = self._waiting[0].start if self._waiting else self._segmenter.settled
        if self.done:
            until = self._segmenter.frame
        if (until - self._told_until) * FRAME_SECONDS < max(least_seconds, FRAME_SECONDS):
            return []
        self._told_until = until
        self._kept = self._kept[until * FRAME - self._kept_from :].copy()
        self._kept_from = until * FRAME
        return [Processed(until_seconds=min(self._seconds(until), (self._position + self._fed) / RATE))]

    def _final(self, segment: Segment, told: Transcribed) -> Final:
        words = tuple(self._moved(word, segment.start) for word in told.words) or tuple(
            self._moved(word, 0) for word in spread(told.text, segment.voiced)
        )
        return Final(
            text=told.text,
            start=words[0].start,
            end=words[-1].end,
            segment=self._next_segment,
            words=words,
            confidence=told.confidence,
        )

    def _sound(self, segment: Segment) -> Sound:
        first = segment.start * FRAME - self._kept_from
        sound = self._kept[first : first + (segment.end - segment.start) * FRAME]
        return sound.astype(np.float32) / np.float32(FULL_SCALE)

    def _seconds(self, frame: int) -> float:
        return (self._position + frame * FRAME) / RATE

    def _moved(self, word: Word, frames: int) -> Word:
        by = self._seconds(frames)
        return msgspec.structs.replace(word, start=round(word.start + by, 3), end=round(word.end + by, 3))
