"""A thread that does SQL, so that a slow disk holds nothing else up."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from earmark.journal_schema import connect, translated

T = TypeVar("T")


class JournalThread:
    """A thread with a connection of its own, opened when it is first needed."""

    def __init__(self, path: Path, *, name: str, read_only: bool) -> None:
        self._path = path
        self._read_only = read_only
        self._pool = ThreadPoolExecutor(1, f"journal-{name}")
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work in the thread; raises `JournalError` or `Broken`."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, work)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            self._connection = connect(self._path, read_only=self._read_only)
        with translated(self._path):
            return work(self._connection)

    async def call(self, work: Callable[[], T]) -> T:
        """Do something in the thread that needs no connection."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def hang_up(self) -> None:
        """Close the connection; the next work opens another."""
        await self.call(self._hang_up)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await self.hang_up()
        self._pool.shutdown(wait=False)
