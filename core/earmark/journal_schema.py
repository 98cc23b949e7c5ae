"""The journal's file: its tables, how it is opened, and what is done when it is broken."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from earmark.errors import JournalError

# Each step brings the file one version further; the file's `user_version` counts the steps it has had.
# `seq` is AUTOINCREMENT so that a number is never given twice, even after the newest events were forgotten: a cursor
# that stands there would otherwise skip what comes next. The full-text index keeps no copy of the text: it reads
# the view, and is rebuilt when events are deleted, which leaves nothing of a word in it.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        conversation TEXT NOT NULL,
        at REAL NOT NULL,
        mark TEXT,
        body TEXT NOT NULL
    );
    CREATE INDEX events_by_conversation ON events (conversation, kind, mark);
    CREATE INDEX events_by_time ON events (at);
    CREATE INDEX events_by_mark ON events (mark, kind) WHERE mark IS NOT NULL;
    CREATE VIEW spoken AS
        SELECT seq, json_extract(body, '$.text') AS text FROM events
        WHERE kind IN ('utterance', 'insight', 'mark_changed') AND json_extract(body, '$.text') <> '';
    CREATE VIRTUAL TABLE words USING fts5 (
        text, content = 'spoken', content_rowid = 'seq', tokenize = 'porter unicode61 remove_diacritics 2'
    );
    CREATE TABLE cursors (
        sink TEXT NOT NULL,
        target TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (sink, target)
    ) WITHOUT ROWID;
    CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    """,
)
_BUSY_SECONDS = 10.0
_WAL_BYTES = 4 * 1024 * 1024


class Broken(Exception):
    """The file is no journal, or no longer."""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the journal, and bring it up to date unless only read; raises `JournalError` or `Broken`."""
    with translated(path):
        connection = _connect_to_read(path) if read_only else _connect_to_write(path)
        try:
            _prepare(connection, path, read_only=read_only)
        except BaseException:
            connection.close()
            raise
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise JournalError(f"There is no journal at {path} yet: `earmark listen` begins one")
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro",
        uri=True,
        isolation_level=None,
        timeout=_BUSY_SECONDS,
        check_same_thread=False,
    )


def _connect_to_write(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    return sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False)


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise JournalError(
            f"{path} was written by a newer Earmark (version {version}, this one knows {len(MIGRATIONS)}): "
            "install that one, or move the file away to begin another"
        )
    if read_only:
        if version < len(MIGRATIONS):
            raise JournalError(f"{path} is not written by this Earmark yet: `earmark listen` brings it up to date")
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    for number, step in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {step}; PRAGMA user_version = {number}; COMMIT")
    connection.execute("SELECT max(seq) FROM events").fetchone()


@contextmanager
def transaction(connection: sqlite3.Connection, *, write: bool = True) -> Iterator[None]:
    """All of it, or nothing."""
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise into `JournalError` with advice, or `Broken`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _explain(error, path) from error
    except OSError as error:
        raise JournalError(f"The journal {path} cannot be used: {error.strerror or error}; {_SEE_FOLDER}") from error


_SEE_FOLDER = "check that the folder exists, belongs to you and can be written"
_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space, or let `retain_days` be less",
    sqlite3.SQLITE_READONLY: "it cannot be written: check who owns it, and that the disk is not read-only",
    sqlite3.SQLITE_CANTOPEN: f"it cannot be opened: {_SEE_FOLDER}",
    sqlite3.SQLITE_IOERR: "the disk does not take or give it: check free space and the system's log for disk errors",
    sqlite3.SQLITE_BUSY: "another program holds it: close that program",
}


def _explain(error: sqlite3.DatabaseError, path: Path) -> Exception:
    # The lower byte of an extended result code is the kind of error.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Broken(str(error))
    return JournalError(f"The journal {path}: {_ADVICE.get(code, error)}")


def set_aside(path: Path, now: datetime) -> Path:
    """Rename a broken journal, with what belongs to it, and say where it is now."""
    name = f"{path.name}.broken-{now:%Y%m%d-%H%M%S}"
    number = 0
    while (aside := path.with_name(f"{name}-{number}" if number else name)).exists():
        number += 1
    with translated(path):
        path.rename(aside)
        for suffix in ("-wal", "-shm"):
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + suffix))
    return aside
