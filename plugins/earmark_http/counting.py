"""What was journaled since the service began, by kind, for the metrics."""

from __future__ import annotations

from collections import Counter

from earmark.errors import JournalError
from earmark.events import Insight, kind_of
from earmark.room import Room

_RETRY_SECONDS = 5.0


class EventCount:
    """Counts journaled events."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._place = room.archive.last
        self.events: Counter[str] = Counter()
        self.marks: Counter[str] = Counter()

    async def run(self) -> None:
        """Count until cancelled; a journal that cannot be read is asked again."""
        while True:
            try:
                await self._follow()
            except JournalError as error:
                self._room.log.debug("Events cannot be counted: %s", error)
                await self._room.clock.sleep(_RETRY_SECONDS)

    async def _follow(self) -> None:
        for entry in await self._room.archive.following(self._place):
            self._place = entry.seq
            self.events[kind_of(entry.event)] += 1
            if isinstance(entry.event, Insight) and entry.event.revision == 0:
                self.marks[str(entry.event.kind)] += 1
