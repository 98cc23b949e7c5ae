"""A whole room in this process: a source that a test feeds, a scripted peer, and filters that gate or fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from earmark.audio import Cause, Frame, Omitted
from earmark.clock import Clock, SystemClock
from earmark.config import Config
from earmark.events import Durable, Gap, Utterance
from earmark.hookspecs import Filter, NoSettings, Offer, Source, Transport, hookimpl
from earmark.host import Host
from earmark.journal import Journal
from earmark.listener import Listener, Outcome
from earmark.paths import RoomFolders
from earmark.room import Room
from earmark.testing.peer import ScriptedPeer
from tests.core.rooms import BLOCK, RATE

_LOUD = 200


class Guest:
    """A plugin with everything that a room needs."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.sound: asyncio.Queue[Frame | Omitted | Exception] = asyncio.Queue()
        """What the source gives, or fails with."""
        self.peer = ScriptedPeer()
        self.opened = 0
        self.closed = 0
        self.filter_fails = False

    def feed(self, items: Iterable[Frame | Omitted | Exception]) -> None:
        """Give sound, as captured now."""
        for item in items:
            heard_now = replace(item, at=self._clock.now() - item.seconds) if isinstance(item, Frame) else item
            self.sound.put_nowait(heard_now)

    @property
    def told_seconds(self) -> float:
        """How much sound has reached the peer."""
        return sum(len(memory.samples) for memory in self.peer.conversations.values()) / RATE

    @hookimpl
    def earmark_sources(self) -> Iterable[Offer[Source]]:
        yield Offer("fed", "What a test gives.", self._source, live=True)

    @hookimpl
    def earmark_filters(self) -> Iterable[Offer[Filter]]:
        yield Offer("level", "Leaves out what is not loud.", _level)
        yield Offer("guard", "Lets nothing pass while it fails.", self._guard, on_failure="block")
        yield Offer("helper", "Lets everything pass while it fails.", self._guard)

    @hookimpl
    def earmark_transports(self) -> Iterable[Offer[Transport]]:
        yield Offer("scripted", "The scripted peer.", self._transport)

    @asynccontextmanager
    async def _source(self, settings: NoSettings, room: Room) -> AsyncIterator[Source]:
        self.opened += 1
        try:
            yield self._listen()
        finally:
            self.closed += 1

    async def _listen(self) -> AsyncIterator[Frame | Omitted]:
        while True:
            item = await self.sound.get()
            if isinstance(item, Exception):
                raise item
            yield item

    @asynccontextmanager
    async def _guard(self, settings: NoSettings, room: Room) -> AsyncIterator[Filter]:
        yield _Guard(self)

    @asynccontextmanager
    async def _transport(self, settings: NoSettings, room: Room) -> AsyncIterator[Transport]:
        yield self.peer


@asynccontextmanager
async def _level(settings: NoSettings, room: Room) -> AsyncIterator[Filter]:
    yield _Level()


class _Level:
    async def hear(self, item: Frame | Omitted) -> Sequence[Frame | Omitted]:
        if isinstance(item, Omitted) or np.abs(item.samples).max() >= _LOUD:
            return [item]
        return [Omitted(item.position, len(item.samples), item.rate, item.at, Cause.GATED)]

    async def finish(self) -> Sequence[Frame | Omitted]:
        return []


class _Guard:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    async def hear(self, item: Frame | Omitted) -> Sequence[Frame | Omitted]:
        if self._guest.filter_fails:
            raise RuntimeError("broken")
        return [item]

    async def finish(self) -> Sequence[Frame | Omitted]:
        return []


class Running:
    """A listener at work."""

    def __init__(self, listener: Listener, folders: RoomFolders) -> None:
        self.listener = listener
        self.folders = folders
        self.task = asyncio.create_task(listener.run())

    @property
    def heard(self) -> float:
        """Seconds that passed the filters."""
        return self.listener.status().heard_seconds if self.listener.ears is not None else 0.0

    async def until(self, condition: Callable[[], object], seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)

    async def end(self, *, leave: bool = False) -> Outcome:
        self.listener.stop(leave=leave)
        return await asyncio.wait_for(self.task, 30)

    async def events(self) -> list[Durable]:
        async with Journal.open(self.folders.journal, clock=SystemClock()) as journal:
            return [entry.event for entry in await journal.read(0, most=100_000)]

    async def told(self) -> list[Utterance]:
        return [event for event in await self.events() if isinstance(event, Utterance)]

    async def gaps(self) -> list[Gap]:
        return [event for event in await self.events() if isinstance(event, Gap)]


@asynccontextmanager
async def listening(
    folder: Path, guest: Guest, *settings: str, filters: str = "[]", clock: Clock | None = None
) -> AsyncIterator[Running]:
    """A room that is listened to."""
    host = Host(plugins=[("guest", guest)], discover=False)
    host.load()
    chosen = ['source="fed"', 'transport="scripted"', f"filters={filters}", "sinks=[]", *settings]
    config = Config.load(None, environ={}, assignments=chosen)
    folders = RoomFolders(folder / "state", folder / "runtime")
    running = Running(Listener(host, config, folders=folders, clock=clock or SystemClock()), folders)
    try:
        yield running
    finally:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


def quiet(count: int, *, first: int = 0) -> list[Frame]:
    """Silence, in blocks."""
    blocks = range(first, first + count)
    return [Frame(np.zeros(BLOCK, np.int16), RATE, index * BLOCK, 1_700_000_000 + index / 10) for index in blocks]
