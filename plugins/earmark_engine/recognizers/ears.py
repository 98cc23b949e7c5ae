"""One stream on the engine's side: what was fed and is not settled, and what was heard and is not read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Self

import numpy as np

from earmark.audio import Samples
from earmark_engine.recognizers.types import RATE, Final, Heard, Partial, Processed, RecognizerError
from earmark_engine.recognizers.wire import Audio, Finish, Message, Open, Told

MOST_AHEAD_SECONDS = 30.0
"""How much sound a stream takes that is not recognised yet; then `feed` waits."""
MOST_UNREAD = 256
"""How many results a stream holds that nobody has read; then `feed` waits."""


class PooledEars:
    """A stream that outlives the worker it is with: what is not settled is given to the next one again."""

    def __init__(self, stream: int, vocabulary: tuple[str, ...], send: Callable[[Message], None]) -> None:
        self.stream = stream
        self._vocabulary = vocabulary
        self._send = send
        self._unsettled: deque[Samples] = deque()
        self._settled = 0
        self._fed = 0
        self._segment = 0
        self._scanned_seconds = 0.0
        self._waiting_seconds = 0.0
        self._finished = False
        self._ended = False
        self._failure: str | None = None
        self._results: deque[Heard] = deque()
        self._changed = asyncio.Condition()
        self.deaths = 0
        """How many workers died of this stream since it was last settled."""

    @property
    def ahead_seconds(self) -> float:
        """How much was fed that waits to be searched or recognised; the segment being spoken does not count."""
        return max(0.0, self._fed / RATE - self._scanned_seconds) + self._waiting_seconds

    @property
    def unsettled_seconds(self) -> float:
        """How much sound is held for another worker."""
        return (self._fed - self._settled) / RATE

    async def feed(self, samples: Samples) -> None:
        """Take the next sound; waits while the workers are far behind or nobody reads."""
        async with self._changed:
            await self._changed.wait_for(self._has_room)
        self._check()
        assert not self._finished, "sound after the end"
        kept = np.ascontiguousarray(samples, np.int16)
        self._unsettled.append(kept)
        self._fed += len(kept)
        self._send(Audio(stream=self.stream, samples=kept.tobytes()))

    async def finish(self) -> None:
        """Say that no more sound will come."""
        self._check()
        if not self._finished:
            self._finished = True
            self._send(Finish(stream=self.stream))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Heard:
        """What is heard next, until the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._results or self._ended or self._failure)
            self._changed.notify_all()
            if self._results:
                return self._results.popleft()
        self._check()
        raise StopAsyncIteration

    async def told(self, told: Told) -> None:
        """Take what a worker made of it."""
        self._scanned_seconds = told.scanned_seconds
        self._waiting_seconds = told.waiting_seconds
        async with self._changed:
            for heard in told.heard:
                self._note(heard)
            self._ended = told.done
            self._changed.notify_all()

    async def fail(self, reason: str) -> None:
        """Give up: whoever feeds or reads is told why."""
        async with self._changed:
            self._failure = reason
            self._changed.notify_all()

    def again(self, send: Callable[[Message], None], *, spoiled: int) -> None:
        """Go on with another worker, from what is settled."""
        self._send = send
        self._scanned_seconds, self._waiting_seconds = self._settled / RATE, 0.0
        send(
            Open(
                stream=self.stream,
                position=self._settled,
                segment=self._segment,
                spoiled=spoiled,
                vocabulary=self._vocabulary,
            )
        )
        for samples in self._unsettled:
            send(Audio(stream=self.stream, samples=samples.tobytes()))
        if self._finished and not self._ended:
            send(Finish(stream=self.stream))

    def _note(self, heard: Heard) -> None:
        last = self._results[-1] if self._results else None
        if isinstance(heard, Processed):
            self._forget(round(heard.until_seconds * RATE))
        elif isinstance(heard, Final):
            self._segment = heard.segment + 1
        if isinstance(last, (Partial, Processed)) and type(last) is type(heard):
            self._results.pop()  # the newer one says it all
        self._results.append(heard)

    def _forget(self, settled: int) -> None:
        if settled > self._settled:
            self.deaths = 0
        while self._unsettled and self._settled < settled:
            first = self._unsettled.popleft()
            part = min(len(first), settled - self._settled)
            self._settled += part
            if part < len(first):
                self._unsettled.appendleft(first[part:])

    def _has_room(self) -> bool:
        if self._failure:
            return True
        return self.ahead_seconds < MOST_AHEAD_SECONDS and len(self._results) < MOST_UNREAD

    def _check(self) -> None:
        if self._failure:
            raise RecognizerError(self._failure)
