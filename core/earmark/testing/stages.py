"""Stages for tests: a source that follows a script, a sink that remembers, and a plugin that offers both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from earmark.audio import Frame, Omitted
from earmark.events import AnyEvent
from earmark.hookspecs import EventStream, NoSettings, Offer, Sink, Source, Transport, hookimpl
from earmark.room import Room
from earmark.testing.peer import ScriptedPeer
from earmark.testing.samples import noise


class ScriptedSource:
    """Gives what its script says: sound, what is missing, and errors, which it raises."""

    def __init__(
        self, script: Sequence[Frame | Omitted | Exception], after: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """`after` is awaited once the script is over, before the source ends."""
        self._script, self._after = script, after

    async def __aiter__(self) -> AsyncIterator[Frame | Omitted]:
        for item in self._script:
            if isinstance(item, Exception):
                raise item
            await asyncio.sleep(0)
            yield item
        if self._after is not None:
            await self._after()


class RecordingSink:
    """Remembers every event it was given, in order."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []

    async def run(self, events: EventStream) -> None:
        """Take everything."""
        async for event in events:
            self.events.append(event)


class ScriptedPlugin:
    """A plugin with a source `script`, a transport `scripted` and a sink `recorder`: a room without any hardware.

    Set `script`, look at `peer` and `recorder`.
    """

    def __init__(self, script: Sequence[Frame | Omitted | Exception] | None = None, *, live: bool = False) -> None:
        self.script: Sequence[Frame | Omitted | Exception] = noise(5) if script is None else script
        self.live = live
        self.peer = ScriptedPeer()
        self.recorder = RecordingSink()

    async def after(self) -> None:
        """What the source does when its script is over: it ends at once, unless a subclass says otherwise."""

    @hookimpl
    def earmark_sources(self) -> Iterable[Offer[Source]]:
        """The script."""

        @asynccontextmanager
        async def open_script(settings: NoSettings, room: Room) -> AsyncIterator[Source]:
            yield ScriptedSource(self.script, self.after)

        yield Offer("script", "Sound from a script.", open_script, live=self.live)

    @hookimpl
    def earmark_transports(self) -> Iterable[Offer[Transport]]:
        """The scripted service."""

        @asynccontextmanager
        async def open_peer(settings: NoSettings, room: Room) -> AsyncIterator[Transport]:
            yield self.peer

        yield Offer("scripted", "A service in memory.", open_peer)

    @hookimpl
    def earmark_sinks(self) -> Iterable[Offer[Sink]]:
        """The memory."""

        @asynccontextmanager
        async def open_recorder(settings: NoSettings, room: Room) -> AsyncIterator[Sink]:
            yield self.recorder

        yield Offer("recorder", "Remembers every event.", open_recorder)
