"""What the uplink's parts share: the spool, the conversations that are not over, and the one queue to the journal."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import msgspec

from earmark.audio import Omitted
from earmark.clock import Clock, moment
from earmark.config import ConversationSettings, SpoolSettings
from earmark.events import AnyEvent, ConversationEnded, Durable, derived_id
from earmark.uplink.spool import Spool
from earmark.uplink.stamping import Conversation, Names
from earmark.uplink.timeline import WallTable

STATE_KEY = "uplink"
_MOST_FORGOTTEN = 100

Store = Callable[[Sequence[Durable], Mapping[str, bytes | None]], Awaitable[object]]
Apply = Callable[[], Sequence[Durable]]


class Kept(msgspec.Struct):
    """What a restart must know: the conversations that are not over, and how far sound is confirmed."""

    conversations: list[Conversation] = []
    released: float = 0.0


@dataclass
class Figures:
    """What the uplink counts, for `Status` and the summary."""

    heard_seconds: float = 0.0
    not_sent_seconds: float = 0.0
    lost_seconds: float = 0.0
    sent_seconds: float = 0.0
    gaps: int = 0
    connects: int = 0
    reconnects: int = 0


class Desk:
    """The table at which the parts of one room's uplink work."""

    def __init__(
        self,
        *,
        room: str,
        spool: Spool,
        store: Store,
        tell: Callable[[AnyEvent], None],
        clock: Clock,
        live: bool,
        connection_id: Callable[[], str],
        conversation: ConversationSettings,
        spooling: SpoolSettings,
    ) -> None:
        self.room = room
        self.spool = spool
        self.tell = tell
        self.clock = clock
        self.live = live
        self.connection_id = connection_id
        """An id for a conversation that begins; empty where the next line is to find one."""
        self.settings = conversation
        self.spooling = spooling
        self.figures = Figures()
        self.kept = Kept()
        self.walls = WallTable()
        self.names = Names()
        self.cursor = 0
        """Index of the first record of the spool that this line has not been sent."""
        self.stopping = False
        """Whether the line is to be left joinable, now."""
        self.hurrying = False
        """Whether a source that can wait is held up no more, because it is about to close."""
        self.said_at = clock.monotonic()
        """When the line last took sound."""
        self.deaf = False
        """Whether sound is taken no more, because nobody will ever be told of it."""
        self.source_over = False
        """Whether no more sound will come."""
        self.lose: Callable[[Omitted], None] = lambda lost: None
        """Reports sound that nobody will hear; the intake's."""
        self.refused: Exception | None = None
        """Why the peer will not have us, where there is nobody to wait for a change of mind."""
        self._store = store
        self._notes: asyncio.Queue[Apply | None] = asyncio.Queue()
        self._forgotten: deque[tuple[float, float]] = deque(maxlen=_MOST_FORGOTTEN)
        self._lasting = False
        self._storing = False
        self._changed = asyncio.Event()

    # -- conversations --------------------------------------------------------------------------------------------

    @property
    def current(self) -> Conversation | None:
        """The conversation whose sound is sent first."""
        return self.kept.conversations[0] if self.kept.conversations else None

    def at(self, capture: float) -> Conversation | None:
        """The conversation that a capture time belongs to."""
        for conversation in self.kept.conversations:
            over = conversation.closed is not None and capture >= conversation.closed
            if conversation.origin <= capture + 1e-6 and not over:
                return conversation
        return None

    def end(self, conversation: Conversation) -> None:
        """Store that a conversation is over, and let go of its sound."""
        closed = conversation.told if conversation.closed is None else conversation.closed
        ended = ConversationEnded(
            id=derived_id(conversation.id, "ended"),
            room=self.room,
            conversation=conversation.id,
            at=moment(conversation.at + closed - conversation.origin),
            reason=conversation.reason,
            seconds=round(max(0.0, closed - conversation.origin), 3),
        )
        self.kept.conversations.remove(conversation)

        def apply() -> Sequence[Durable]:
            self.release(closed)
            return [ended]

        self.note(apply)

    def release(self, until: float) -> None:
        """Take sound as confirmed; it is deleted once what goes with it is stored."""
        self.kept.released = max(self.kept.released, until)

    def forget(self, conversation: Conversation, since: datetime | None, until: datetime | None) -> None:
        """Silence what is spooled of a conversation and was captured in a span of time, and bar what is told of it."""
        spool = self.spool
        past = spool.last if conversation.closed is None else spool.after(conversation.closed)
        for index in range(spool.after(conversation.origin), past):
            start, end, at = spool.span(index)
            if (since is None or at >= since.timestamp()) and (until is None or at < until.timestamp()):
                spool.blank(index)
                self._bar(start, end)

    def _bar(self, start: float, end: float) -> None:
        if self._forgotten and start <= self._forgotten[-1][1] + 1e-6:
            self._forgotten[-1] = (self._forgotten[-1][0], end)
        else:
            self._forgotten.append((start, end))

    def forgotten(self, capture: float) -> bool:
        """Whether what was said at a capture time is not to be told any more."""
        return any(start <= capture < end for start, end in self._forgotten)

    # -- the queue to the journal ---------------------------------------------------------------------------------

    @property
    def waiting_notes(self) -> int:
        """How much is on its way to the journal."""
        return self._notes.qsize()

    def note(self, apply: Apply, *, lasting: bool = True) -> None:
        """Queue a change: `apply` makes it and gives its events, just before both are stored together.

        A change that is not `lasting` is stored with the next one that is; sound that it released is deleted at once.
        """
        self._lasting = self._lasting or lasting
        self._notes.put_nowait(apply)

    async def settled(self) -> None:
        """Wait until everything that was told is stored, so that no sound is sent again that was told of."""
        await self.until(lambda: self._notes.empty() and not self._storing)

    def no_more_notes(self) -> None:
        """Let `record` return when all is stored."""
        self._notes.put_nowait(None)

    async def record(self) -> None:
        """Store what is on its way, as much at a time as there is, then release the sound it speaks of."""
        while True:
            notes = [await self._notes.get()]
            self._storing = True
            while not self._notes.empty():
                notes.append(self._notes.get_nowait())
            events = [event for apply in notes if apply is not None for event in apply()]
            lasting, self._lasting = self._lasting or bool(events), False
            if lasting:
                await self._store(events, {STATE_KEY: msgspec.json.encode(self.kept)})
            self.spool.release(self.kept.released)
            self.cursor = max(self.cursor, self.spool.first)
            self._storing = False
            self.wake()
            if None in notes:
                return

    # -- waiting for each other -----------------------------------------------------------------------------------

    def wake(self) -> None:
        """Let everybody look again whether there is something to do."""
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        while not condition():
            await self.change()

    async def change(self, most_seconds: float = 1.0) -> None:
        """Wait until anything changed, or a while has passed."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(most_seconds):
                await self._changed.wait()
