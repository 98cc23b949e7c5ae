"""One stage of a room: how it is opened, watched, and kept from taking the room down with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from earmark.errors import EarmarkError, PluginError
from earmark.hookspecs import Offer
from earmark.room import Room, StageReport

OPEN_SECONDS = 60.0
CLOSE_SECONDS = 10.0

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
        try:
            context = self.offer.open(self.settings, self.room)
            opened = await contained(lambda: context.__aenter__(), self.label, "opening", OPEN_SECONDS)
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
        if self.report.state == "running":
            self.report.state = "closed"

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"The {self.kind} {self.name!r}"


async def contained(call: Callable[[], Awaitable[T]], label: str, doing: str, seconds: float) -> T:
    """Await a plugin's coroutine in bounded time; an attempt to end the program becomes a `PluginError`."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await call()
    except SystemExit as error:
        raise PluginError(f"{label} tried to end the program while {doing} (sys.exit {error.code}).") from None
    except TimeoutError as error:
        if limit.expired():
            raise PluginError(f"{label} hangs while {doing}: nothing for {seconds:g} s.") from None
        raise error


def describe(error: BaseException) -> str:
    """An error in one line, for people."""
    text = str(error).strip().splitlines()
    if isinstance(error, EarmarkError):
        return text[0] if text else type(error).__name__
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
