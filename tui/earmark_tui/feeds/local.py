"""The listeners of this machine, each through its room's door; their past out of their journals."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from earmark import door
from earmark.clock import Clock
from earmark.door import knock
from earmark.errors import JournalError
from earmark.journal import Journal
from earmark.journal_rows import Entry, Summary
from earmark.paths import RoomFolders
from earmark_tui.feeds import Asked, Begun, Inbox, News, OlderMarks, Tiding
from earmark_tui.feeds.following import Follower, first_shown, utc_now

_CHUNK = 2000
_LONGEST_DELAY_SECONDS = 2.0
_LOOK_SECONDS = 2.0
_MOST_CONVERSATIONS = 200


class LocalFeed:
    """One room of this machine, or with `discover` also every other one that is listened to."""

    past = False

    def __init__(self, *, state: Path, runtime: Path, room: str, clock: Clock, discover: bool = True) -> None:
        """`state` and `runtime` are the folders in which each room has its own."""
        self.room = room
        self._state = state
        self._runtime = runtime
        self._clock = clock
        self._discover = discover
        self._followed: set[str] = set()

    def folders(self, room: str) -> RoomFolders:
        """The two folders of a room."""
        return RoomFolders(self._state / room, self._runtime / room)

    async def run(self, inbox: Inbox) -> None:
        """Follow every room there is, and those that begin to be listened to later."""
        async with asyncio.TaskGroup() as group:
            while True:
                for room in self._rooms():
                    if room not in self._followed:
                        self._followed.add(room)
                        group.create_task(self._follow(room, inbox))
                await self._clock.sleep(_LOOK_SECONDS)

    def _rooms(self) -> list[str]:
        found = [self.room]
        if self._discover and self._runtime.is_dir():
            found += sorted(path.parent.name for path in self._runtime.glob(f"*/{door.NAME}"))
        return list(dict.fromkeys(found))

    async def _follow(self, room: str, inbox: Inbox) -> None:
        def attach(after: int | None) -> AsyncIterator[Tiding | None]:
            return self._attach(room, after)

        rng = random.Random()  # noqa: S311 - spreads retries, guards nothing
        follower = Follower(room, attach, clock=self._clock, rng=rng, longest_delay_seconds=_LONGEST_DELAY_SECONDS)
        await follower.run(inbox)

    async def _attach(self, room: str, after: int | None) -> AsyncIterator[Tiding | None]:
        folders = self.folders(room)
        async with knock(folders.runtime, room) as opened:
            yield None
            place = after or 0
            async for tiding in self.catch_up(room, folders.journal, after):
                yield tiding
                if isinstance(tiding, News):
                    place = tiding.entries[-1].seq or place
                elif isinstance(tiding, Begun):
                    place = 0
            async for told in opened.watch(place, live=True):
                yield News(room, (told,))

    async def catch_up(self, room: str, path: Path, after: int | None) -> AsyncIterator[Tiding]:
        """What was journaled after a place, straight from the file: faster than through the door."""
        async with Journal.open(path, clock=self._clock, read_only=True) as journal:
            if after is None or after > journal.last:
                # Nothing was shown yet, or another journal has begun meanwhile.
                yield Begun(room)
                summaries = await journal.conversations(most=_MOST_CONVERSATIONS)
                after = first_shown(summaries, utc_now(self._clock), journal.last)
                if marks := await journal.open_marks():
                    yield OlderMarks(room, marks[::-1])
            while entries := await journal.read(after, most=_CHUNK):
                yield News(room, entries)
                after = entries[-1].seq

    async def ask(self, room: str, asked: Asked) -> None:
        """Ask something of a room's listener."""
        async with knock(self.folders(room).runtime, room) as opened:
            await opened.ask(asked)

    async def conversations(self, room: str) -> list[Summary]:
        """The past conversations of a room, the newest first."""
        async with self._journal(room) as journal:
            return await journal.conversations(most=_MOST_CONVERSATIONS)

    async def of_conversation(self, room: str, conversation: str) -> list[Entry]:
        """All that is known of one of them."""
        async with self._journal(room) as journal:
            return await journal.of_conversation(conversation)

    @asynccontextmanager
    async def _journal(self, room: str) -> AsyncIterator[Journal]:
        path = self.folders(room).journal
        if not path.exists():
            raise JournalError(f"Nothing has been heard in room {room!r} yet")
        async with Journal.open(path, clock=self._clock, read_only=True) as journal:
            yield journal
