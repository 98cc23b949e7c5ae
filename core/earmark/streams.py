"""A sink's own view of the journal."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from earmark.clock import Clock
from earmark.errors import JournalError
from earmark.events import AnyEvent
from earmark.journal import Entry, Journal

_READ_AHEAD = 500


class Position:
    """Where a sink stands in the journal: on disk if it has a cursor, else for as long as the room lives."""

    def __init__(self, journal: Journal, *, sink: str, target: str | None, now: int) -> None:
        """A sink that is new starts no later than at `now`, a `seq`: what is journaled meanwhile is for it as well."""
        self.taken = 0
        """The `seq` up to which everything was acknowledged or refused."""
        self.alone_until = 0
        """Up to here events are given one by one, to find the one of a batch that is refused."""
        self._journal = journal
        self._sink = sink
        self._target = target
        self._now = now

    async def find(self, *, from_start: bool) -> None:
        """Go to where the sink stood, or where a new one starts."""
        known = None if self._target is None else await self._journal.cursor(self._sink, self._target)
        if known is None:
            known = 0 if from_start else await self._present()
            await self._store(known)
            await self._keep()
        self.taken = known

    async def _keep(self) -> None:
        """Have the place on disk before anything is given, so that a killed process leaves no new sink behind."""
        if self._target is not None:
            with suppress(JournalError):  # it is tried again with the next move
                await self._journal.write_cursors()

    async def _present(self) -> int:
        conversation = await self._journal.present()
        if self._target is None or conversation is None:
            return self._now
        first = await self._journal.first_of(conversation)
        return self._now if first is None else min(self._now, first - 1)

    async def move(self, seq: int) -> None:
        """Go on past an event."""
        self.taken = seq
        await self._store(seq)

    async def _store(self, seq: int) -> None:
        if self._target is not None:
            await self._journal.move_cursor(self._sink, self._target, seq)


class JournalStream:
    """Events from a sink's position on, then as they come; asking for more acknowledges what was given.

    A class and not a generator, since cancelling a generator's `__anext__` would end it.
    """

    def __init__(
        self,
        journal: Journal,
        position: Position,
        clock: Clock,
        ending: asyncio.Event,
        acknowledged: Callable[[int], None],
    ) -> None:
        self.given: list[Entry] = []
        """What was given and is not acknowledged yet."""
        self.given_at = clock.monotonic()
        """When it last gave something, or was made: since then the sink is at work."""
        self.waiting = False
        """Whether the sink has asked and there is nothing to give."""
        self.ended = False
        """Whether it has said that nothing more comes."""
        self.probing = False
        """Whether events are given one by one until one is acknowledged."""
        self._acknowledged = acknowledged
        self._journal = journal
        self._position = position
        self._clock = clock
        self._ending = ending
        self._revoked = False
        self._ahead: deque[Entry] = deque()
        self._read_to = position.taken

    def revoke(self) -> None:
        """Take it away from a sink that was given up: it can acknowledge nothing any more."""
        self._revoked = True

    def __aiter__(self) -> JournalStream:
        return self

    async def __anext__(self) -> AnyEvent:
        return (await self.next_batch(1))[0]

    def batches(self, most: int) -> Batches:
        """Lists of at most so many; asking for the next acknowledges the whole last one."""
        return Batches(self, most)

    async def next_batch(self, most: int) -> list[AnyEvent]:
        """Acknowledge what was given, wait for what comes next, and give at most so many of it."""
        await self._acknowledge()
        await self._wait_for_more()
        first = self._ahead[0].seq
        if self.probing or first <= self._position.alone_until:
            most = 1
        self.given = [self._ahead.popleft() for _ in range(min(most, len(self._ahead)))]
        self.given_at = self._clock.monotonic()
        return [entry.event for entry in self.given]

    async def _acknowledge(self) -> None:
        if self._revoked:
            raise asyncio.CancelledError
        if self.given:
            given, self.given = self.given, []
            await self._position.move(given[-1].seq)
            self.probing = False
            self._acknowledged(len(given))

    async def _wait_for_more(self) -> None:
        self.waiting = True
        try:
            while not self._ahead:
                await self._read_ahead()
        finally:
            self.waiting = False

    async def _read_ahead(self) -> None:
        newest = self._journal.last
        self._ahead.extend(await self._journal.read(self._read_to, most=_READ_AHEAD))
        if self._ahead:
            self._read_to = self._ahead[-1].seq
            return
        if newest > self._position.taken:
            # What was there has been forgotten.
            self._read_to = newest
            await self._position.move(newest)
        if self._ending.is_set():
            self.ended = True
            raise StopAsyncIteration
        await self._news()

    async def _news(self) -> None:
        tasks = {
            asyncio.create_task(self._journal.changed(self._read_to)),
            asyncio.create_task(self._ending.wait()),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


class Batches:
    """A stream in lists."""

    def __init__(self, stream: JournalStream, most: int) -> None:
        self._stream = stream
        self._most = most

    def __aiter__(self) -> Batches:
        return self

    async def __anext__(self) -> list[AnyEvent]:
        return await self._stream.next_batch(self._most)
