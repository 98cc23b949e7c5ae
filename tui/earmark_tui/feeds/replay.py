"""The past, played again: a conversation from the journal, or events from a file, with speed and seek."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeGuard

import msgspec

from earmark.clock import Clock
from earmark.errors import EarmarkError
from earmark.events import (
    AnyEvent,
    ConversationEnded,
    ConversationStarted,
    Durable,
    Gap,
    Hearing,
    Level,
    Status,
    Utterance,
    is_durable,
)
from earmark.events import decode as decode_event
from earmark.journal_rows import Entry as JournalEntry
from earmark.journal_rows import Summary
from earmark_tui.feeds import Asked, Begun, Feed, Inbox, LineChanged, News
from earmark_tui.room import Entry, Line

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_CHUNK = 1000
_LIVE_SECONDS = 3.0


@dataclass(frozen=True)
class Moment:
    """An event without a place of its own in a journal, such as a line of a file."""

    event: AnyEvent
    seq: int | None = None


@dataclass(frozen=True)
class Position:
    """Where a replay stands."""

    at_seconds: float
    of_seconds: float
    speed: float
    playing: bool


class ReplayFeed:
    """Plays events in the time in which they happened, or as fast as one likes."""

    past = True

    def __init__(
        self, room: str, entries: Sequence[Entry], *, clock: Clock, speed: float = 1.0, live: Feed | None = None
    ) -> None:
        """`live` is asked to change marks and for other conversations, where the room is at hand."""
        if not entries:
            raise EarmarkError("There is nothing in this conversation to be replayed")
        self.room = room
        self._entries = entries
        self._offsets = offsets(entries)
        self._began = entries[0].event.at
        self._clock = clock
        self._live = live
        self._speed = speed
        self._playing = True
        self._base_seconds = 0.0
        self._base_steady = clock.monotonic()
        self._next = 0
        self._turned = asyncio.Event()
        self._anew = False

    # -- what one may do with it ----------------------------------------------------------------------------------

    @property
    def position(self) -> Position:
        """Where it stands."""
        at = min(self._at(), self.of_seconds)
        return Position(at, self.of_seconds, self._speed, self._playing and at < self.of_seconds)

    @property
    def of_seconds(self) -> float:
        """How long it is."""
        return self._offsets[-1]

    @property
    def now(self) -> datetime:
        """The time that it was then."""
        return self._began + timedelta(seconds=min(self._at(), self.of_seconds))

    def toggle(self) -> None:
        """Hold it, or let it go on; from the end, begin again."""
        if self._playing and self._at() >= self.of_seconds:
            self.seek(0.0)
            return
        self._rebase(self._at())
        self._playing = not self._playing
        self._turned.set()

    def faster(self, steps: int) -> None:
        """Play at the next speed up or down."""
        nearest = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - self._speed))
        self._rebase(self._at())
        self._speed = SPEEDS[max(0, min(len(SPEEDS) - 1, nearest + steps))]
        self._turned.set()

    def seek(self, to_seconds: float) -> None:
        """Go on from another moment."""
        to = max(0.0, min(self.of_seconds, to_seconds))
        index = bisect_right(self._offsets, to)
        self._anew = self._anew or index < self._next
        self._rebase(to)
        self._turned.set()

    def _rebase(self, at: float) -> None:
        self._base_seconds, self._base_steady = min(at, self.of_seconds), self._clock.monotonic()

    def _at(self) -> float:
        passed = (self._clock.monotonic() - self._base_steady) * self._speed if self._playing else 0.0
        return self._base_seconds + passed

    # -- the feed -------------------------------------------------------------------------------------------------

    async def run(self, inbox: Inbox) -> None:
        """Bring events as their time comes."""
        inbox.put_now(LineChanged(self.room, Line(attached=True)))
        while True:
            self._turned.clear()
            if self._anew:
                self._anew, self._next = False, 0
                await inbox.put(Begun(self.room))
            await self._bring(inbox, bisect_right(self._offsets, self._at()))
            await self._until_next()

    async def _bring(self, inbox: Inbox, end: int) -> None:
        while self._next < end and not self._anew:
            chunk = self._entries[self._next : min(end, self._next + _CHUNK)]
            told = [entry for at, entry in enumerate(chunk, self._next) if not self._stale(at, end)]
            self._next += len(chunk)
            await inbox.put(News(self.room, [Moment(entry.event) for entry in told]))

    def _stale(self, at: int, end: int) -> bool:
        """Whether it is live text, or a level, that was long over by the moment that is jumped to."""
        passed = self._offsets[end - 1] - self._offsets[at]
        return isinstance(self._entries[at].event, Hearing | Level) and passed > _LIVE_SECONDS * max(self._speed, 1.0)

    async def _until_next(self) -> None:
        wait: float | None = None
        if self._playing and self._next < len(self._offsets):
            wait = max(0.0, (self._offsets[self._next] - self._at()) / self._speed)
        try:
            async with asyncio.timeout(wait):
                await self._turned.wait()
        except TimeoutError:
            return

    async def ask(self, room: str, asked: Asked) -> None:
        """Ask the room's listener, if it is there; the past itself cannot be changed."""
        if self._live is None:
            raise EarmarkError("This is a replay: nothing can be asked of it")
        await self._live.ask(room, asked)

    async def conversations(self, room: str) -> list[Summary]:
        """The past conversations of the room, the newest first."""
        if self._live is None:
            raise EarmarkError("This replay knows no other conversations")
        return await self._live.conversations(room)

    async def of_conversation(self, room: str, conversation: str) -> list[JournalEntry]:
        """All that is known of one of them."""
        if self._live is not None:
            return await self._live.of_conversation(room, conversation)
        return [JournalEntry(seq, e.event) for seq, e in enumerate(self._entries, 1) if _is_of(e.event, conversation)]


def _is_of(event: AnyEvent, conversation: str) -> TypeGuard[Durable]:
    return is_durable(event) and event.conversation == conversation


def offsets(entries: Sequence[Entry]) -> list[float]:
    """When each event came, in seconds since the first; never earlier than the one before."""
    began = entries[0].event.at
    found: list[float] = []
    latest = 0.0
    for entry in entries:
        event = entry.event
        # What is told of something said earlier, or changed days later, comes when it stands in the order.
        if isinstance(event, ConversationStarted | ConversationEnded | Utterance | Gap | Hearing | Level | Status):
            lasted = event.end - event.start if isinstance(event, Utterance) else 0.0
            latest = max(latest, (event.at - began).total_seconds() + lasted)
        found.append(latest)
    return found


def read_file(path: Path) -> list[Moment]:
    """The events of a file of JSON lines, as the sink `jsonl` and `earmark export` write them."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise EarmarkError(f"{path}: the file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise EarmarkError(f"{path}: this is no file of JSON lines") from error
    found: list[Moment] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(Moment(decode_event(line)))
            except msgspec.MsgspecError as error:
                raise EarmarkError(f"{path}, line {number}: this is no event of Earmark's ({error})") from error
    return found


def demo_recording() -> list[Moment]:
    """What a listener made of the recording that comes with Earmark, live text included."""
    return read_file(Path(__file__).parent.parent / "demo" / "kitchen.jsonl")
