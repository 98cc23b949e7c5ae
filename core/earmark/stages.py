"""One stage of a room: how it is opened, watched, and kept from taking the room down with it."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from earmark.errors import EarmarkError, PluginError
from earmark.hookspecs import Offer
from earmark.room import Room, StageReport
from earmark.tasks import at_work, left_by

OPEN_SECONDS = 60.0
CLOSE_SECONDS = 8.0
MOST_ITEMS = 10_000
_LEAVE_SECONDS = 1.0

T = TypeVar("T")


@dataclass
class Stage:
    """An offer that the configuration chose for a room, and how it is doing."""

    kind: str
    name: str
    offer: Offer[Any]
    settings: msgspec.Struct
    room: Room
    restarts: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody asks for the stage to be closed and opened anew."""

    @property
    def report(self) -> StageReport:
        """What it tells of itself."""
        return self.room.stage

    @property
    def log(self) -> logging.Logger:
        """Where it is spoken of."""
        return self.room.log

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Any]:
        """Open it; whatever it does at opening and closing comes out as an `EarmarkError`, in bounded time."""
        self.report.state = "starting"
        context: Any = None

        async def enter() -> Any:
            nonlocal context
            context = self.offer.open(self.settings, self.room)
            return await context.__aenter__()

        try:
            with at_work(self):
                opened = await contained(enter, self.label, "opening", OPEN_SECONDS)
        except EarmarkError as error:
            self.report.fail(str(error))
            raise
        except Exception as error:
            self.report.fail(f"{self.label} could not be opened: {describe(error)}")
            raise PluginError(self.report.problem) from error
        self.report.state, self.report.problem = "running", None
        try:
            yield opened
        finally:
            await self._close(context)

    async def _close(self, context: Any) -> None:
        try:
            await contained(lambda: context.__aexit__(None, None, None), self.label, "closing", CLOSE_SECONDS)
        except Exception as error:  # what fails at closing must not hide why it was closed
            self.report.count("close_failures")
            self.log.warning("%s failed while closing: %s", self.label, describe(error))
        await self._end_what_is_left()
        if self.report.state == "running":
            self.report.state = "closed"

    async def _end_what_is_left(self) -> None:
        """Cancel tasks that the stage made and forgot, so that they cannot pile up with every reopening."""
        left = left_by(self)
        if left:
            await asyncio.wait(left, timeout=_LEAVE_SECONDS)
        left = {task for task in left if not task.done()}
        if not left:
            return
        self.report.count("leaked_tasks", len(left))
        names = ", ".join(sorted(task.get_name() for task in left))
        self.log.warning("%s was closed and left %d tasks behind: %s", self.label, len(left), names)
        for task in left:
            task.cancel()

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"The {self.kind} {self.name!r}"


async def contained(call: Callable[[], Awaitable[T]], label: str, doing: str, seconds: float) -> T:
    """Await a plugin's coroutine in bounded time, guarded."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await guarded(call, label, doing)
    except TimeoutError as error:
        if limit.expired():
            raise PluginError(f"{label} hangs while {doing}: nothing for {seconds:g} s.") from None
        raise error


async def guarded(call: Callable[[], Awaitable[T]], label: str, doing: str) -> T:
    """Await a plugin's coroutine; what would end a task or the program becomes a `PluginError`."""
    try:
        return await call()
    except (Exception, KeyboardInterrupt, GeneratorExit):
        raise
    except SystemExit as error:
        raise PluginError(f"{label} tried to end the program while {doing} (sys.exit {error.code}).") from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise PluginError(f"{label} cancelled itself while {doing}.") from None
    except BaseException as error:
        raise PluginError(f"{label} failed while {doing}: {describe(error)}") from error


def few(given: Iterable[T]) -> list[T]:
    """What a plugin gave for one thing that it was given; raises `ValueError` where that never ends."""
    items = list(itertools.islice(given, MOST_ITEMS + 1))
    if len(items) > MOST_ITEMS:
        raise ValueError(f"gave more than {MOST_ITEMS} things for one")
    return items


def describe(error: BaseException) -> str:
    """An error in one line, for people."""
    text = str(error).strip().splitlines()
    if isinstance(error, EarmarkError):
        return text[0] if text else type(error).__name__
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
