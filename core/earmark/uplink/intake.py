"""What the room hears, on its way into the spool: conversations begin and end here, and lost sound is reported."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from earmark.audio import Cause, Frame, Omitted
from earmark.clock import moment
from earmark.events import ConversationStarted, Durable, Gap, derived_id, new_id
from earmark.uplink.desk import Desk, Kept
from earmark.uplink.stamping import Conversation

_AHEAD_SECONDS = 10.0
_FULL_SHARE = 0.8
_HELD_SECONDS = 5.0


class Intake:
    """Takes sound in; from a live source it is never held up."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.lose = self.give_up
        self._open: Conversation | None = None
        self._follows: str | None = None
        self._sound_until: float | None = None
        self._item_until = 0.0
        self._item_at: float | None = None
        self._held: Omitted | None = None
        """Sound that was lost just now, and may be the beginning of a longer gap."""
        self._held_at = 0.0

    def restore(self, kept: bytes | None, *, rejoin: bool) -> list[Omitted]:
        """Go on from what an earlier process kept; `rejoin` says whether its last conversation may still go on."""
        desk = self._desk
        if kept is not None:
            with suppress(msgspec.MsgspecError):
                desk.kept = msgspec.json.decode(kept, type=Kept)
        lost = desk.spool.open(desk.kept.released)
        desk.spool.release(desk.kept.released)
        desk.cursor = desk.spool.first
        for capture, wall in desk.spool.anchors():
            desk.walls.add(capture, wall)
        if not desk.kept.conversations and desk.spool.last > desk.spool.first:
            # The process died between spooling the first sound of a conversation and writing that it began.
            self._begin(desk.spool.frame(desk.spool.first))
        last = desk.kept.conversations[-1] if desk.kept.conversations else None
        if last and last.closed is None:
            self._open = last
            self._item_until = self._sound_until = desk.spool.end() or last.told
            if not rejoin:
                self._close(last, self._sound_until, "restarted")
                self._follows = last.id
        return lost

    async def take(self, item: Frame | Omitted) -> None:
        """Take what the room hears next."""
        if self._desk.deaf:
            return
        self._item_until, self._item_at = item.end, self._desk.clock.monotonic()
        if isinstance(item, Omitted):
            self._omit(item)
        else:
            self._hear(item)
        self.mind_silence()
        self._desk.wake()
        if isinstance(item, Frame) and not self._desk.live:
            await self._wait_for_room(item)

    def _hear(self, frame: Frame) -> None:
        self.report_held()
        self._desk.walls.add(frame.start, frame.at)
        if self._open is None:
            self._begin(frame)
        self._desk.figures.heard_seconds += frame.seconds
        self._sound_until = frame.end
        for lost in self._desk.spool.append(frame):
            self.give_up(lost)

    def _omit(self, omitted: Omitted) -> None:
        if omitted.cause.chosen:
            self._desk.figures.not_sent_seconds += omitted.seconds
            return
        held = self._held
        if held and (held.rate, held.cause) == (omitted.rate, omitted.cause) and held.end == omitted.start:
            self._held = Omitted(held.position, held.length + omitted.length, held.rate, held.at, held.cause)
        else:
            self.report_held()
            self._held, self._held_at = omitted, self._desk.clock.monotonic()

    def report_held(self) -> None:
        """Report what was lost up to now: touching losses of one cause are one gap."""
        held, self._held = self._held, None
        if held:
            self.give_up(held)

    def give_up(self, lost: Omitted) -> None:
        """Report sound that nobody will hear, less what has been told of by the time that this is stored."""
        desk = self._desk
        conversation = desk.at(lost.start)

        def apply() -> Sequence[Durable]:
            missing = lost
            if lost.cause is Cause.SPOOL_FULL:
                desk.release(lost.end)
                if conversation:
                    missing = lost.after(conversation.told)
                    conversation.give_up(missing.start, missing.end)
            return [self._gap(missing, conversation)] if missing.length else []

        desk.note(apply)

    def _gap(self, lost: Omitted, conversation: Conversation | None) -> Gap:
        self._desk.figures.lost_seconds += lost.seconds
        self._desk.figures.gaps += 1
        return Gap(
            id=new_id(),
            room=self._desk.room,
            conversation=conversation.id if conversation else "",
            at=moment(lost.at),
            start=max(0.0, lost.start - conversation.origin) if conversation else 0.0,
            seconds=lost.seconds,
            cause=lost.cause,
        )

    async def _wait_for_room(self, frame: Frame) -> None:
        """Hold up a source that can wait, so that nothing of it is ever given up."""
        desk = self._desk

        def room() -> bool:
            ahead = (desk.spool.last - desk.cursor) * frame.seconds
            return ahead < _AHEAD_SECONDS and desk.spool.seconds < _FULL_SHARE * desk.spooling.seconds

        await desk.until(lambda: room() or desk.hurrying or desk.refused is not None)

    def _begin(self, frame: Frame) -> None:
        conversation = Conversation(
            id=new_id(), connection=self._desk.connection_id(), origin=frame.start, at=frame.at, told=frame.start
        )
        follows, self._follows = self._follows, None
        self._open = conversation
        self._desk.kept.conversations.append(conversation)
        started = ConversationStarted(
            id=derived_id(conversation.id, "started"),
            room=self._desk.room,
            conversation=conversation.id,
            at=moment(frame.at),
            title=self._desk.settings.title,
            follows=follows,
        )
        self._desk.note(lambda: [started])

    # -- silence and endings --------------------------------------------------------------------------------------

    @property
    def open(self) -> Conversation | None:
        """The conversation that sound belongs to just now."""
        return self._open

    @property
    def taken_until(self) -> float:
        """Capture seconds up to which sound was taken."""
        return self._item_until

    @property
    def silent_seconds(self) -> float:
        """How long nothing was worth sending, on the capture clock."""
        if self._item_at is None:
            return 0.0
        now = self._item_until + (self._desk.clock.monotonic() - self._item_at if self._desk.live else 0.0)
        return max(0.0, now - (self._sound_until or 0.0))

    def mind_silence(self) -> None:
        """Report a gap that goes on, and end a conversation in which nobody has spoken for long."""
        if self._held and self._desk.clock.monotonic() - self._held_at > _HELD_SECONDS:
            self.report_held()
        if self._open and self.silent_seconds >= self._desk.settings.ends_after:
            self._close(self._open, self._sound_until or 0.0, "silence")

    def end_conversation(self, reason: str) -> None:
        """End the conversation; the next sound begins another."""
        self.report_held()
        if self._open:
            self._close(self._open, self._sound_until or 0.0, reason)
        self._desk.wake()

    def _close(self, conversation: Conversation, at: float, reason: str) -> None:
        conversation.closed = max(at, conversation.told)
        conversation.reason = reason
        if self._open is conversation:
            self._open = None
        self._desk.note(list)
