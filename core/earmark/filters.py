"""The chain of filters that sound goes through, and what happens when one of them fails.

Every stretch of sound that enters the chain leaves it, as a frame or as an `Omitted` that says why it did not: a filter
that swallows sound without a word is found out by the hole it leaves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from earmark.audio import Cause, Frame, Omitted
from earmark.hookspecs import Filter
from earmark.stages import Stage, contained, describe, few
from earmark.tasks import at_work

Item = Frame | Omitted

_HEAR_SECONDS = 2.0
_REOPEN_SECONDS = 5.0
_EPSILON_SECONDS = 1e-6


class Chain:
    """Filters in the order that the configuration gives."""

    def __init__(self, stages: Sequence[Stage], monotonic: Callable[[], float]) -> None:
        self._links = [_Link(stage, monotonic) for stage in stages]

    async def hear(self, item: Item) -> list[Item]:
        """What comes out when this goes in."""
        items = [item]
        for link in self._links:
            items = [passed for one in items for passed in await link.hear(one)]
        return items

    async def finish(self) -> list[Item]:
        """What was still held back, because the sound is at its end."""
        items: list[Item] = []
        for link in self._links:
            passed = [out for one in items for out in await link.hear(one)]
            items = passed + await link.finish()
        return items

    async def reset(self, cause: Cause) -> list[Item]:
        """Forget what was held back, and say why it is missing."""
        items: list[Item] = []
        for link in self._links:
            passed = [out for one in items for out in await link.hear(one)]
            items = passed + await link.reset(cause)
        return items

    async def close(self) -> None:
        """Close every filter."""
        for link in self._links:
            await link.close()

    @property
    def speech(self) -> tuple[float | None, bool | None]:
        """How likely it is that somebody speaks, and whether sound passes for it; None where no filter can tell."""
        for link in self._links:
            if link.filter is not None and hasattr(link.filter, "speech"):
                return float(link.filter.speech), bool(getattr(link.filter, "speaking", False))
        return None, None


class _Link:
    """One filter, opened when sound comes and opened again after it failed."""

    def __init__(self, stage: Stage, monotonic: Callable[[], float]) -> None:
        self.stage = stage
        self.filter: Any = None
        self._monotonic = monotonic
        self._open = AsyncExitStack()
        self._retry_at = 0.0
        self._in: tuple[float, int, float] | None = None
        """Where what came in ends: capture seconds, rate, wall clock."""
        self._out: float | None = None

    async def hear(self, item: Item) -> list[Item]:
        if self._out is None:
            self._out = item.start
        self._in = (item.end, item.rate, item.at + item.seconds)
        if self.stage.restarts.is_set():
            self.stage.restarts.clear()
            await self.close()
        if self.filter is None and not await self._opened():
            return self._without_filter(item)
        active: Filter = self.filter
        out = await self._ask(lambda: active.hear(item))
        return self._without_filter(item) if out is None else out

    async def finish(self) -> list[Item]:
        if self.filter is None:
            return []
        active: Filter = self.filter
        out = await self._ask(active.finish) or []
        await self.close()
        return out + self._missing(Cause.DROPPED)

    async def reset(self, cause: Cause) -> list[Item]:
        await self.close()
        return self._missing(cause)

    async def close(self) -> None:
        self.filter = None
        await self._open.aclose()

    async def _opened(self) -> bool:
        if self._monotonic() < self._retry_at:
            return False
        try:
            self.filter = await self._open.enter_async_context(self.stage.open())
        except Exception as error:  # a filter that cannot be opened is told of, and tried again
            self._failed(error)
            return False
        return True

    async def _ask(self, call: Callable[[], Awaitable[Iterable[Item]]]) -> list[Item] | None:
        """What the filter gives, with its holes filled in; None if it failed."""
        try:
            with at_work(self.stage):
                given = await contained(call, self.stage.label, "filtering", _HEAR_SECONDS)
            items = [self._checked(item) for item in few(given)]
            return [out for item in items for out in self._continuous(item)]
        except Exception as error:  # whatever a plugin raises must not end the room
            self._failed(error)
            await self.close()
            return None

    def _checked(self, item: Item) -> Item:
        if not isinstance(item, Frame | Omitted):
            raise TypeError(f"gave {type(item).__name__} instead of Frame or Omitted")
        if self._out is not None and item.start < self._out - 1 / item.rate:
            raise ValueError("gave sound that it had given before")
        return item

    def _continuous(self, item: Item) -> list[Item]:
        out, self._out = self._out, item.end
        if out is None or item.start - out <= _EPSILON_SECONDS:
            return [item]
        first = round(out * item.rate)
        hole = Omitted(first, item.position - first, item.rate, item.at - (item.start - out), Cause.DROPPED)
        return [hole, item] if hole.length > 0 else [item]

    def _without_filter(self, item: Item) -> list[Item]:
        if self.stage.offer.on_failure == "block" and isinstance(item, Frame):
            item = Omitted(item.position, len(item.samples), item.rate, item.at, Cause.BLOCKED)
        return self._continuous(item)

    def _missing(self, cause: Cause) -> list[Item]:
        """What came in and neither came out nor will."""
        if self._in is None or self._out is None:
            return []
        end, rate, wall = self._in
        first, last = round(self._out * rate), round(end * rate)
        self._out = end
        return [Omitted(first, last - first, rate, wall - (last - first) / rate, cause)] if last > first else []

    def _failed(self, error: Exception) -> None:
        passes = "sound passes without it" if self.stage.offer.on_failure != "block" else "no sound passes"
        self.stage.report.fail(f"{self.stage.label} failed, {passes}: {describe(error)}")
        self.stage.log.error("%s", self.stage.report.problem)
        self._retry_at = self._monotonic() + _REOPEN_SECONDS
        self.filter = None
