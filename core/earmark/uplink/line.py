"""One line to the peer, from its first start to its loss: what is said on it and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from earmark.audio import Frame
from earmark.errors import ConnectionFailed
from earmark.events import AnyEvent, Durable, Hearing, State, Utterance, is_durable
from earmark.hookspecs import Confirmed, Connection, FromPeer, Heard, Start, Trouble
from earmark.stages import describe
from earmark.uplink.desk import Desk
from earmark.uplink.stamping import SILENCE_SECONDS, Conversation, Pending, Stamp

_START_SECONDS = 20.0
_SEND_SECONDS = 30.0
_RESULTS_SECONDS = 60.0
_MOST_NOTES = 1000
_MOST_KEEP_SECONDS = 1800.0
_BURST_SECONDS = 1.0
_SETTLE_SECONDS = 0.2


class Why(Enum):
    """Why sending stopped."""

    CLOSED = auto()
    QUIET = auto()
    STOPPING = auto()


@dataclass
class Outside:
    """What a line asks of, and tells to, the uplink that opened it."""

    say: Callable[[State], None]
    """The state a user sees."""
    silent_seconds: Callable[[], float]
    trouble: Callable[[str], None]
    healthy: Callable[[], None]
    """The line has proved itself: the peer has answered something."""


class Line:
    """Talks to a peer over one connection, about one conversation."""

    def __init__(self, desk: Desk, connection: Connection, outside: Outside) -> None:
        self._desk = desk
        self._connection = connection
        self._outside = outside
        self._stamp: Stamp | None = None
        """Places what the peer tells; the one of the last start, also while paused."""
        self._started = False
        self._paused = False
        self._pending = Pending()
        self._confirms = False
        self._finishing = False
        self._answered_at = 0.0

    async def talk(self, connection_id: str) -> bool:
        """Say what there is to say; returns when the conversation is over or the line is left joinable.

        Tells whether it was the peer who ended it.
        """
        speaking = asyncio.create_task(self._speak(connection_id), name="earmark line out")
        hearing = asyncio.create_task(self._hear(), name="earmark line in")
        try:
            await asyncio.wait({speaking, hearing}, return_when=asyncio.FIRST_COMPLETED)
            if hearing.done() and not self._finishing:
                hearing.result()
                self._peer_ended()
                return True
            conversation = await speaking
            if self._finishing and conversation:
                await self._last_results(hearing)
                self._desk.end(conversation)
            return False
        finally:
            for task in (speaking, hearing):
                task.cancel()
            await asyncio.gather(speaking, hearing, return_exceptions=True)

    # -- out ------------------------------------------------------------------------------------------------------

    async def _speak(self, connection_id: str) -> Conversation | None:
        """Start, send, pause, and start again, until the conversation is closed or the room stops."""
        desk = self._desk
        while True:
            await desk.until(lambda: desk.current is not None or desk.stopping or desk.source_over)
            conversation = desk.current
            if conversation is None or conversation.connection != connection_id:
                return None
            why = await self._stretch(conversation)
            if why is Why.CLOSED:
                self._finishing = True
                self._outside.say(State.DRAINING)
                async with asyncio.timeout(_RESULTS_SECONDS):
                    await self._connection.finish()
                return conversation
            await self._pause()
            if why is Why.STOPPING:
                return conversation
            self._outside.say(State.PAUSED)
            await self._more(conversation)

    async def _more(self, conversation: Conversation) -> None:
        """Wait, while paused, for sound or an end."""
        await self._desk.until(
            lambda: self._unsent(conversation) or conversation.closed is not None or self._desk.stopping
        )

    async def _pause(self) -> None:
        """Have the peer tell what is still due, then take all that was sent as heard."""
        if not self._started or self._stamp is None:
            return
        if self._desk.stopping:
            self._outside.say(State.DRAINING)
        async with asyncio.timeout(_RESULTS_SECONDS):
            await self._connection.pause()
        self._started = False
        self._paused = True
        # The last results may still be on their way through the connection when it says that they are told.
        await self._desk.clock.sleep(_SETTLE_SECONDS)
        self._released(self._stamp.table.until)

    async def _stretch(self, conversation: Conversation) -> Why:
        """Send until there is a reason to stop."""
        desk, clock = self._desk, self._desk.clock
        begun, sent = clock.monotonic(), 0.0
        while True:
            if self._unsent(conversation):
                if not self._started:
                    await self._start(conversation)
                    begun, sent = clock.monotonic(), 0.0
                    continue
                if desk.live:
                    await clock.sleep(max(0.0, pace(sent, clock.monotonic() - begun, desk.spooling.catch_up)))
                sent += await self._send_next()
            elif why := self._why_stop(conversation):
                return why
            else:
                begun, sent = clock.monotonic(), 0.0
                await desk.change()

    def _why_stop(self, conversation: Conversation) -> Why | None:
        if self._desk.stopping:
            return Why.STOPPING
        if conversation.closed is not None:
            return Why.CLOSED
        if self._started and self._outside.silent_seconds() >= self._desk.settings.idle_after:
            return Why.QUIET
        return None

    def _unsent(self, conversation: Conversation) -> bool:
        """Whether the spool holds sound of this conversation that was not sent on this line."""
        spool = self._desk.spool
        self._desk.cursor = max(self._desk.cursor, spool.first)
        if self._desk.cursor >= spool.last or self._desk.stopping:
            return False
        return conversation.closed is None or spool.starts_at(self._desk.cursor) < conversation.closed

    async def _start(self, conversation: Conversation) -> None:
        desk = self._desk
        await desk.settled()
        if not self._unsent(conversation):
            return
        first = self._spooled(desk.cursor)
        if first is None:
            desk.cursor += 1
            return
        stamp = Stamp(desk.room, conversation, desk.names, desk.walls)
        if conversation.started and not self._paused:
            stamp.told_before = conversation.told
        conversation.started = True
        # Results may come before `start` returns: they are placed on the new table.
        self._stamp = stamp
        start = Start(
            conversation=conversation.id,
            position=first.position,
            rate=first.rate,
            at=first.at,
            sequence=conversation.sequence,
            keep_seconds=min(_MOST_KEEP_SECONDS, float(max(desk.spooling.seconds, desk.settings.rejoin_within))),
        )
        async with asyncio.timeout(_START_SECONDS):
            started = await self._connection.start(start)
        self._started, self._confirms = True, started.confirms
        if started.conversation != conversation.upstream:
            conversation.upstream, conversation.sequence = started.conversation, 0
        if started.heard is not None:
            desk.cursor = max(desk.cursor, desk.spool.after(started.heard / first.rate))
        desk.note(list)
        self._outside.say(State.LISTENING)

    async def _send_next(self) -> float:
        """Send what comes next, and tell how long it lasts."""
        desk = self._desk
        assert self._stamp is not None
        # The spool may give up sound while the line takes some: what comes next is known by its index alone.
        index = desk.cursor = max(desk.cursor, desk.spool.first)
        frame = self._spooled(index)
        if frame is not None:
            await self._send(frame)
            self._stamp.table.add(frame)
            desk.figures.sent_seconds += frame.seconds
        desk.cursor = max(desk.cursor, index + 1)
        desk.said_at = desk.clock.monotonic()
        desk.wake()
        if not self._confirms:
            table = self._stamp.table
            quiet = table.capture(max(0.0, table.sent_seconds - SILENCE_SECONDS))
            self._released(self._pending.silent_until(table.until, quiet))
        return frame.seconds if frame else 0.0

    def _spooled(self, index: int) -> Frame | None:
        """The sound at an index; None, with a gap, where its file is gone or broken."""
        try:
            return self._desk.spool.frame(index)
        except (OSError, ValueError) as error:
            self._outside.trouble(f"Spooled sound cannot be read any more: {error}")
            self._desk.lose(self._desk.spool.unreadable(index))
            return None

    async def _send(self, frame: Frame) -> None:
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._connection.send(frame)
        except TimeoutError:
            raise ConnectionFailed("The service has stopped taking sound.") from None

    # -- in -------------------------------------------------------------------------------------------------------

    async def _hear(self) -> None:
        async for item in self._connection:
            self._answered_at = self._desk.clock.monotonic()
            self._take(item)
            await self._desk.until(lambda: self._desk.waiting_notes < _MOST_NOTES)

    def _take(self, item: FromPeer) -> None:
        if isinstance(item, Trouble):
            self._outside.trouble(item.message)
            return
        self._outside.healthy()
        stamp = self._stamp
        if stamp is None:
            return
        if isinstance(item, Confirmed):
            self._released(stamp.capture(item.until, item.axis, at_end=True))
        elif isinstance(item.event, Hearing):
            self._interim(item, stamp)
        elif is_durable(item.event):
            if isinstance(item.event, Utterance):
                self._pending.answered()
            self._desk.note(lambda: self._stamped(item, stamp))

    def _interim(self, item: Heard, stamp: Stamp) -> None:
        event = self._understood(item, stamp)
        if not isinstance(event, Hearing):
            return
        if not self._confirms:
            start = None if event.start is None else stamp.conversation.origin + event.start
            self._pending.interim(start, stamp.table.until, self._desk.kept.released)
        self._desk.tell(event)

    def _understood(self, item: Heard, stamp: Stamp) -> AnyEvent | None:
        """The event in the room's words; None where it was told before, was forgotten, or makes no sense."""
        try:
            event = stamp.event(item)
        except Exception as error:  # a peer's nonsense must not end the room
            self._outside.trouble(f"The service told something that makes no sense: {describe(error)}")
            return None
        start = event.start if isinstance(event, Utterance | Hearing) else None
        if start is not None and self._desk.forgotten(stamp.conversation.origin + start):
            stamp.forget(item.event.id)
            return None
        return event

    def _stamped(self, item: Heard, stamp: Stamp) -> Sequence[Durable]:
        """The event to store, and what it changes."""
        conversation = stamp.conversation
        event = self._understood(item, stamp)
        if item.sequence is not None:
            conversation.sequence = max(conversation.sequence, item.sequence)
        if event is None or isinstance(event, Hearing) or not is_durable(event):
            return []
        if isinstance(event, Utterance):
            conversation.told = max(conversation.told, stamp.told_until(event))
            if not self._confirms:
                self._desk.release(conversation.told)
            if stamp.told_before is not None and item.sequence is not None:
                # A peer that repeats what was lost has told it now, and may have to hear the same sound once more.
                stamp.told_before = conversation.told
            recovered = stamp.recovered(event)
            self._desk.figures.lost_seconds -= sum(gap.seconds for gap in recovered)
            return [event, *recovered]
        return [event]  # type: ignore[list-item] # is_durable has ruled out the live ones

    def _released(self, until: float) -> None:
        """Let go of sound that was heard, once everything told before is stored."""
        desk = self._desk
        conversation = desk.current
        # After a restart only words before `told` are known to be told: what passes it is worth a commit.
        lasting = conversation is not None and desk.kept.released < conversation.told <= until

        def apply() -> Sequence[Durable]:
            desk.release(until)
            return []

        if self._stamp is not None:
            self._stamp.table.forget(desk.kept.released)
        desk.note(apply, lasting=lasting)

    # -- ends -----------------------------------------------------------------------------------------------------

    async def _last_results(self, hearing: asyncio.Task[None]) -> None:
        """Wait for what is still due, as long as the peer goes on telling."""
        self._answered_at = self._desk.clock.monotonic()
        while not hearing.done():
            await asyncio.wait({hearing}, timeout=1.0)
            if self._desk.clock.monotonic() - self._answered_at > _RESULTS_SECONDS:
                raise ConnectionFailed("The service does not finish the conversation.")
        hearing.result()

    def _peer_ended(self) -> None:
        """The peer's conversation is over; what is not confirmed goes to a new leg of ours."""
        conversation = self._desk.current
        if conversation is None or not self._started:
            return
        conversation.connection = self._desk.connection_id()
        conversation.upstream, conversation.sequence = "", 0
        self._desk.cursor = self._desk.spool.first
        self._desk.note(list)


def pace(sent_seconds: float, elapsed_seconds: float, multiple: float) -> float:
    """How long to wait before more may be sent at `multiple` times real time, after a short burst."""
    return (sent_seconds - _BURST_SECONDS) / multiple - elapsed_seconds if sent_seconds > _BURST_SECONDS else 0.0
