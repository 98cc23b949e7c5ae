"""Standard output, written from a thread, so that a terminal that was stopped never stops the room."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TextIO

_END_SECONDS = 1.0


class Output:
    """A stream that is written to in order by a thread of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._work: queue.SimpleQueue[tuple[str, asyncio.Future[None]] | None] = queue.SimpleQueue()
        self.busy = 0
        """How many writes are under way."""
        # A daemon: a process must be able to end while a terminal takes nothing.
        self._thread = threading.Thread(target=self._run, name="earmark output", daemon=True)

    @classmethod
    @asynccontextmanager
    async def open(cls, stream: TextIO | None = None) -> AsyncIterator[Output]:
        """Write to standard output, or to another stream, until left."""
        output = cls(stream or sys.stdout)
        output._thread.start()
        try:
            yield output
        finally:
            output._work.put(None)
            await asyncio.to_thread(output._thread.join, _END_SECONDS)

    async def write(self, text: str) -> None:
        """Write, and return once it is out; raises `OSError` where nobody takes it any more."""
        done = self._loop.create_future()
        self.busy += 1
        self._work.put((text, done))
        try:
            await done
        finally:
            self.busy -= 1

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            text, done = work
            try:
                self._stream.write(self._encodable(text))
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._settle(done, error)
            else:
                self._settle(done, None)

    def _encodable(self, text: str) -> str:
        encoding = self._stream.encoding or "utf-8"
        return text.encode(encoding, "replace").decode(encoding)

    def _settle(self, done: asyncio.Future[None], error: Exception | None) -> None:
        def settle() -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle)
