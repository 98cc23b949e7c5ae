"""Time for tests: a clock that goes on only by sleeping, and an event loop in which hours are seconds."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from earmark.tasks import unstoppable

T = TypeVar("T")


class VirtualClock:
    """A clock that goes on only by sleeping, so that an hour costs nothing."""

    def __init__(self, *, now: float = 1_700_000_000.0) -> None:
        self.passed = 0.0
        """Steady seconds since it was made."""
        self._began = now

    def now(self) -> float:
        """Wall-clock seconds since 1970."""
        return self._began + self.passed

    def monotonic(self) -> float:
        """Steady seconds."""
        return self.passed

    def step(self, seconds: float) -> None:
        """Move the wall clock, as a machine does that learns the time."""
        self._began += seconds

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.passed += max(0.0, seconds)
        await asyncio.sleep(0)


class _QuickSelector(selectors.DefaultSelector):
    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self._speed)


class QuickLoop(asyncio.SelectorEventLoop):
    """An event loop whose time runs `speed` times as fast: what waits a minute waits a second at 60.

    Real work such as disk, sockets and threads still takes the time that it takes.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        super().__init__(_QuickSelector(speed))

    def time(self) -> float:
        """Seconds of this loop's own time."""
        return time.monotonic() * self.speed


class QuickClock:
    """The room's clock in a `QuickLoop`."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = time.time()
        self._steady = time.monotonic()

    def now(self) -> float:
        """Wall-clock seconds since 1970, from the real ones on."""
        return self._began + (time.monotonic() - self._steady) * self._speed

    def monotonic(self) -> float:
        """Steady seconds."""
        return time.monotonic() * self._speed

    async def sleep(self, seconds: float) -> None:
        """Return after so many of these seconds."""
        await asyncio.sleep(seconds)


def run_quickly(coroutine: Coroutine[Any, Any, T], *, speed: float) -> T:
    """Like `asyncio.run`, in a `QuickLoop`."""
    with asyncio.Runner(loop_factory=lambda: QuickLoop(speed)) as runner:
        runner.get_loop().set_task_factory(unstoppable)
        return runner.run(coroutine)
