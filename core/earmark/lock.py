"""One listener a room."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from earmark.errors import AlreadyListening


@contextmanager
def hold(folder: Path, room: str) -> Iterator[None]:
    """Hold a room while it is listened to; raises `AlreadyListening` with the process that holds it."""
    path = folder / "lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise AlreadyListening(
                f"Room {room!r} is already listened to by process {holder}: stop that one first, "
                "or listen to another room with --room."
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
