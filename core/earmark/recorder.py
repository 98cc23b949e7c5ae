"""Storing events so that nobody sees one that is not on disk."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence

from earmark.backoff import delays
from earmark.bus import Bus
from earmark.clock import Clock
from earmark.errors import JournalError
from earmark.events import Durable
from earmark.journal import Entry, Journal

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 15.0
MOST_HELD = 10_000
_NO_STATE: Mapping[str, bytes | None] = {}
_log = logging.getLogger(__name__)


class Recorder:
    """Writes events to the journal, in the order they come, and shows them to watchers afterwards.

    While the journal cannot be written, events are held and their givers wait: nothing is confirmed and no sink sees
    anything, and `problem` says why.
    """

    def __init__(self, journal: Journal, bus: Bus, clock: Clock, *, rng: random.Random | None = None) -> None:
        self.problem: str | None = None
        """What is wrong just now and what to do; None when all is well."""
        self.held = 0
        """Events that wait to be written."""
        self._journal = journal
        self._bus = bus
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - no secret is drawn
        self._turn = asyncio.Lock()

    async def record(self, events: Sequence[Durable], *, state: Mapping[str, bytes | None] = _NO_STATE) -> list[Entry]:
        """Return once the events and the state are on disk, with the entries that are new.

        Raises `JournalError` only when more events wait already than memory should hold.
        """
        if self.problem and self.held + len(events) > MOST_HELD:
            raise JournalError(f"{self.held} events wait to be written already, and no more are taken: {self.problem}")
        self.held += len(events)
        try:
            async with self._turn:
                entries = await self._until_stored(events, state)
                for entry in entries:
                    self._bus.publish(entry.event)
                return entries
        finally:
            self.held -= len(events)

    async def _until_stored(self, events: Sequence[Durable], state: Mapping[str, bytes | None]) -> list[Entry]:
        waits = delays(FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, self._rng)
        while True:
            try:
                entries = await self._journal.append(events, state=state)
            except JournalError as error:
                if self.problem is None:
                    _log.error("%s; events are held until it can be written again", error)
                self.problem = str(error)
                await self._clock.sleep(next(waits))
            else:
                if self.problem is not None:
                    _log.warning("The journal can be written again")
                self.problem = None
                return entries
