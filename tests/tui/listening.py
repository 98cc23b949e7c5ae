"""A real listener in a quiet room, with a scripted speech service that says a sentence for every bit of sound."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from earmark.audio import Frame
from earmark.clock import SystemClock
from earmark.config import Config
from earmark.door import NAME
from earmark.events import Durable
from earmark.hookspecs import NoSettings, Offer, Source, Transport, hookimpl
from earmark.host import Host
from earmark.journal import Journal
from earmark.listener import Listener
from earmark.paths import RoomFolders
from earmark.room import Room
from earmark.testing.peer import ScriptedPeer
from earmark_tui.feeds.local import LocalFeed

FRAME_SECONDS = 0.5


class Clip:
    """So much sound, one frame at a time."""

    def __init__(self, frames: int, *, every_seconds: float) -> None:
        self.over = False
        self._frames = frames
        self._every_seconds = every_seconds

    @asynccontextmanager
    async def open(self, settings: NoSettings, room: Room) -> AsyncIterator[Source]:
        yield self._sound(room)

    async def _sound(self, room: Room) -> AsyncIterator[Frame]:
        length, began = round(room.rate * FRAME_SECONDS), room.clock.now()
        for index in range(self._frames):
            await asyncio.sleep(self._every_seconds)
            if self.over:
                return
            at = began + index * FRAME_SECONDS
            yield Frame(samples=np.zeros(length, np.int16), rate=room.rate, position=index * length, at=at)


def _plugin(clip: Clip, peer: ScriptedPeer) -> SimpleNamespace:
    @asynccontextmanager
    async def open_peer(settings: NoSettings, room: Room) -> AsyncIterator[Transport]:
        yield peer

    @hookimpl
    def earmark_sources() -> Iterable[Offer[Source]]:
        yield Offer("clip", "So much sound.", clip.open, live=False)

    @hookimpl
    def earmark_transports() -> Iterable[Offer[Transport]]:
        yield Offer("scripted", "A service in memory.", open_peer)

    return SimpleNamespace(earmark_sources=earmark_sources, earmark_transports=earmark_transports)


@dataclass
class Running:
    """A listener at work."""

    task: asyncio.Task[object]
    clip: Clip

    async def end(self) -> None:
        """Let the sound be over, and wait until all of it is journaled."""
        self.clip.over = True
        await self.task


def folders(home: Path) -> RoomFolders:
    return RoomFolders(home / "state" / "kitchen", home / "run" / "kitchen")


def feed(home: Path, *, runtime: str = "run") -> LocalFeed:
    return LocalFeed(state=home / "state", runtime=home / runtime, room="kitchen", clock=SystemClock())


@asynccontextmanager
async def listening(home: Path, *, frames: int, every_seconds: float) -> AsyncIterator[Running]:
    """A listener that hears so many frames; stopped hard when left."""
    logging.getLogger("earmark").setLevel("ERROR")
    peer = ScriptedPeer(every_seconds=FRAME_SECONDS, confirms=True)
    clip = Clip(frames, every_seconds=every_seconds)
    host = Host(plugins=[("clip", _plugin(clip, peer))], discover=False)
    host.load()
    settings = ["room=kitchen", "source=clip", "transport=scripted", "filters=[]", "sinks=[]", "spool.catch_up=1000"]
    config = Config.load(None, environ={}, assignments=settings)
    listener = Listener(host, config, folders=folders(home), clock=SystemClock())
    running: asyncio.Task[object] = asyncio.create_task(listener.run())
    try:
        yield Running(running, clip)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def journaled(home: Path) -> list[Durable]:
    async with Journal.open(folders(home).journal, clock=SystemClock(), read_only=True) as journal:
        return [entry.event for entry in await journal.read(0, most=100_000)]


class Cutter:
    """Stands between a viewer and the door, and cuts the line after so many bytes, so many times."""

    def __init__(self, home: Path, *, cuts: int, after_bytes: int) -> None:
        self.cuts = 0
        self._most = cuts
        self._after_bytes = after_bytes
        self._door = folders(home).runtime / NAME
        self._own = home / "cut" / "kitchen" / NAME
        self._visits: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Cutter]:
        self._own.parent.mkdir(parents=True)
        server = await asyncio.start_unix_server(self._pass_on, self._own)
        try:
            yield self
        finally:
            server.close()
            for visit in self._visits:
                visit.cancel()
            await asyncio.gather(*self._visits, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        try:
            with suppress(OSError):
                to_reader, to_writer = await asyncio.open_unix_connection(self._door)
                asking = asyncio.create_task(_copy(reader, to_writer, None))
                limit = self._after_bytes if self.cuts < self._most else None
                cut = await _copy(to_reader, writer, limit)
                self.cuts += cut
                asking.cancel()
                to_writer.close()
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> bool:
    """Pass bytes on; whether so many went that the line is cut, in the middle of a word."""
    passed = 0
    while data := await reader.read(1024):
        writer.write(data)
        await writer.drain()
        passed += len(data)
        if limit is not None and passed >= limit:
            return True
    return False
