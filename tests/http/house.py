"""A real listener with the local API, in a quiet room with a scripted speech service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import numpy as np

import earmark_http.plugin
from earmark.audio import Frame
from earmark.clock import SystemClock
from earmark.config import Config
from earmark.events import Durable
from earmark.hookspecs import NoSettings, Offer, hookimpl
from earmark.host import Host
from earmark.listener import Listener
from earmark.paths import RoomFolders
from earmark.room import Room
from earmark.testing.peer import ScriptedPeer
from tests.core.talk import until

TOKEN = "a-token-of-the-tests-1"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BLOCK_SECONDS = 0.05


class LeapingClock(SystemClock):
    """The system's clock, that can be put forward."""

    def __init__(self) -> None:
        self.leapt = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.leapt


class Silence:
    """A microphone in a quiet room; `hold` makes it fall silent without a word."""

    def __init__(self) -> None:
        self.hold = asyncio.Event()

    @asynccontextmanager
    async def open(self, settings: NoSettings, room: Room) -> AsyncIterator[AsyncIterator[Frame]]:
        yield self._frames(room)

    async def _frames(self, room: Room) -> AsyncIterator[Frame]:
        length = round(room.rate * BLOCK_SECONDS)
        position = 0
        while True:
            if self.hold.is_set():
                await asyncio.Event().wait()
            await asyncio.sleep(BLOCK_SECONDS)
            yield Frame(
                samples=np.zeros(length, np.int16),
                rate=room.rate,
                position=position,
                at=room.clock.now() - BLOCK_SECONDS,
            )
            position += length


@dataclass
class House:
    """A listener that runs, and how to ask it."""

    listener: Listener
    url: str
    session: aiohttp.ClientSession
    silence: Silence
    clock: LeapingClock

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: object = None, **options: Any) -> tuple[int, Any]:
        return await self.ask("POST", path, json=body, **options)

    async def ask(self, method: str, path: str, *, headers: Any = BEARER, **options: Any) -> tuple[int, Any]:
        """The status and the decoded body of an answer."""
        async with self.session.request(method, self.url + path, headers=headers, **options) as response:
            is_json = response.content_type == "application/json"
            return response.status, await response.json() if is_json else await response.text()

    async def record(self, events: Iterable[Durable]) -> None:
        await self.listener.record(list(events))

    @property
    def service(self) -> Any:
        """What the service tells of itself."""
        return next(stage for stage in self.listener.status().stages if stage.kind == "service")


def plugins(silence: Silence, peer: ScriptedPeer) -> list[tuple[str, object]]:
    @asynccontextmanager
    async def open_peer(settings: NoSettings, room: Room) -> AsyncIterator[ScriptedPeer]:
        yield peer

    @hookimpl
    def earmark_sources() -> Iterable[Offer[Any]]:
        yield Offer("silence", "A quiet room.", silence.open)

    @hookimpl
    def earmark_transports() -> Iterable[Offer[Any]]:
        yield Offer("scripted", "A service in memory.", open_peer)

    room = SimpleNamespace(earmark_sources=earmark_sources, earmark_transports=earmark_transports)
    return [("room", room), ("http", earmark_http.plugin)]


ROOM = ("source=silence", "filters=[]", "transport=scripted", "sinks=[]", "room=kitchen")


@asynccontextmanager
async def house(folder: Path, *assignments: str, token: str | None = TOKEN, waits: bool = True) -> AsyncIterator[House]:
    """A listener at work in a folder; `waits` for its local API to be there."""
    silence, clock = Silence(), LeapingClock()
    environ = {"EARMARK_HTTP_TOKEN": token} if token else {}
    own = (*ROOM, 'services=["http"]', "http.port=0", *assignments)
    config = Config.load(None, environ=environ, assignments=own)
    host = Host(plugins=plugins(silence, ScriptedPeer()), discover=False)
    host.load()
    listener = Listener(host, config, folders=RoomFolders(folder / "state", folder / "runtime"), clock=clock)
    running = asyncio.create_task(listener.run())
    try:
        await until(lambda: running.done() or (_address(listener) if waits else listener.ears), seconds=20)
        if running.done():
            running.result()
        async with aiohttp.ClientSession() as session:
            yield House(listener, _address(listener), session, silence, clock)
    finally:
        listener.stop(leave=True)
        await asyncio.wait_for(running, 30)
        logging.getLogger("earmark").debug("the house is dark")


def _address(listener: Listener) -> str:
    services = listener.crew.stages.get("service", []) if hasattr(listener, "uplink") else []  # type: ignore[call-overload]
    return next((stage.report.details.get("address", "") for stage in services), "")
