"""A TCP proxy that breaks lines in every way that a network and a server know."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

_CHUNK = 65_536
_LINGER_AWAY = struct.pack("ii", 1, 0)
_CLOSE_FRAME = 0x88


class Way(StrEnum):
    """How a line is broken."""

    REFUSE = "refuse"
    """Reset as soon as it is accepted."""
    RESET = "reset"
    """Reset after so many bytes from the client: mostly in the middle of a frame."""
    DROP = "drop"
    """Closed in order after so many bytes from the client."""
    CUT_REPLIES = "cut replies"
    """Reset after so many bytes from the server."""
    STALL = "stall"
    """Nothing passes either way any more after so many bytes from the client, and nobody is told."""
    DEAFEN = "deafen"
    """Nothing more reaches the server after so many bytes, while what it says still passes."""
    MUTE = "mute"
    """Nothing more reaches the client after so many bytes from the server."""
    SLOW_HANDSHAKE = "slow handshake"
    """The first byte waits for longer than the client does."""
    CLOSE = "close"
    """A close frame with a code is put into what the server says, after so many bytes from the client."""
    DELAY = "delay"
    """Everything arrives late; the line holds."""
    DRIP = "drip"
    """Everything arrives in drops of a few bytes; the line holds."""


HARMLESS = frozenset({Way.DELAY, Way.DRIP})


@dataclass(frozen=True)
class Break:
    """What is done to one line."""

    way: Way
    after_bytes: int = 0
    code: int | None = None
    """The close code; a close frame without one, if left out."""


class Proxy:
    """Passes lines on to a port, with one planned break each; lines that come later are left alone."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.plan: deque[Break] = deque()
        self.lines = 0
        self.done: list[Break] = []
        """The breaks that came to pass."""
        self._open: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Proxy]:
        """Listen while the body runs."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in tuple(self._open):
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    def drop_all(self) -> None:
        """Break every line that is open, as a router does that is switched off and on."""
        for task in tuple(self._open):
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._line(reader, writer, self.plan.popleft() if self.plan else None)
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Break | None) -> None:
        if fault and fault.way is Way.REFUSE:
            self._happened(fault)
            _reset(writer)
            return
        if fault and fault.way is Way.SLOW_HANDSHAKE:
            self._happened(fault)
            await reader.read(1)
            await reader.read()
            return
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        line = _Line(reader, writer, from_server, to_server, fault)
        try:
            await line.run()
        finally:
            if line.broken and fault:
                self._happened(fault)
                if fault.way in (Way.RESET, Way.CUT_REPLIES):
                    _reset(writer)
                    _reset(to_server)
            to_server.transport.abort()

    def _happened(self, fault: Break) -> None:
        self.done.append(fault)


class _Line:
    """One line, passed on both ways until one side or the plan ends it."""

    def __init__(
        self,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        fault: Break | None,
    ) -> None:
        self._client, self._to_client = client, to_client
        self._server, self._to_server = server, to_server
        self._fault = fault
        self._up = self._down = 0
        self.broken = fault is not None and fault.way in HARMLESS
        self._stalled = asyncio.Event()
        self._frames = _Frames()

    async def run(self) -> None:
        ways = [asyncio.create_task(self._upwards()), asyncio.create_task(self._downwards())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ways:
                task.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    def _is(self, *ways: Way) -> bool:
        return self._fault is not None and self._fault.way in ways

    async def _upwards(self) -> None:
        while data := await self._client.read(_CHUNK):
            limit = self._limit(Way.RESET, Way.DROP, Way.STALL, Way.DEAFEN, Way.CLOSE)
            over = limit is not None and self._up + len(data) >= limit
            if over and limit is not None:
                data = data[: max(0, limit - self._up)]
            self._up += len(data)
            await self._pass(data, self._to_server)
            if over:
                await self._break()

    async def _break(self) -> None:
        """The line has carried what it may."""
        assert self._fault is not None
        self.broken = True
        if self._is(Way.STALL, Way.DEAFEN):
            if self._is(Way.STALL):
                self._stalled.set()
            await asyncio.Event().wait()
        if self._is(Way.CLOSE):
            await self._frames.border.wait()
            code = self._fault.code
            payload = b"" if code is None else code.to_bytes(2, "big")
            self._to_client.write(bytes([_CLOSE_FRAME, len(payload)]) + payload)
            with suppress(OSError):
                await self._to_client.drain()
            while await self._client.read(_CHUNK):
                pass

    async def _downwards(self) -> None:
        while data := await self._server.read(_CHUNK):
            if self._stalled.is_set():
                await asyncio.Event().wait()
            limit = self._limit(Way.CUT_REPLIES, Way.MUTE)
            if limit is not None and self._down + len(data) >= limit:
                await self._pass(data[: max(0, limit - self._down)], self._to_client)
                self.broken = True
                if self._is(Way.MUTE):
                    await asyncio.Event().wait()
                return
            self._down += len(data)
            if self._is(Way.CLOSE):
                await self._pass_frames(data)
            else:
                await self._pass(data, self._to_client)

    async def _pass_frames(self, data: bytes) -> None:
        """Pass on, and stop at the first border of frames once the line is to be closed."""
        self._frames.take(data)
        await self._pass(data, self._to_client)
        if self.broken and self._frames.border.is_set():
            await asyncio.Event().wait()

    def _limit(self, *ways: Way) -> int | None:
        return self._fault.after_bytes if self._fault and self._is(*ways) else None

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self._is(Way.DELAY):
            await asyncio.sleep(0.02)
        if self._is(Way.DRIP):
            for first in range(0, len(data), 997):
                writer.write(data[first : first + 997])
                await writer.drain()
                await asyncio.sleep(0)
            return
        writer.write(data)
        await writer.drain()


class _Frames:
    """Knows where in what a server says a frame ends and the next begins; the handshake counts as one."""

    def __init__(self) -> None:
        self.border = asyncio.Event()
        self._rest = b""
        self._shaken = False

    def take(self, data: bytes) -> None:
        self._rest += data
        self.border.clear()
        if not self._shaken:
            head, found, self._rest = self._rest.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._shaken = True
        while (size := _frame_size(self._rest)) is not None and size <= len(self._rest):
            self._rest = self._rest[size:]
        if not self._rest:
            self.border.set()


def _frame_size(data: bytes) -> int | None:
    """How long the frame is that begins here; None where that is not known yet."""
    if len(data) < 2:
        return None
    size = data[1] & 0x7F
    if size < 126:
        return 2 + size
    head = 4 if size == 126 else 10
    return head + int.from_bytes(data[2:head], "big") if len(data) >= head else None


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side is told of a reset, not of an end."""
    found = writer.get_extra_info("socket")
    with suppress(OSError):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AWAY)
    writer.transport.abort()
