"""The engine itself: the conversations that live, who may begin one, and what they all work with."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from earmark.clock import Clock
from earmark.errors import EarmarkError
from earmark.settings import Duration
from earmark_engine.facts import AnyFact, Began, Ended
from earmark_engine.live import Listener, Live, Means
from earmark_engine.recognizers.types import Recognizer
from earmark_engine.store import trim
from earmark_engine.tokens import Tokens
from earmark_symbl import api as symbl

STREAMS = 8 * max(1, (os.cpu_count() or 1) - 1)
"""What a recogniser's workers carry where nobody said otherwise: eight streams a core, and one core for the rest."""
Key = tuple[str, str]
"""The application and the id that its client chose."""
_LOOK_SECONDS = 1.0
_TRIM_SECONDS = 3600.0


class TooMany(EarmarkError):
    """The engine has as much to do as it takes on."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much the engine takes on."""

    streams: int = STREAMS
    """Sockets that may send sound."""
    subscribers: int = 1000
    """Sockets that only listen."""
    backlog_seconds: float = 2.0
    """No further stream is let in while recognition is this far behind."""
    silence: Duration = Duration("30 min")
    """A conversation ends after so long without a word."""
    retain_days: int = 30
    """Ended conversations are forgotten after so many days; 0 keeps them."""


@dataclass(frozen=True)
class Equipment:
    """What an engine is built from."""

    tokens: Tokens
    recognizer: Recognizer
    means: Means
    limits: Limits
    clock: Clock
    log: logging.Logger
    lasting: bool = False
    """Whether conversations outlive the engine."""


class Socket(Protocol):
    """A client's socket, as far as the engine itself cares."""

    def leave(self) -> None:
        """The engine stops: close the socket, so that the client may come back."""
        ...


