"""Where a viewer's events come from, and what a feed tells besides them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from earmark.door import ChangeMark, End, Mute, Unmute
from earmark.errors import EarmarkError
from earmark.journal_rows import Entry as JournalEntry
from earmark.journal_rows import Mark, Summary
from earmark_tui.room import Entry, Line

Asked: TypeAlias = Mute | Unmute | End | ChangeMark
"""What a viewer may ask of a room."""
BY = "tui"
"""Who asks, as the journal has it."""


@dataclass(frozen=True)
class News:
    """What happened in a room, in order."""

    room: str
    entries: Sequence[Entry]


@dataclass(frozen=True)
class LineChanged:
    """A room was attached to, or lost."""

    room: str
    line: Line


@dataclass(frozen=True)
class OlderMarks:
    """Marks that are still open from before what is shown."""

    room: str
    marks: Sequence[Mark]


@dataclass(frozen=True)
class Begun:
    """A room is shown from the beginning anew; what was shown of it is void."""

    room: str


@dataclass(frozen=True)
class Gone:
    """What was called so has another name, or is no room any more."""

    room: str


Tiding: TypeAlias = News | LineChanged | OlderMarks | Begun | Gone


class Inbox:
    """Holds tidings until they are drawn; who brings more than it holds waits."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._held: deque[Tiding] = deque()
        self._events = 0
        self._news = asyncio.Event()
        self._space = asyncio.Event()

    async def put(self, tiding: Tiding) -> None:
        """Bring a tiding; returns when there is room for it."""
        while self._events >= self._most:
            self._space.clear()
            await self._space.wait()
        self.put_now(tiding)

    def put_now(self, tiding: Tiding) -> None:
        """Bring a tiding that cannot wait."""
        self._held.append(tiding)
        self._events += _weight(tiding)
        self._news.set()

    def offer(self, tiding: Tiding) -> bool:
        """Bring a tiding if there is room, and say whether there was."""
        if self._events >= self._most:
            return False
        self.put_now(tiding)
        return True

    def take(self, most: int) -> list[Tiding]:
        """Tidings of about so many events, the oldest first."""
        taken: list[Tiding] = []
        weight = 0
        while self._held and weight < most:
            tiding = self._held.popleft()
            weight += _weight(tiding)
            taken.append(tiding)
        self._events -= weight
        self._space.set()
        if not self._held:
            self._news.clear()
        return taken

    @property
    def empty(self) -> bool:
        """Whether all was taken."""
        return not self._held

    async def wait(self) -> None:
        """Return once there is something."""
        await self._news.wait()


def _weight(tiding: Tiding) -> int:
    return len(tiding.entries) if isinstance(tiding, News) else 0


class Feed(Protocol):
    """A way to one or more rooms."""

    past: bool
    """Whether it tells of the past only."""

    async def run(self, inbox: Inbox) -> None:
        """Bring tidings until cancelled; what is lost on the way is fetched again."""
        ...

    async def ask(self, room: str, asked: Asked) -> None:
        """Ask something of a room; raises `EarmarkError` with the reason if it cannot be."""
        ...

    async def conversations(self, room: str) -> list[Summary]:
        """The past conversations of a room, the newest first."""
        ...

    async def of_conversation(self, room: str, conversation: str) -> list[JournalEntry]:
        """All that is known of one of them."""
        ...


class NoArchive:
    """For a feed that knows no past."""

    async def conversations(self, room: str) -> list[Summary]:
        """Raises, with what to do instead."""
        raise EarmarkError(f"The past of {room} cannot be seen this way; attach to its listener for that")

    async def of_conversation(self, room: str, conversation: str) -> list[JournalEntry]:
        """Raises, with what to do instead."""
        raise EarmarkError(f"Conversation {conversation} of {room} cannot be seen this way")
