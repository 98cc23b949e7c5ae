"""What a WebSocket is to be told, in order, without ever holding up whoever tells it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress

from aiohttp import web

_MOST_FRAMES = 5_000
_MOST_INTERIM = 20


class Outbox:
    """Writes frames to a socket; where the client reads too slowly, passing text goes first, then the line."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._frames: deque[tuple[str, bool]] = deque()
        self._interim = 0
        self._wake = asyncio.Event()
        self._close: int | None = None
        self.overrun = False

    def put(self, frame: str, *, passing: bool = False) -> None:
        """Have a frame sent; `passing` ones may be left out, for better ones follow."""
        if self._close is not None or self.overrun:
            return
        if passing and self._interim >= _MOST_INTERIM:
            return
        self._interim += passing
        self._frames.append((frame, passing))
        self.overrun = len(self._frames) > _MOST_FRAMES
        self._wake.set()

    def close(self, code: int) -> None:
        """Have the socket closed after what was put so far."""
        if self._close is None:
            self._close = code
        self._wake.set()

    async def converse(self, reading: Coroutine[object, object, None]) -> None:
        """Write, and let the other coroutine read, until the socket is closed from either side."""
        tasks = [asyncio.create_task(work, name="earmark engine socket") for work in (reading, self._write())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._close is not None and not self._frames:
            # Nobody may read from the socket meanwhile: only then is the client's own close frame waited for.
            await self._socket.close(code=self._close)

    async def _write(self) -> None:
        """Write until all is written before a close; a client that reads nothing loses the line and can come back."""
        with suppress(ConnectionError):
            while not self.overrun:
                await self._wake.wait()
                self._wake.clear()
                while self._frames and not self.overrun:
                    frame, passing = self._frames.popleft()
                    self._interim -= passing
                    await self._socket.send_str(frame)
                if self._close is not None and not self._frames:
                    return
        self.drop()

    def drop(self) -> None:
        """Cut the line without a close frame, so that every client comes back to the conversation."""
        request = self._socket._req  # noqa: SLF001 — aiohttp gives a handler no other way to its transport
        if request is not None and request.transport is not None:
            request.transport.abort()
