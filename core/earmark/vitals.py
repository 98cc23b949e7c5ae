"""How a room is: its state in words that a user sees, what is wrong with it, and its pulse for the watchdog."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from msgspec.structs import replace

from earmark.clock import Clock, moment
from earmark.crew import Crew
from earmark.ears import Ears
from earmark.events import State, Status
from earmark.journal import Journal
from earmark.pulse import Diary, Facts, trouble
from earmark.recorder import Recorder
from earmark.room import Controls
from earmark.systemd import Notifier
from earmark.uplink import Spool, Uplink

_BEAT_SECONDS = 5.0
_STATUS_SECONDS = 0.1
_log = logging.getLogger(__name__)


class Organs(Protocol):
    """The parts of a room that are asked how they are."""

    crew: Crew
    uplink: Uplink
    spool: Spool
    journal: Journal
    recorder: Recorder
    ears: Ears | None

    @property
    def controls(self) -> Controls:
        """What may be asked of the room."""
        ...


class Vitals:
    """Looks at the parts of a room and tells."""

    def __init__(self, organs: Organs, *, room: str, clock: Clock, notifier: Notifier) -> None:
        self._organs = organs
        self._room = room
        self._clock = clock
        self._notifier = notifier
        self._held_since: float | None = None
        self.stopping = False
        """Whether the room is being left, so that silence is no illness."""

    def status(self) -> Status:
        """How the room is, now."""
        organs = self._organs
        uplink, figures = organs.uplink, organs.uplink.figures
        state = uplink.state
        if organs.controls.muted and state in (State.LISTENING, State.PAUSED, State.IDLE):
            state = State.MUTED
        return Status(
            room=self._room,
            conversation=uplink.conversation,
            at=moment(self._clock.now()),
            state=state,
            reason=uplink.reason,
            ill=self._ill(),
            attempt=uplink.attempt,
            next_attempt_at=uplink.next_attempt_at,
            muted=organs.controls.muted,
            muted_until=organs.controls.muted_until,
            backlog_seconds=round(uplink.backlog_seconds, 2),
            heard_seconds=round(figures.heard_seconds, 2),
            not_sent_seconds=round(figures.not_sent_seconds, 2),
            lost_seconds=round(figures.lost_seconds, 3),
            gaps=figures.gaps,
            reconnects=figures.reconnects,
            problems=tuple(self._problems()),
            stages=organs.crew.statuses(),
        )

    def _problems(self) -> list[str]:
        organs = self._organs
        told = [
            organs.recorder.problem,
            organs.spool.problem,
            organs.uplink.trouble,
            *organs.spool.repairs,
            *organs.journal.notices,
            *organs.crew.problems(),
        ]
        return list(dict.fromkeys(problem for problem in told if problem))

    def _ill(self) -> str | None:
        """Why the room does not do its work."""
        organs = self._organs
        if organs.ears is None or self.stopping:
            return None
        return trouble(
            Facts(
                now=self._clock.monotonic(),
                heard_at=organs.ears.heard_at,
                muted=organs.controls.muted,
                live=organs.crew.live,
                source=organs.crew.source.report,
                held_since=self._held_since,
                journal_problem=organs.recorder.problem,
                unsaid_seconds=organs.uplink.unsaid_seconds,
            )
        )

    async def publish(self, tell: Callable[[Status], None], changed: asyncio.Event) -> None:
        """Show the state when it changes, and its figures once a second."""
        last: Status | None = None
        diary = Diary()
        while True:
            changed.clear()
            status = self.status()
            for level, words in diary.note(status):
                _log.log(level, "%s", words)
            if last is None or replace(status, at=last.at) != last:
                tell(status)
                last = status
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await changed.wait()
            await self._clock.sleep(_STATUS_SECONDS)

    async def beat(self) -> None:
        """Feed systemd's watchdog while the room does its work, and tell what it does."""
        while True:
            held = self._organs.recorder.held > 0
            self._held_since = (self._held_since or self._clock.monotonic()) if held else None
            status = self.status()
            told = {"STATUS": f"{status.state}: {status.reason}" if status.reason else str(status.state)}
            if status.ill is None:
                told["WATCHDOG"] = "1"
            self._notifier.tell(**told)
            await self._clock.sleep(min(_BEAT_SECONDS, (self._notifier.watchdog_seconds or _BEAT_SECONDS) / 3))
