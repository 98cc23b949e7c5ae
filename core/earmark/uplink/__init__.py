"""One conversation over as many connections as it takes, for any transport.

Sound goes into the spool first and leaves it only when what came of it is in the journal, or by the rules of silence in
`stamping`. The line to the peer is opened when there is something to say, opened again with the same id when it is
lost, paused upstream when nobody speaks, and given up by nobody: where the peer refuses, the state is `stopped`, the
reason is told, and another try is made slowly.

Two things happen side by side: the `intake` spools what the room hears, and a `line` says it to the peer. What the peer
tells and what was lost goes through one queue to the journal (the `desk`), so that events, what is known of the
conversation and the release of sound are one step.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import datetime

from earmark.audio import Frame, Omitted
from earmark.backoff import delays
from earmark.clock import Clock, moment
from earmark.config import ConversationSettings, SpoolSettings
from earmark.errors import ConnectionFailed, PeerError, PeerRefused, TokenRefused
from earmark.events import AnyEvent, State
from earmark.hookspecs import Transport
from earmark.uplink.desk import STATE_KEY, Desk, Figures, Store
from earmark.uplink.intake import Intake
from earmark.uplink.line import Line, Outside
from earmark.uplink.spool import Spool

__all__ = ["STATE_KEY", "Figures", "Spool", "Store", "Uplink"]

_CONNECT_SECONDS = 20.0
_SLOW_RETRY_SECONDS = 300.0
_PATIENCE_SECONDS = 30.0
_MOST_ASKED_SECONDS = 900.0
_SHORT_SECONDS = 10.0
_FIRST_DELAY_SECONDS = 0.5
_MOST_DELAY_SECONDS = 60.0
_DISK_AFTER_SECONDS = 3.0
_SYNC_SECONDS = 0.2
_LAST_NOTES_SECONDS = 5.0
_CAUGHT_UP_RECORDS = 50


class Uplink:
    """Drives a transport for one room."""

    def __init__(
        self,
        *,
        room: str,
        transport: Transport,
        ready: Callable[[], Awaitable[None]],
        spool: Spool,
        store: Store,
        tell: Callable[[AnyEvent], None],
        clock: Clock,
        live: bool,
        conversation: ConversationSettings,
        spooling: SpoolSettings,
        changed: Callable[[], None],
    ) -> None:
        self._desk = Desk(
            room=room,
            spool=spool,
            store=store,
            tell=tell,
            clock=clock,
            live=live,
            connection_id=self._take_spare,
            conversation=conversation,
            spooling=spooling,
        )
        self._intake = Intake(self._desk)
        self._transport = transport
        self._ready = ready
        """Opens the transport, if it is not."""
        self._clock = clock
        self._tell_changed = changed
        self._spare: str | None = None
        self._down_since: float | None = None
        self.rng = random.Random()  # noqa: S311 # spreads retries, guards nothing
        self._delays = self._fresh_delays()
        self.state = State.IDLE
        self.reason: str | None = None
        self.trouble: str | None = None
        """What the peer last complained of, while the conversation goes on."""
        self.attempt = 0
        self.next_attempt_at: datetime | None = None

    # -- what the room sees ---------------------------------------------------------------------------------------

    @property
    def figures(self) -> Figures:
        """What was heard, sent and lost in this run."""
        return self._desk.figures

    @property
    def backlog_seconds(self) -> float:
        """Sound captured and not yet confirmed heard."""
        return self._desk.spool.seconds

    @property
    def conversation(self) -> str:
        """The conversation that sound belongs to just now; empty outside of one."""
        return self._intake.open.id if self._intake.open else ""

    @property
    def silent_seconds(self) -> float:
        """How long nothing was worth sending."""
        return self._intake.silent_seconds

    @property
    def unsaid_seconds(self) -> float:
        """For how long the line has been open and taken none of the sound that waits for it."""
        desk = self._desk
        if self.state is not State.LISTENING or desk.cursor >= desk.spool.last:
            return 0.0
        return self._clock.monotonic() - desk.said_at

    @property
    def taken_until(self) -> float:
        """Capture seconds up to which sound was taken in this run; 0 before there was any."""
        return self._intake.taken_until

    @property
    def known_until(self) -> float:
        """Capture seconds up to which an earlier process has heard, as far as the spool and the journal know."""
        kept = self._desk.kept
        told = [kept.released, *(c.told for c in kept.conversations), *(c.closed or 0.0 for c in kept.conversations)]
        return max(*told, self._desk.spool.end() or 0.0, 0.0)

    # -- what the room does ---------------------------------------------------------------------------------------

    def restore(self, kept: bytes | None, *, rejoin: bool) -> None:
        """Go on from what an earlier process kept; `rejoin` says whether its last conversation may still go on."""
        for lost in self._intake.restore(kept, rejoin=rejoin):
            self._intake.give_up(lost)

    async def take(self, item: Frame | Omitted) -> None:
        """Take what the room hears next; sound from a live source is never held up."""
        await self._intake.take(item)

    def end_conversation(self, reason: str = "asked") -> None:
        """End the conversation; the next sound begins another."""
        self._intake.end_conversation(reason)

    def hurry(self) -> None:
        """Hold up the source no more: it is about to close."""
        self._desk.hurrying = True
        self._desk.wake()

    def source_ended(self, reason: str = "source_ended") -> None:
        """Say that no more sound will come: what is there is delivered, then `run` returns."""
        self._desk.source_over = True
        self._intake.end_conversation(reason)

    def stop(self) -> None:
        """Leave the conversation joinable: what is spooled stays there, and `run` returns."""
        self._intake.report_held()
        self._desk.stopping = True
        self._desk.wake()

    async def forget(self, conversation: str | None, since: datetime | None, until: datetime | None) -> None:
        """Delete sound that nobody was told of yet, of a conversation or of a span of time."""
        desk = self._desk
        await desk.settled()
        present = self._intake.open
        if present and (conversation == present.id or (conversation, since, until) == (None, None, None)):
            self._intake.end_conversation("forgotten")
        for kept in desk.kept.conversations:
            if conversation in (None, kept.id):
                desk.forget(kept, since, until)

    async def run(self) -> None:
        """Drive the line until the source is over and all is delivered, or `stop` was called.

        Raises a `PeerError` only where the source can wait; for a live one it is told, and tried again for ever.
        """
        recording = asyncio.create_task(self._desk.record(), name="earmark uplink journal")
        minding = asyncio.create_task(self._mind(), name="earmark uplink spool")
        driving = asyncio.create_task(self._drive(), name="earmark uplink line")
        try:
            await asyncio.wait((recording, minding, driving), return_when=asyncio.FIRST_COMPLETED)
            for task in (recording, minding):
                if task.done():
                    task.result()
            await driving
        finally:
            driving.cancel()
            await asyncio.gather(driving, return_exceptions=True)
            if not self._desk.live:
                self._drop_the_rest()
            self._desk.no_more_notes()
            await asyncio.wait({recording}, timeout=_LAST_NOTES_SECONDS)
            for task in (recording, minding):
                task.cancel()
            await asyncio.gather(recording, minding, return_exceptions=True)
        if self._desk.refused is not None:
            raise self._desk.refused

    def _drop_the_rest(self) -> None:
        """Keep nothing of a recording that was not heard to its end: it can be heard again."""
        self._desk.deaf = True
        self._desk.spool.clear()
        while conversation := self._desk.current:
            conversation.reason = conversation.reason or "stopped"
            self._desk.end(conversation)

    # -- the line -------------------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        """Open the line, again and again.

        The first time, and after a failure, it is opened also when there is nothing to say, to know whether it works.
        """
        eager = True
        while True:
            self._close_what_needs_no_line()
            if self._over():
                return
            if not eager and not self._wanted():
                await self._desk.change()
                continue
            eager = False
            try:
                await self._one_line_or_stop()
            except (PeerError, OSError, TimeoutError) as error:
                await self._failed(error)
                eager = True
            if self._desk.refused is not None:
                return

    def _close_what_needs_no_line(self) -> None:
        """End conversations whose sound is confirmed to the last sample: the peer lets go of them by itself."""
        desk = self._desk
        while (current := desk.current) and current.closed is not None:
            if desk.spool.last > desk.spool.first and desk.spool.starts_at(desk.spool.first) < current.closed:
                return
            desk.end(current)

    def _over(self) -> bool:
        return self._desk.stopping or (self._desk.source_over and self._desk.current is None)

    def _wanted(self) -> bool:
        return self._desk.spool.last > self._desk.spool.first

    async def _one_line_or_stop(self) -> None:
        """Talk over one line; a line that is still being opened does not hold up a stop."""
        line = asyncio.create_task(self._one_line(), name="earmark uplink connection")
        stopping = asyncio.create_task(self._desk.until(lambda: self._desk.stopping), name="earmark uplink stop")
        try:
            await asyncio.wait({line, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if line.done() or self.state not in (State.CONNECTING, State.RECONNECTING):
                await line
        finally:
            for task in (line, stopping):
                task.cancel()
            await asyncio.gather(line, stopping, return_exceptions=True)

    async def _one_line(self) -> None:
        self._say(State.RECONNECTING if self.attempt else State.CONNECTING, self.reason)
        await self._ready()
        conversation = self._desk.current
        if conversation is None:
            connection_id = self._spare = self._spare or self._transport.connection_id()
        else:
            connection_id = conversation.connection = conversation.connection or self._transport.connection_id()
        self._desk.cursor = self._desk.spool.first
        async with asyncio.timeout(_CONNECT_SECONDS) as limit, self._transport.connect(connection_id) as connection:
            limit.reschedule(None)
            self.figures.connects += 1
            self.figures.reconnects += bool(conversation and conversation.upstream)
            if conversation is None:
                self._say(State.IDLE)
            outside = Outside(
                say=self._say,
                silent_seconds=lambda: self._intake.silent_seconds,
                trouble=self._complain,
                healthy=self._healthy,
            )
            opened, released = self._clock.monotonic(), self._desk.kept.released
            ended_by_peer = await Line(self._desk, connection, outside).talk(connection_id)
            short = self._clock.monotonic() - opened < _SHORT_SECONDS
            if ended_by_peer and short and self._desk.kept.released <= released:
                raise ConnectionFailed("The service ends every conversation at once.")
        self._say(State.PAUSED if self._desk.current else State.IDLE)

    async def _failed(self, error: Exception) -> None:
        """Tell, then wait before another try."""
        refused = isinstance(error, TokenRefused | PeerRefused)
        self._down_since = self._down_since or self._clock.monotonic()
        away = self._clock.monotonic() - self._down_since
        if not self._desk.live and (refused or away > _PATIENCE_SECONDS):
            self._desk.refused = error if isinstance(error, PeerError) else ConnectionFailed(_sentence(error))
            self._desk.wake()
        self.attempt += 1
        wait = _SLOW_RETRY_SECONDS if refused else next(self._delays)
        if isinstance(error, ConnectionFailed) and error.retry_after_seconds is not None:
            wait = max(wait, min(error.retry_after_seconds, _MOST_ASKED_SECONDS))
        self.next_attempt_at = moment(self._clock.now() + wait)
        self._say(State.STOPPED if refused else State.RECONNECTING, _sentence(error))
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._desk.until(lambda: self._over() or self._desk.refused is not None)
        self.next_attempt_at = None

    def _healthy(self) -> None:
        if self.attempt:
            self.attempt, self.reason = 0, None
            self._delays = self._fresh_delays()
            self._tell_changed()

    def _complain(self, message: str) -> None:
        self.trouble = message
        self._tell_changed()

    def _say(self, state: State, reason: str | None = None) -> None:
        if state in (State.LISTENING, State.PAUSED, State.IDLE):
            self._down_since = None
        if state is State.LISTENING:
            self.trouble = None
        changed = (self.state, self.reason) != (state, reason) or self.next_attempt_at is not None
        self.state, self.reason = state, reason
        self._desk.said_at = self._clock.monotonic()
        if changed:
            self._tell_changed()

    def _fresh_delays(self) -> Iterator[float]:
        return delays(_FIRST_DELAY_SECONDS, _MOST_DELAY_SECONDS, self.rng)

    def _take_spare(self) -> str:
        """The id of the line that is open already, or none: then the line that is opened for it finds one."""
        spare, self._spare = self._spare, None
        return spare or ""

    # -- the spool ------------------------------------------------------------------------------------------------

    async def _mind(self) -> None:
        """Keep sound where it is safe, and notice silence while nothing comes."""
        while True:
            await self._clock.sleep(_SYNC_SECONDS)
            self._intake.mind_silence()
            await self._place()
            if paths := self._desk.spool.unsynced():
                await asyncio.to_thread(self._desk.spool.sync, paths)

    async def _place(self) -> None:
        spool = self._desk.spool
        down = self._down_since is not None and self._clock.monotonic() - self._down_since > _DISK_AFTER_SECONDS
        if down and spool.last > spool.first:
            for old, new in spool.keep_on_disk():
                if await asyncio.to_thread(spool.copy, old, new):
                    spool.moved(old, new)
        elif self._down_since is None and spool.on_disk and spool.last - self._desk.cursor < _CAUGHT_UP_RECORDS:
            spool.keep_in_memory()


def _sentence(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "The service does not answer."
    return str(error) or type(error).__name__
