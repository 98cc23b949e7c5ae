"""Conversations in one SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from earmark_engine.facts import AnyFact, Began, Ended, Entry, decode_fact, encode_fact
from earmark_engine.store import Store, StoreError, Summary

_VERSION = 1
_SCHEMA = """
create table conversations (
    id text primary key, app text not null, connection text not null, began real not null, ended real
) strict, without rowid;
create table facts (
    conversation text not null references conversations(id) on delete cascade,
    sequence integer not null, fact blob not null,
    primary key (conversation, sequence)
) strict, without rowid;
create index conversations_by_app on conversations(app, began);
"""

_PRAGMAS = (
    "locking_mode = exclusive",
    "journal_mode = wal",
    "synchronous = full",
    "secure_delete = on",
    "foreign_keys = on",
)
_T = TypeVar("_T")


@asynccontextmanager
async def open_sqlite(path: Path) -> AsyncIterator[Store]:
    """Open or make the file, for its owner's eyes only; raises `StoreError` where that cannot be."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="earmark engine store")
    try:
        store = SqliteStore(path, thread)
        await store.open()
        try:
            yield store
        finally:
            await store.close()
    finally:
        thread.shutdown()


class SqliteStore:
    """Keeps facts in a file; one thread of its own does all the SQL."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor) -> None:
        self._path = path
        self._thread = thread
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file and see to its schema."""
        await self._do(self._open)

    async def close(self) -> None:
        """Close the file."""
        await self._do(self._sql().close)

    async def append(self, conversation: str, after: int, facts: Sequence[AnyFact]) -> None:
        """Add facts in one transaction."""
        rows = [(conversation, after + place, encode_fact(fact)) for place, fact in enumerate(facts, 1)]
        await self._do(lambda: self._append(conversation, facts, rows))

    async def read(self, conversation: str, after: int = 0) -> list[Entry]:
        """The facts behind the first `after` ones."""
        sql = "select sequence, fact from facts where conversation = ? and sequence > ? order by sequence"
        rows = await self._do(lambda: self._sql().execute(sql, (conversation, after)).fetchall())
        return [Entry(sequence=sequence, fact=decode_fact(fact)) for sequence, fact in rows]

    async def summary(self, conversation: str) -> Summary | None:
        """What a list says of it."""
        found = await self._summaries("where id = ?", (conversation,))
        return found[0] if found else None

    async def summaries(self, app: str | None = None) -> list[Summary]:
        """All conversations (of one application), the earliest first."""
        return await self._summaries("where app = ?", (app,)) if app is not None else await self._summaries("", ())

    async def delete(self, conversation: str) -> bool:
        """Forget it: the pages are overwritten, and the log with them."""
        return await self._do(lambda: self._delete(conversation))

    # -- in the thread --------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        # One thread at a time uses it, but not the one that closes it.
        self._connection = sql = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=1.0)
        # A second engine on the same file would tell other clients of the same conversations.
        for pragma in (
            "locking_mode = exclusive",
            "journal_mode = wal",
            "synchronous = full",
            "secure_delete = on",
            "foreign_keys = on",
        ):
            sql.execute(f"pragma {pragma}")
        with _Transaction(sql):
            version = sql.execute("pragma user_version").fetchone()[0]
        if version > _VERSION:
            sql.close()
            raise StoreError(f"{self._path} was written by a later Earmark (schema {version}); use that one.")
        if version == 0:
            sql.executescript(f"begin; {_SCHEMA} pragma user_version = {_VERSION}; commit;")

    def _append(self, conversation: str, facts: Sequence[AnyFact], rows: Sequence[tuple[str, int, bytes]]) -> None:
        sql = self._sql()
        with _Transaction(sql):
            for fact in facts:
                if isinstance(fact, Began):
                    sql.execute(
                        "insert into conversations values (?, ?, ?, ?, null)",
                        (conversation, fact.app, fact.connection, fact.at),
                    )
                elif isinstance(fact, Ended):
                    sql.execute("update conversations set ended = ? where id = ?", (fact.at, conversation))
            sql.executemany("insert into facts values (?, ?, ?)", rows)

    def _delete(self, conversation: str) -> bool:
        sql = self._sql()
        with _Transaction(sql):
            there = sql.execute("delete from conversations where id = ?", (conversation,)).rowcount > 0
        sql.execute("pragma wal_checkpoint(truncate)").fetchall()
        return there

    async def _summaries(self, where: str, values: tuple[str, ...]) -> list[Summary]:
        sql = f"select id, app, connection, began, ended from conversations {where} order by began, id"  # noqa: S608 — no value is in `where`
        rows = await self._do(lambda: self._sql().execute(sql, values).fetchall())
        return [Summary(id=r[0], app=r[1], connection=r[2], began=r[3], ended=r[4]) for r in rows]

    def _sql(self) -> sqlite3.Connection:
        assert self._connection is not None
        return self._connection

    async def _do(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self._path} cannot be used: {error}. See that no other engine uses it, that the disk has space and "
                "that this user may write there; or run with --ephemeral to keep nothing."
            ) from error


class _Transaction:
    """`begin immediate`, then commit, or roll back where the body raised."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql

    def __enter__(self) -> None:
        self._sql.execute("begin immediate")

    def __exit__(self, kind: object, *_: object) -> None:
        self._sql.execute("rollback" if kind else "commit")
