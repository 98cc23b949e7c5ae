"""Events as JSON lines in a file, or on standard output.

Rules:

1. A batch is on the disk (fsync) before the next is asked for, so that what was acknowledged is never lost.
2. The file is opened anew for every batch: who rotates or deletes it needs to tell nobody.
3. Half a line at the end is what a crash or a full disk left. Its event was not acknowledged and comes again, so it is
   cut off. A last line that is whole but for its line feed gets one, and so does a file that ends in anything else.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from earmark.errors import EarmarkError
from earmark.events import Event, encode, kind_of
from earmark.hookspecs import EventStream
from earmark.room import Room
from earmark_file.output import Output
from earmark_file.settings import JsonlSettings

_BATCH = 200
_TAIL_BYTES = 1 << 20


@asynccontextmanager
async def open_jsonl(settings: JsonlSettings, room: Room) -> AsyncIterator[JsonLines]:
    """Open a file for lines; raises `EarmarkError` where none can be written."""
    if settings.target == "-":
        async with Output.open() as output:
            yield JsonLines(lambda data: output.write(data.decode()), settings)
        return
    path = Path(settings.target)

    async def write(data: bytes) -> None:
        await asyncio.to_thread(append, path, data)

    await write(b"")
    room.stage.details["file"] = str(path)
    yield JsonLines(write, settings)


class JsonLines:
    """The sink: a line an event."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]], settings: JsonlSettings) -> None:
        self._write, self._kinds = write, settings.kinds

    async def run(self, events: EventStream) -> None:
        """Write batches until the stream ends."""
        async for batch in events.batches(_BATCH):
            data = self._lines(batch)
            if data:
                await self._write(data)

    def _lines(self, batch: Iterable[Event]) -> bytes:
        wanted = (event for event in batch if self._kinds is None or kind_of(event) in self._kinds)
        return b"".join(encode(event) + b"\n" for event in wanted)


def append(path: Path, data: bytes) -> None:
    """Add whole lines to a file, durably, after mending its end."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise EarmarkError(
            f"{path} cannot be written ({error.strerror}); name another file for the sink `jsonl`."
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        _mend(handle)
        _write_all(handle, data)
        os.fsync(handle)
    except OSError as error:
        raise EarmarkError(f"{path} cannot be written: {error.strerror}; it is tried again.") from None
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _mend(handle: int) -> None:
    size = os.fstat(handle).st_size
    if not size or os.pread(handle, 1, size - 1) == b"\n":
        return
    tail = os.pread(handle, _TAIL_BYTES, max(0, size - _TAIL_BYTES)).rpartition(b"\n")[2]
    if tail.startswith(b"{") and not _is_json(tail):
        os.ftruncate(handle, size - len(tail))
    else:
        _write_all(handle, b"\n")


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except msgspec.DecodeError:
        return False
    return True
