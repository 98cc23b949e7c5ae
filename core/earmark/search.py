"""Finding what was said: words to a full-text query, and the query to entries."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from earmark.journal_rows import Entry, decoded

_PARTS = re.compile(r'"([^"]*)"|(\S+)')
_OPEN, _CLOSE = "\x02", "\x03"


@dataclass(frozen=True)
class Query:
    """What is looked for; every condition narrows it."""

    text: str
    since: datetime | None = None
    until: datetime | None = None
    conversation: str | None = None
    kinds: Collection[str] = ()
    """Tags of events (`utterance`, `insight`) or kinds of insights (`question`); none means all that hold text."""


@dataclass(frozen=True)
class Found:
    """An entry that matches, and where in its text."""

    entry: Entry
    spans: tuple[tuple[int, int], ...]
    """From which character to which the words lie that were looked for."""


def full_text(text: str) -> str:
    """A full-text query for what a person types: all words, "phrases in quotes", beginnings with a star*.

    Every word is quoted, so that nothing a person types is taken for an operator or is an error.
    """
    parts = []
    readable = "".join(character if character.isprintable() else " " for character in text)
    for phrase, word in _PARTS.findall(readable):
        said = phrase or word.replace('"', "").rstrip("*")
        if any(character.isalnum() for character in said):
            parts.append(f'"{said}"' + ("*" if word.endswith("*") else ""))
    return " ".join(parts)


def search(connection: sqlite3.Connection, query: Query, most: int) -> list[Found]:
    """The newest entries that match, the newest first."""
    wanted = full_text(query.text)
    if not wanted:
        return []
    narrowed, values = _narrowed(connection, query)
    rows = connection.execute(
        f"""
        SELECT seq, body, highlight(words, 0, ?, ?) FROM words JOIN events ON seq = words.rowid
        WHERE words MATCH ? {narrowed} ORDER BY words.rowid DESC LIMIT ?
        """,  # noqa: S608 - conditions of our own
        (_OPEN, _CLOSE, wanted, *values, most),
    ).fetchall()
    marked = {seq: text for seq, _, text in rows}
    return [Found(entry, spans(marked[entry.seq])) for entry in decoded((seq, body) for seq, body, _ in rows)]


def _narrowed(connection: sqlite3.Connection, query: Query) -> tuple[str, list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    if query.since or query.until:
        since = query.since.timestamp() if query.since else 0.0
        until = query.until.timestamp() if query.until else 1e12
        # The full-text index can only skip by row number, so the times are turned into a range of those first.
        lowest, highest = connection.execute(
            "SELECT min(seq), max(seq) FROM events WHERE at >= ? AND at < ?", (since, until)
        ).fetchone()
        conditions += ["words.rowid BETWEEN ? AND ?", "at >= ?", "at < ?"]
        values += [lowest or 0, highest or 0, since, until]
    if query.conversation:
        lowest, highest = connection.execute(
            "SELECT min(seq), max(seq) FROM events WHERE conversation = ?", (query.conversation,)
        ).fetchone()
        conditions += ["words.rowid BETWEEN ? AND ?", "conversation = ?"]
        values += [lowest or 0, highest or 0, query.conversation]
    if query.kinds:
        wanted = ", ".join("?" * len(query.kinds))
        conditions.append(f"(kind IN ({wanted}) OR json_extract(body, '$.kind') IN ({wanted}))")
        values += [*query.kinds, *query.kinds]
    return "".join(f" AND {condition}" for condition in conditions), values


def spans(marked: str) -> tuple[tuple[int, int], ...]:
    """From which character to which the marked words lie, counted without the signs that mark them."""
    found, begin, position = [], 0, 0
    for character in marked:
        if character == _OPEN:
            begin = position
        elif character == _CLOSE:
            found.append((begin, position))
        else:
            position += 1
    return tuple(found)
