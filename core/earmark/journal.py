"""The journal: every durable event of a room, in one SQLite file, before anyone sees it.

Threads of its own do the SQL, one to write and one to read, so that neither a slow disk nor a long search holds up the
room. Other processes may read the same file meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from earmark import forgetting, journal_rows, journal_schema, search
from earmark.clock import Clock, moment
from earmark.errors import JournalError
from earmark.events import Durable
from earmark.forgetting import Forgotten, Selection
from earmark.journal_rows import Entry, Mark, Summary
from earmark.journal_thread import JournalThread
from earmark.search import Found, Query

__all__ = ["Entry", "Forgotten", "Found", "Journal", "Mark", "Query", "Selection", "Summary"]

T = TypeVar("T")

CURSORS_EVERY_SECONDS = 0.2
_NO_STATE: Mapping[str, bytes | None] = {}
_log = logging.getLogger(__name__)


class Journal:
    """The events of one room, where each sink stands in them, and what must survive a restart."""

    def __init__(self, path: Path, clock: Clock, *, read_only: bool) -> None:
        self.path = path
        self.last = 0
        """The highest `seq` ever given."""
        self.notices: list[str] = []
        """What its owner should know of, such as a broken file that was set aside."""
        self._clock = clock
        self._writer = None if read_only else JournalThread(path, name="write", read_only=False)
        self._reader = JournalThread(path, name="read", read_only=True)
        self._news = asyncio.Event()
        self._cursors: dict[tuple[str, str], int] = {}
        self._kept: dict[str, bytes | None] = {}
        self._moved: set[tuple[str, str]] = set()
        self._moving = asyncio.Event()
        self._mending = asyncio.Lock()
        self._files = 1

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, *, clock: Clock, read_only: bool = False) -> AsyncIterator[Journal]:
        """Open a room's journal, or begin one; `read_only` is for looking at it while somebody else writes."""
        journal = cls(path, clock, read_only=read_only)
        try:
            journal.last = await (journal._read if read_only else journal._write)(journal_rows.last)
            async with journal._keeping_cursors():
                yield journal
        finally:
            await journal._close()

    @asynccontextmanager
    async def _keeping_cursors(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._keep_cursors())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            with contextlib.suppress(JournalError):
                await self.write_cursors()

    async def _close(self) -> None:
        # The reader first, so that the writer is the last to leave and tidies the files up.
        await self._reader.close()
        if self._writer is not None:
            await self._writer.close()

    # Writing

    async def append(self, events: Sequence[Durable], *, state: Mapping[str, bytes | None] = _NO_STATE) -> list[Entry]:
        """Store events and state, all or nothing, and give the entries that are new: repeats by id are not.

        When this returns, they survive a power cut.
        """
        loop = asyncio.get_running_loop()

        def work(connection: sqlite3.Connection) -> list[Entry]:
            with journal_schema.transaction(connection):
                journal_rows.keep(connection, state)
                entries = journal_rows.append(connection, events)
            if entries:
                # From the thread, so that the sinks hear of it even if the caller was cancelled meanwhile.
                loop.call_soon_threadsafe(self._tell, entries[-1].seq)
            return entries

        return await self._write(work)

    def _tell(self, seq: int) -> None:
        self.last = max(self.last, seq)
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def keep(self, state: Mapping[str, bytes | None]) -> None:
        """Store values under keys; None forgets a key."""
        await self.append((), state=state)

    async def cursor(self, sink: str, target: str) -> int | None:
        """Up to where a sink has taken events to a target; None if it never has."""
        if (sink, target) not in self._cursors:
            seq = await self._read(lambda connection: journal_rows.cursor(connection, sink, target))
            if seq is None:
                return None
            self._cursors.setdefault((sink, target), seq)
        return self._cursors[sink, target]

    async def move_cursor(self, sink: str, target: str, seq: int) -> None:
        """Remember that a sink has taken everything up to there."""
        # Moves are gathered and written a few times a second, unsynced: a sink that takes a thousand events a second
        # costs five small writes. What a kill or a power cut loses of them is only repeated, which "at least once"
        # allows; the next append syncs them along.
        self._cursors[sink, target] = seq
        self._moved.add((sink, target))
        self._moving.set()

    async def _keep_cursors(self) -> None:
        while True:
            await self._moving.wait()
            await self._clock.sleep(CURSORS_EVERY_SECONDS)
            try:
                await self.write_cursors()
            except JournalError as error:
                _log.warning("%s", error)

    async def write_cursors(self) -> None:
        """Write what sinks have taken to the disk now."""
        moved = {key: self._cursors[key] for key in self._moved}
        if not moved:
            return
        self._moving.clear()

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("PRAGMA synchronous = NORMAL")
            try:
                with journal_schema.transaction(connection):
                    journal_rows.move_cursors(connection, moved)
            finally:
                connection.execute("PRAGMA synchronous = FULL")

        await self._write(work)
        self._moved -= {key for key, seq in moved.items() if self._cursors[key] == seq}
        if self._moved:
            self._moving.set()

    # Reading

    async def read(self, after: int, *, most: int = 500) -> list[Entry]:
        """At most so many entries after a place, in order."""
        return await self._read(lambda connection: journal_rows.read(connection, after, most))

    async def changed(self, after: int) -> None:
        """Return once there are entries after a place."""
        while self.last <= after:
            await self._news.wait()

    async def following(self, after: int, *, most: int = 500) -> list[Entry]:
        """At most so many entries after a place, as soon as there are any."""
        place = after
        while True:
            newest = self.last
            if entries := await self.read(place, most=most):
                return entries
            # What was there may have been forgotten; only what is newer is worth waiting for.
            place = max(place, newest)
            await self.changed(place)

    async def state(self, key: str) -> bytes | None:
        """What was kept under a key."""
        return await self._read(lambda connection: journal_rows.state(connection, key))

    async def first_of(self, conversation: str) -> int | None:
        """Where a conversation begins."""
        return await self._read(lambda connection: journal_rows.first_of(connection, conversation))

    async def present(self) -> str | None:
        """The conversation that the newest event belongs to, unless it is over."""
        return await self._read(journal_rows.present)

    async def conversations(self, *, most: int = 50, before: int | None = None) -> list[Summary]:
        """The newest conversations first; `before` is the `first` of the last one of the page before."""
        return await self._read(lambda connection: journal_rows.conversations(connection, most, before))

    async def conversation(self, conversation: str) -> Summary | None:
        """What a list would show of one conversation."""
        return await self._read(lambda connection: journal_rows.conversation(connection, conversation))

    async def beginning_with(self, prefix: str) -> list[str]:
        """The ids of at most ten conversations that begin so."""
        return await self._read(lambda connection: journal_rows.beginning_with(connection, prefix))

    async def of_conversation(self, conversation: str) -> list[Entry]:
        """All that is known of a conversation, in order."""
        return await self._read(lambda connection: journal_rows.of_conversation(connection, conversation))

    async def search(self, query: Query, *, most: int = 50) -> list[Found]:
        """The newest entries that match, the newest first."""
        return await self._read(lambda connection: search.search(connection, query, most))

    async def mark(self, mark: str) -> Mark | None:
        """A mark as it is now."""
        return await self._read(lambda connection: journal_rows.mark(connection, mark))

    async def open_marks(self, *, most: int = 200) -> list[Mark]:
        """What is still to be done or answered, the newest first."""
        return await self._read(lambda connection: journal_rows.open_marks(connection, most))

    # Forgetting

    async def count(self, selection: Selection) -> Forgotten:
        """What `forget` would delete."""
        return await self._read(lambda connection: forgetting.forget(connection, selection, pretend=True))

    async def forget(self, selection: Selection) -> Forgotten:
        """Delete for good: from the tables, the index, the file and the log beside it."""
        forgotten = await self._write(lambda connection: forgetting.forget(connection, selection))
        wiped = await self._wipe(forgotten)
        if selection.everything:
            self._delete_set_aside(before=None)
        return replace(forgotten, wiped=wiped, left=tuple(str(path) for path in self._set_aside_files()))

    async def trim(self, *, days: float, days_by_kind: Mapping[str, float] = {}) -> Forgotten:
        """Delete what is older than its kind is kept; `days` is for kinds not named, and 0 keeps for ever."""
        now = self._clock.now()
        forgotten = await self._write(
            lambda connection: forgetting.trim(connection, now=now, days=days, days_by_kind=days_by_kind)
        )
        if days:
            self._delete_set_aside(before=now - days * forgetting.DAY_SECONDS)
        return replace(forgotten, wiped=await self._wipe(forgotten)) if forgotten.events else forgotten

    async def _wipe(self, forgotten: Forgotten) -> bool:
        return await self._write(lambda connection: forgetting.wipe(connection, rewrite=forgotten.events > 0))

    def _set_aside_files(self) -> list[Path]:
        return sorted(self.path.parent.glob(f"{self.path.name}.broken-*"))

    def _delete_set_aside(self, *, before: float | None) -> None:
        for path in self._set_aside_files():
            if before is None or path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    # The threads

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._run(self._reader, work)

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._writer is None:
            raise JournalError(f"The journal {self.path} was opened only to be read")
        return await self._run(self._writer, work)

    async def _run(self, thread: JournalThread, work: Callable[[sqlite3.Connection], T]) -> T:
        files = self._files
        try:
            return await thread.run(work)
        except journal_schema.Broken as error:
            await self._begin_anew(files, error)
        try:
            return await thread.run(work)
        except journal_schema.Broken as error:
            raise JournalError(f"The journal {self.path} cannot be used ({error}): check the disk") from error

    async def _begin_anew(self, files: int, error: journal_schema.Broken) -> None:
        """Set a broken file aside, unless that has just been done, and go on in a new one."""
        if self._writer is None:
            raise JournalError(f"The journal {self.path} is damaged ({error}); the next `earmark listen` sets it aside")
        async with self._mending:
            if self._files != files:
                return
            await self._reader.hang_up()
            await self._writer.hang_up()
            try:
                aside = await self._writer.call(lambda: journal_schema.set_aside(self.path, moment(self._clock.now())))
            except OSError as failed:
                raise JournalError(
                    f"The damaged journal {self.path} cannot be set aside ({failed.strerror})"
                ) from failed
            await self._writer.run(self._carry_on)
            self._files += 1
            self.notices.append(
                f"The journal {self.path} was damaged ({error}). It is kept as {aside}, and a new one was begun; "
                "if this happens again, check the disk"
            )
            _log.error("%s", self.notices[-1])

    def _carry_on(self, connection: sqlite3.Connection) -> None:
        with journal_schema.transaction(connection):
            journal_rows.start_after(connection, self.last)
            journal_rows.move_cursors(connection, self._cursors)
            journal_rows.keep(connection, self._kept)
