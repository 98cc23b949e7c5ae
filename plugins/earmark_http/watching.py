"""Events for whoever watches, as a WebSocket or as server-sent events, from a place in the journal on.

Nothing is held for a watcher: journaled events are read from the journal at the watcher's own pace, and of live ones
the oldest are dropped. A watcher that takes nothing for `slow_after` is cut loose, with close code 4008; it can come
back and go on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec
from aiohttp import WSCloseCode, WSMsgType, hdrs, web

from earmark.door import Told
from earmark.events import Hearing, Level, Status
from earmark.room import Room
from earmark_http.guards import SUBPROTOCOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CUT_LOOSE = 4008
"""The close code of a watcher that was too slow."""
_BATCH = 200
_PARTING_SECONDS = 5.0
_FAREWELL_SECONDS = 1.0
_HEARTBEAT_SECONDS = 30.0
_QUIET_SECONDS = 15.0
_MOST_HEARD_BYTES = 4096
_RETRY_MS = 2000
_encode = msgspec.json.Encoder().encode


class Slow(Exception):
    """A watcher takes nothing."""


@dataclass(frozen=True)
class Wish:
    """What a watcher asks to be told."""

    after: int
    live: bool


class Line(Protocol):
    """The way to one watcher."""

    async def tell(self, told: Told) -> None:
        """Send an event; waits while the line is full."""
        ...

    async def gone(self) -> None:
        """Return when the watcher has left."""
        ...

    async def part(self, code: int, why: str) -> None:
        """Say why, and close."""
        ...


class Watching:
    """All who watch a room through this API."""

    def __init__(self, room: Room, *, slow_after_seconds: float) -> None:
        self._room = room
        self._slow_after_seconds = slow_after_seconds
        self._closing = asyncio.Event()
        self.count = 0

    def close(self) -> None:
        """Part from everybody: the listener stops."""
        self._closing.set()

    async def serve(self, request: web.Request, line: Line, wish: Wish) -> None:
        """Tell a watcher what it wishes until either side has enough."""
        self._counted(1)
        try:
            await self._part(request, line, await self._tell(line, wish))
        finally:
            self._counted(-1)

    async def _tell(self, line: Line, wish: Wish) -> BaseException | None:
        """Tell events; gives what ended it."""
        work = [self._tell_journaled(line, wish.after), line.gone(), self._closing.wait()]
        if wish.live:
            work.append(self._tell_live(line))
        tasks = [asyncio.ensure_future(one) for one in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next((error for task in done if (error := task.exception())), None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _part(self, request: web.Request, line: Line, error: BaseException | None) -> None:
        code, why = WSCloseCode.GOING_AWAY.value, "The listener stops."
        if isinstance(error, Slow):
            self._room.stage.count("cut_loose")
            self._room.log.info("A watcher at %s took nothing and was cut loose", request.remote)
            code, why = CUT_LOOSE, "Too slow: come back and go on from your last seq."
        elif error is not None and not isinstance(error, ConnectionError):
            self._room.log.error("Telling a watcher failed", exc_info=error)
            code, why = WSCloseCode.INTERNAL_ERROR.value, "The listener cannot tell events just now."
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS if error is None else _PARTING_SECONDS):
                await line.part(code, why)
        except (TimeoutError, ConnectionError):
            transport = request.transport
            # Closing waits until all is written, which somebody who reads nothing never lets happen.
            if transport is not None and transport.get_write_buffer_size():
                transport.abort()

    async def _tell_journaled(self, line: Line, after: int) -> None:
        place = after
        while True:
            for entry in await self._room.archive.following(place, most=_BATCH):
                await self._in_time(line.tell(Told(event=entry.event, seq=entry.seq)))
                place = entry.seq

    async def _tell_live(self, line: Line) -> None:
        events: AsyncIterator[Status | Hearing | Level] = self._room.watch(Status, Hearing, Level)  # type: ignore[assignment] # only these kinds are given
        async for event in events:
            await self._in_time(line.tell(Told(event=event)))

    async def _in_time(self, telling: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._slow_after_seconds):
                await telling
        except TimeoutError:
            raise Slow from None

    def _counted(self, more: int) -> None:
        self.count += more
        self._room.stage.details["watchers"] = str(self.count)


class SocketLine:
    """A watcher's WebSocket: text frames out, nothing in."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def tell(self, told: Told) -> None:
        """Send an event; waits while the line is full."""
        await self._socket.send_str(_encode(told).decode())

    async def gone(self) -> None:
        """Return when the watcher has left, or says anything: there is nothing to say here."""
        async for message in self._socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"Only watching is done here.")

    async def part(self, code: int, why: str) -> None:
        """Say why, and close."""
        await self._socket.close(code=code, message=why.encode())


class StreamLine:
    """A watcher's server-sent events."""

    def __init__(self, response: web.StreamResponse, left: Callable[[], bool]) -> None:
        self._response = response
        self._left = left

    async def tell(self, told: Told) -> None:
        """Send an event; waits while the line is full."""
        place = b"" if told.seq is None else b"id: %d\n" % told.seq
        await self._response.write(place + b"data: " + _encode(told) + b"\n\n")

    async def gone(self) -> None:
        """Return when the watcher has left; meanwhile show that the line is alive."""
        while not self._left():
            await asyncio.sleep(_QUIET_SECONDS)
            await self._response.write(b": still here\n\n")

    async def part(self, code: int, why: str) -> None:
        """Say why, and end the stream."""
        with suppress(ConnectionError):
            await self._response.write(b"event: parted\ndata: " + _encode({"code": code, "message": why}) + b"\n\n")
            await self._response.write_eof()


def socket_for(request: web.Request) -> web.WebSocketResponse | None:
    """The WebSocket that a request asks for, if it does."""
    socket = web.WebSocketResponse(
        protocols=(SUBPROTOCOL,),
        heartbeat=_HEARTBEAT_SECONDS,
        timeout=_PARTING_SECONDS,
        max_msg_size=_MOST_HEARD_BYTES,
        compress=False,
    )
    return socket if socket.can_prepare(request) else None


def stream_for(request: web.Request) -> web.StreamResponse | None:
    """The stream of server-sent events that a request asks for, if it does."""
    if "text/event-stream" not in request.headers.get(hdrs.ACCEPT, ""):
        return None
    headers = {hdrs.CONTENT_TYPE: "text/event-stream", hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no"}
    return web.StreamResponse(headers=headers)


async def begin(response: web.StreamResponse, request: web.Request) -> StreamLine:
    """Begin a stream of server-sent events."""
    await response.prepare(request)
    await response.write(b"retry: %d\n\n" % _RETRY_MS)
    return StreamLine(response, lambda: request.transport is None or request.transport.is_closing())
