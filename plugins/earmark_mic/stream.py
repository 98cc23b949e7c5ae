"""A capturing process, and what it tells."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from earmark.errors import SourceError, SourceFailed
from earmark_mic.watching import end
from earmark_mic.wire import (
    HEADER,
    MOST_BYTES,
    Failed,
    Lost,
    Message,
    Opened,
    Sound,
    Task,
    Trouble,
    decode,
    encode_task,
)

_OPEN_SECONDS = 15.0
_GRACE_SECONDS = 0.2
_STDERR_LINES = 20


class Stream:
    """A capturing process and what it tells."""

    def __init__(self, process: asyncio.subprocess.Process, opened: Opened) -> None:
        self.process, self.opened = process, opened
        self._why: str | None = None
        self._reading: asyncio.Task[Message | None] | None = None

    async def give_up(self, why: str) -> None:
        """End it for a reason, which `next` then raises."""
        self._why = why
        await end(self.process)

    async def next(self, timeout_seconds: float) -> Sound | Lost:
        """What it tells next; raises `SourceError` when nothing more will come."""
        if self._reading is None:
            self._reading = asyncio.create_task(_read(self.process))
        # A busy listener may wake so late that its time is over while sound lies waiting: so it asks twice.
        for patience_seconds in (timeout_seconds, _GRACE_SECONDS):
            await asyncio.wait({self._reading}, timeout=patience_seconds)
        if not self._reading.done():
            name = self.opened.device.name
            raise SourceError(self._why or f"The microphone “{name}” gives nothing for {timeout_seconds:g} s.")
        message, self._reading = self._reading.result(), None
        if isinstance(message, Sound | Lost) and not self._why:
            return message
        raise _error(message, self._why)

    async def close(self) -> None:
        """End it, and with it close the device."""
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await end(self.process)


@asynccontextmanager
async def capturing(task: Task, log: logging.Logger) -> AsyncIterator[Stream]:
    """Run a capturing process; leaving ends it, and with it closes the device."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # what lies in the working folder is not to be imported
        "-m",
        "earmark_mic.capture",
        encode_task(task),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the listener, which ends it in its turn
    )
    complaints: deque[str] = deque(maxlen=_STDERR_LINES)
    listening = asyncio.create_task(_collect(process, complaints))
    stream: Stream | None = None
    try:
        stream = Stream(process, await _first(process))
        yield stream
    except SourceError:
        for line in complaints:
            log.debug("capture: %s", line)
        raise
    finally:
        await (end(process) if stream is None else stream.close())
        await listening


async def _collect(process: asyncio.subprocess.Process, lines: deque[str]) -> None:
    assert process.stderr is not None
    while data := await process.stderr.read(4096):
        lines.extend(data.decode(errors="replace").splitlines())


async def _first(process: asyncio.subprocess.Process) -> Opened:
    try:
        async with asyncio.timeout(_OPEN_SECONDS):
            message = await _read(process)
    except TimeoutError:
        raise SourceError("The sound system did not open the microphone in time; is its sound server hung?") from None
    if isinstance(message, Opened):
        return message
    raise _error(message, None)


def _error(message: Message | None, why: str | None) -> SourceError:
    if why:
        return SourceError(why)
    if isinstance(message, Failed):
        return (SourceFailed if message.trouble is Trouble.NO_PORTAUDIO else SourceError)(message.message)
    return SourceError("The sound system crashed or was closed while the microphone was heard; it is opened again.")


async def _read(process: asyncio.subprocess.Process) -> Message | None:
    """The next message; None at the end."""
    assert process.stdout is not None
    try:
        (length,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
        if length > MOST_BYTES:
            return None
        return decode(await process.stdout.readexactly(length))
    except (asyncio.IncompleteReadError, msgspec.MsgspecError):
        return None
