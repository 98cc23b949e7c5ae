"""Following a room through losses of the line: one loop for every feed that has a cursor."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from earmark.backoff import delays
from earmark.clock import Clock
from earmark.errors import EarmarkError
from earmark.journal_rows import Summary
from earmark_tui.feeds import Begun, Inbox, LineChanged, News, Tiding
from earmark_tui.room import Line

MOST_HISTORY = 100_000
_SHOWN = timedelta(days=1)
_FIRST_DELAY_SECONDS = 0.25


class Attach(Protocol):
    """Opens the line to a room once."""

    def __call__(self, after: int | None) -> AsyncIterator[Tiding | None]:
        """What happened after a place, or what is worth showing to one who comes new; `None` says: attached.

        Ends or raises when the line is lost.
        """
        ...


class Follower:
    """Keeps a viewer attached to one room, and begins again from where it was when the line is lost."""

    def __init__(
        self, room: str, attach: Attach, *, clock: Clock, rng: random.Random, longest_delay_seconds: float
    ) -> None:
        self.room = room
        self.place: int | None = None
        """The last journaled event that was brought."""
        self._attach = attach
        self._clock = clock
        self._rng = rng
        self._longest = longest_delay_seconds

    async def run(self, inbox: Inbox) -> None:
        """Follow until cancelled."""
        waits = delays(_FIRST_DELAY_SECONDS, self._longest, self._rng)
        while True:
            reason = "The listener has stopped."
            try:
                async for tiding in self._attach(self.place):
                    if tiding is None:
                        waits = delays(_FIRST_DELAY_SECONDS, self._longest, self._rng)
                        inbox.put_now(LineChanged(self.room, Line(attached=True)))
                    else:
                        await self._bring(tiding, inbox)
            except EarmarkError as error:
                reason = str(error)
            except msgspec.MsgspecError as error:
                reason = f"The listener speaks in a way that this viewer does not know ({error}): update the older one."
            except (OSError, TimeoutError) as error:
                reason = f"The line to {self.room} was lost: {str(error) or type(error).__name__}"
            wait = next(waits)
            line = Line(attached=False, reason=reason, retry_at=self._clock.monotonic() + wait)
            inbox.put_now(LineChanged(self.room, line))
            await self._clock.sleep(wait)

    async def _bring(self, tiding: Tiding, inbox: Inbox) -> None:
        await inbox.put(tiding)
        if isinstance(tiding, News):
            places = [entry.seq for entry in tiding.entries if entry.seq is not None]
            if places:
                self.place = places[-1]
        elif isinstance(tiding, Begun):
            self.place = None


def first_shown(summaries: list[Summary], now: datetime, last: int | None = None) -> int:
    """After which place to begin for one who comes new: a day's conversations, and at least the newest."""
    shown = [summary for summary in summaries if summary.started > now - _SHOWN] or summaries[:1]
    after = min((summary.first for summary in shown), default=1) - 1
    return after if last is None else max(after, last - MOST_HISTORY)


def utc_now(clock: Clock) -> datetime:
    """The wall clock's time."""
    return datetime.fromtimestamp(clock.now(), UTC)
