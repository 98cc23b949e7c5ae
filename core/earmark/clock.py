"""Time, passed in: the wall clock, the steady clock, and steps between them."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time; tests bring their own."""

    def now(self) -> float:
        """Wall-clock seconds since 1970, which may step when the machine learns the time."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever go forward, at the pace of the world."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many steady seconds."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """Wall-clock seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Steady seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        await asyncio.sleep(seconds)


def moment(seconds: float) -> datetime:
    """The point in time, in UTC, of wall-clock seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