class Engine:
    """Holds conversations by the application and the id that clients join them with."""

    def __init__(self, equipment: Equipment) -> None:
        self.tokens = equipment.tokens
        self.recognizer = equipment.recognizer
        self.limits = equipment.limits
        self.clock = equipment.clock
        self.log = equipment.log
        self.store = equipment.means.store
        self._lasting = equipment.lasting
        self.streams = 0
        """Sockets that may send sound, just now."""
        self.subscribers = 0
        self.sockets: set[Socket] = set()
        """Every open socket."""
        self._means = replace(equipment.means, ended=self._forget)
        self._live: dict[Key, Live] = {}
        self._listening: dict[Key, set[Listener]] = {}
        self._beginning = asyncio.Lock()
        self._noting = asyncio.Lock()
        self._leaving: dict[Key, float] = {}
        self._tasks: set[asyncio.Task[object]] = set()

    # -- taking in ------------------------------------------------------------------------------------------------

    def admit(self, key: Key) -> None:
        """Let a socket in that may send sound; raises `TooMany`. Whoever rejoins a conversation is always let in."""
        load = self.recognizer.load
        if key not in self._live:
            if self.streams >= self.limits.streams:
                raise TooMany(f"This engine takes {self.limits.streams} streams at a time; try again later.")
            if load.backlog_seconds > self.limits.backlog_seconds:
                raise TooMany(f"Recognition is {load.backlog_seconds:.0f} s behind; try again later.")
        self.streams += 1

    def left(self) -> None:
        """A socket that was let in is gone."""
        self.streams -= 1

    async def enter(self, key: Key, start: symbl.StartRequest) -> Live:
        """The conversation that a client asks for: the one that lives under its id, or a new one."""
        async with self._beginning:
            live = self._live.get(key)
            if live is None:
                began = Began(
                    at=self.clock.now(),
                    app=key[0],
                    connection=key[1],
                    title=start.title,
                    keep_seconds=start.keep_seconds,
                )
                live = await Live.begin(began, means=self._means, listeners=self._listening.setdefault(key, set()))
                self._live[key] = live
            live.keep_seconds = max(live.keep_seconds, start.keep_seconds)
            self._leaving.pop(key, None)
            return live

    def leave(self, live: Live, *, ended: bool) -> None:
        """A client is gone: the conversation ends at once, or when nobody came back in time."""
        key = live.app, live.connection
        if live.speakers or live.ended:
            return
        wait = 0.0 if ended else live.keep_seconds
        self._leaving[key] = self.clock.monotonic() + wait
        if not wait:
            self.spawn(live.end("stopped" if ended else "left"))

    async def note(self, conversation: str, fact: AnyFact) -> None:
        """Add a fact, to a conversation that lives or to one that is over."""
        async with self._noting:
            live = self.find(conversation)
            if live is not None:
                await live.note([fact])
                return
            entries = await self.store.read(conversation)
            await self.store.append(conversation, entries[-1].sequence, [fact])

    async def forget(self, conversation: str) -> None:
        """Delete a conversation for good; if it lives, it ends without another word."""
        live = self.find(conversation)
        if live is not None:
            await live.abandon()
        await self.store.delete(conversation)
        if live is not None:
            live.dismiss()

    def find(self, conversation: str) -> Live | None:
        """The conversation of that id, while it lives."""
        return next((live for live in self._live.values() if live.id == conversation), None)

    def live(self, key: Key) -> Live | None:
        """The conversation under that id, while it lives."""
        return self._live.get(key)

    def listen(self, key: Key, listener: Listener) -> None:
        """Tell somebody all that is said under an id, now and when it begins; raises `TooMany`."""
        if self.subscribers >= self.limits.subscribers:
            raise TooMany(f"This engine takes {self.limits.subscribers} subscribers at a time; try again later.")
        self.subscribers += 1
        self._listening.setdefault(key, set()).add(listener)

    def unlisten(self, key: Key, listener: Listener) -> None:
        """Tell somebody nothing more."""
        self.subscribers -= 1
        listeners = self._listening.get(key, set())
        listeners.discard(listener)
        if not listeners and key not in self._live:
            self._listening.pop(key, None)

    def _forget(self, live: Live) -> None:
        key = live.app, live.connection
        self._leaving.pop(key, None)
        if self._live.get(key) is live:
            del self._live[key]
        if not self._listening.get(key):
            self._listening.pop(key, None)

    # -- keeping house --------------------------------------------------------------------------------------------

    def spawn(self, work: object) -> None:
        """Do something beside; what goes wrong is logged."""
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.log.error("The engine failed in its own affairs: %s: %s", type(error).__name__, error)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Engine]:
        """Mind silence, clients that do not come back, and old conversations, while the body runs."""
        await self._restore()
        minding = asyncio.create_task(self._mind(), name="earmark engine housekeeping")
        try:
            yield self
        finally:
            minding.cancel()
            await asyncio.gather(minding, return_exceptions=True)
            for live in tuple(self._live.values()):
                await self._part_from(live)
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _part_from(self, live: Live) -> None:
        """Leave a conversation as the next engine can take it up, if there will be one that knows of it."""
        if not self._lasting:
            await live.abandon()
        elif live.keep_seconds:
            await live.rest()
        else:
            await live.end("engine stopped")

    async def close_sockets(self) -> None:
        """Let every client go."""
        for socket in tuple(self.sockets):
            socket.leave()

    async def _mind(self) -> None:
        trimmed = float("-inf")
        while True:
            try:
                self._mind_conversations()
                if self.limits.retain_days and self.clock.monotonic() - trimmed > _TRIM_SECONDS:
                    trimmed = self.clock.monotonic()
                    await trim(self.store, before=self.clock.now() - self.limits.retain_days * 86_400)
            except EarmarkError as error:
                self.log.error("%s", error)
            await self.clock.sleep(_LOOK_SECONDS)

    def _mind_conversations(self) -> None:
        now = self.clock.monotonic()
        for key, live in tuple(self._live.items()):
            if self._leaving.get(key, now) < now:
                del self._leaving[key]
                self.spawn(live.end("left"))
            elif live.silent_seconds() > self.limits.silence:
                self.spawn(live.end("silence"))
            for leg in live.abandoned(now):
                self.spawn(leg.finish())

    async def _restore(self) -> None:
        """Go on with the conversations that a stopped engine left joinable; end the others."""
        for summary in await self.store.summaries():
            if summary.ended is not None:
                continue
            entries = await self.store.read(summary.id)
            key = summary.app, summary.connection
            live = Live.restored(
                summary.id, entries, means=self._means, listeners=self._listening.setdefault(key, set())
            )
            if entries[-1].fact.at + live.keep_seconds < self.clock.now() or key in self._live:
                await self.store.append(
                    live.id, live.sequence, [Ended(at=entries[-1].fact.at, reason="engine stopped")]
                )
            else:
                self._live[key] = live
                self._leaving[key] = self.clock.monotonic() + live.keep_seconds
