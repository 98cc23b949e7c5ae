"""A plugin that misbehaves on request: any kind of stage, at any moment, in any way."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from earmark.audio import Frame, Omitted
from earmark.events import AnyEvent
from earmark.hookspecs import (
    Enricher,
    EventStream,
    Filter,
    NoSettings,
    Offer,
    Service,
    Sink,
    Source,
    Transport,
    hookimpl,
)
from earmark.room import Room
from earmark.testing import ScriptedPeer, noise, utterances

BLOCK_SECONDS = 1.6


@dataclass
class Deed:
    """What goes wrong, and how often before all is well."""

    moment: str
    """`open`, `run` or `close`."""
    fault: str
    times: int = 1
    done: int = 0
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    async def at(self, moment: str) -> Any:
        """Misbehave, if it is time to."""
        if moment != self.moment or self.done >= self.times:
            return None
        self.done += 1
        return await self._misbehave()

    async def _misbehave(self) -> Any:
        match self.fault:
            case "raise":
                raise RuntimeError("the cat sat on it")
            case "hang":
                await asyncio.Event().wait()
            case "exit":
                sys.exit(3)
            case "cancel":
                raise asyncio.CancelledError
            case "block":
                time.sleep(BLOCK_SECONDS)  # noqa: ASYNC251 - that is the misdeed
            case "leak":
                self.tasks += [asyncio.create_task(_forever(), name="forgotten") for _ in range(3)]
            case "nonsense":
                return 42
            case "flood":
                return itertools.repeat(self)
        return None


async def _forever() -> None:
    await asyncio.Event().wait()


class Culprit:
    """Offers one stage `culprit` of a kind."""

    def __init__(self, kind: str, deed: Deed, sound: Sequence[Frame | Omitted] = ()) -> None:
        self.kind, self.deed, self.sound = kind, deed, sound
        self.peer = ScriptedPeer()
        self.taken: list[str] = []

    def _offers(self, kind: str) -> Iterable[Offer[Any]]:
        if kind == self.kind:
            yield Offer("culprit", "Misbehaves.", self._open, live=False)

    @asynccontextmanager
    async def _open(self, settings: NoSettings, room: Room) -> AsyncIterator[Any]:
        if await self.deed.at("open") is not None:
            yield object()
            return
        try:
            yield self
        finally:
            await self.deed.at("close")

    @hookimpl
    def earmark_sources(self) -> Iterable[Offer[Source]]:
        return self._offers("source")

    @hookimpl
    def earmark_filters(self) -> Iterable[Offer[Filter]]:
        return self._offers("filter")

    @hookimpl
    def earmark_transports(self) -> Iterable[Offer[Transport]]:
        return self._offers("transport")

    @hookimpl
    def earmark_enrichers(self) -> Iterable[Offer[Enricher]]:
        return self._offers("enricher")

    @hookimpl
    def earmark_sinks(self) -> Iterable[Offer[Sink]]:
        return self._offers("sink")

    @hookimpl
    def earmark_services(self) -> Iterable[Offer[Service]]:
        return self._offers("service")

    # -- a source -------------------------------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[Any]:
        for n, item in enumerate(self.sound):
            if n == 10 and (said := await self.deed.at("run")) is not None:
                if self.deed.fault == "flood":
                    for more in noise(600, first=10):
                        yield more
                    return
                yield said
            await asyncio.sleep(0)
            yield item
        await asyncio.Event().wait()

    # -- a filter -------------------------------------------------------------------------------------------------

    async def hear(self, item: Frame | Omitted) -> Any:
        said = await self.deed.at("run")
        return [item] if said is None else said

    async def finish(self) -> Any:
        return []

    # -- a transport ----------------------------------------------------------------------------------------------

    def connection_id(self) -> str:
        return self.peer.connection_id()

    @asynccontextmanager
    async def connect(self, connection_id: str) -> AsyncIterator[Any]:
        async with self.peer.connect(connection_id) as connection:
            yield _Connection(connection, self.deed)

    # -- an enricher ----------------------------------------------------------------------------------------------

    async def enrich(self, event: AnyEvent) -> Any:
        said = await self.deed.at("run")
        return [event] if said is None else said

    # -- a sink and a service -------------------------------------------------------------------------------------

    async def run(self, events: EventStream | None = None) -> Any:
        if events is None:
            await self.deed.at("run")
            await asyncio.Event().wait()
        else:
            async for event in events:
                await self.deed.at("run")
                self.taken.append(event.id)


class _Connection:
    def __init__(self, connection: Any, deed: Deed) -> None:
        self._connection, self._deed = connection, deed
        self._sent = 0

    async def start(self, start: Any) -> Any:
        return await self._connection.start(start)

    async def send(self, frame: Frame) -> None:
        self._sent += 1
        if self._sent == 10 and self._deed.fault not in ("nonsense", "flood"):
            await self._deed.at("run")
        await self._connection.send(frame)

    async def pause(self) -> None:
        await self._connection.pause()

    async def finish(self) -> None:
        await self._connection.finish()

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for item in self._connection:
            said = await self._deed.at("run") if self._deed.fault in ("nonsense", "flood") else None
            if said is not None and self._deed.fault == "nonsense":
                yield said
            elif said is not None:
                from earmark.hookspecs import Heard

                for event in utterances(2000):
                    yield Heard(event)
            yield item
