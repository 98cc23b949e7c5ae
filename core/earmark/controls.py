"""What may be asked of a room, kept so that a restart does not undo it: mute, timed mute, quiet hours, knobs, marks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from typing import Protocol

import msgspec

from earmark.clock import Clock, moment
from earmark.errors import EarmarkError
from earmark.events import Change, Durable, MarkChanged, Speaker, Status, new_id
from earmark.journal_rows import Mark

STATE_KEY = "controls"
_LOOK_SECONDS = 1.0
_KEEP_SECONDS = 2.0
_MOST_MUTE_SECONDS = 366 * 86400.0


class Kept(msgspec.Struct):
    """What was asked for and still counts."""

    muted: bool = False
    muted_until: float | None = None
    """Wall-clock seconds since 1970."""
    device: str | None = None
    knobs: dict[str, float] = {}
    open_until: float | None = None
    """Until when quiet hours do not count, because somebody unmuted during them."""


class Desk(Protocol):
    """What the controls need of the room they belong to."""

    async def keep(self, key: str, value: bytes) -> None:
        """Store a state."""
        ...

    async def record(self, events: Sequence[Durable]) -> None:
        """Store events."""
        ...

    async def find_mark(self, mark: str) -> Mark | None:
        """A mark as it is now."""
        ...

    def end_conversation(self) -> None:
        """End the conversation."""
        ...

    def restart_stage(self, stage: str) -> bool:
        """Have a stage closed and opened anew; whether there is one of that name."""
        ...

    def status(self) -> Status:
        """How the room is."""
        ...


class RoomControls:
    """The controls of one room."""

    def __init__(
        self, desk: Desk, *, room: str, clock: Clock, quiet_hours: Sequence[str], changed: Callable[[], None]
    ) -> None:
        self._desk = desk
        self._room = room
        self._clock = clock
        self._quiet = [_span(text) for text in quiet_hours]
        self._changed = changed
        self._kept = Kept()
        self._was_muted = False
        self._open_at: float | None = None
        """When a timed mute ends, on the steady clock."""
        self._keeping: asyncio.Task[None] | None = None

    def restore(self, kept: bytes | None) -> None:
        """Go on from what an earlier process kept."""
        if kept is not None:
            try:
                self._kept = msgspec.json.decode(kept, type=Kept)
            except msgspec.MsgspecError:
                # Nobody knows any more whether the owner wanted to be heard: ears stay closed until somebody says so.
                self._kept = Kept(muted=True)
        if self._kept.muted_until is not None:
            self._mute_for(self._kept.muted_until - self._clock.now())
        self._was_muted = self.muted

    async def mind(self) -> None:
        """Let times pass: a timed mute ends, quiet hours begin."""
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            over = self._open_at is not None and self._clock.monotonic() >= self._open_at
            if self._kept.muted and over:
                self._open()
                await self._keep()
            if self.muted != self._was_muted:
                self._was_muted = self.muted
                self._changed()

    @property
    def muted(self) -> bool:
        """Whether the owner closed the ears."""
        return self._kept.muted or self._quiet_until() is not None

    @property
    def muted_until(self) -> datetime | None:
        """When the ears open again by themselves, where a time was named."""
        if self._kept.muted:
            return None if self._kept.muted_until is None else moment(self._kept.muted_until)
        return self._quiet_until()

    @property
    def device(self) -> str | None:
        """The microphone that was chosen while listening, over the configured one."""
        return self._kept.device

    async def mute(self, *, seconds: float | None = None, by: str) -> None:
        """Close the device, for good or for a time of up to a year."""
        if seconds is not None and not 0 < seconds <= _MOST_MUTE_SECONDS:
            raise EarmarkError("A room is muted for a time of up to a year, or without a time for good.")
        self._kept.muted, self._kept.muted_until, self._kept.open_until = True, None, None
        self._open_at = None
        if seconds is not None:
            self._kept.muted_until = self._clock.now() + seconds
            self._mute_for(seconds)
        await self._keep()

    def _mute_for(self, seconds: float) -> None:
        """Count the time on the steady clock: a machine that learns what time it is must not open its ears for it."""
        self._open_at = self._clock.monotonic() + min(max(0.0, seconds), _MOST_MUTE_SECONDS)

    def _open(self) -> None:
        self._kept.muted, self._kept.muted_until, self._open_at = False, None, None

    async def unmute(self, *, by: str) -> None:
        """Open the device again, in quiet hours until they are over."""
        self._open()
        if quiet := self._quiet_until():
            self._kept.open_until = quiet.timestamp()
        await self._keep()

    async def end_conversation(self, *, by: str) -> None:
        """End the conversation; the next word begins another."""
        self._desk.end_conversation()

    async def choose_device(self, device: str | None, *, by: str) -> None:
        """Listen to another microphone, or to the configured one again."""
        self._kept.device = device or None
        await self._keep()

    async def change_mark(
        self,
        mark: str,
        change: Change,
        *,
        by: str,
        text: str | None = None,
        assignee: Speaker | None = None,
        due: datetime | None = None,
    ) -> None:
        """Tick off, reopen, answer, dismiss or amend a mark."""
        found = await self._desk.find_mark(mark)
        if found is None:
            raise EarmarkError(f"There is no mark {mark!r} in this room.")
        changed = MarkChanged(
            id=new_id(),
            room=self._room,
            conversation=found.insight.conversation,
            at=moment(self._clock.now()),
            mark=found.insight.mark,
            change=change,
            by=by,
            text=text,
            assignee=assignee,
            due=due,
        )
        await self._desk.record([changed])

    async def tune(self, stage: str, key: str, value: float, *, by: str) -> None:
        """Turn one of a stage's knobs while it runs."""
        self._kept.knobs[f"{stage}.{key}"] = value
        await self._keep()

    def tuned(self, stage: str, key: str, default: float) -> float:
        """Where a knob stands."""
        return self._kept.knobs.get(f"{stage}.{key}", default)

    async def restart_stage(self, stage: str, *, by: str) -> None:
        """Close a stage and open it anew, without disturbing the room."""
        if not self._desk.restart_stage(stage):
            raise EarmarkError(f"There is no stage {stage!r} in this room.")
        self._changed()

    def status(self) -> Status:
        """How the room is, now."""
        return self._desk.status()

    async def _keep(self) -> None:
        self._was_muted = self.muted
        self._changed()
        self._keeping = asyncio.ensure_future(self._desk.keep(STATE_KEY, msgspec.json.encode(self._kept)))
        # What was asked for counts at once; a journal that cannot be written must not hold up the answer.
        await asyncio.wait({self._keeping}, timeout=_KEEP_SECONDS)

    def _quiet_until(self) -> datetime | None:
        now = self._clock.now()
        if self._kept.open_until is not None and now < self._kept.open_until:
            return None
        local = moment(now).astimezone()
        ends = [end for begin, until in self._quiet if (end := _ends(local, begin, until))]
        return max(ends, default=None)


def _span(text: str) -> tuple[time, time]:
    begin, _, end = text.partition("-")
    return time.fromisoformat(begin), time.fromisoformat(end)


def _ends(now: datetime, begin: time, end: time) -> datetime | None:
    """When the quiet hours that `now` lies in are over; None outside of them."""
    for days in (0, -1):
        day = now.date() + timedelta(days=days)
        first = datetime.combine(day, begin).astimezone()
        # An hour that comes twice in autumn is quiet both times.
        last = datetime.combine(day if begin < end else day + timedelta(days=1), end).replace(fold=1).astimezone()
        if first <= now < last:
            return last
    return None
