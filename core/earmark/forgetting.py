"""Deleting from the journal, so that no word of it stays in the file.

Rules of what goes with what:

1. What came of a forgotten utterance (marks, topics, entities, tracker hits, sentiment) is forgotten with it.
2. A mark is forgotten with all its revisions and changes.
3. That a mark was ticked off is kept as long as the mark is, whenever it was ticked off.
4. Beginning and end of a conversation are forgotten when nothing else is left of it.

Retention keeps to rules 2 and 4 only, since its owner may want to keep tasks for longer than what was said.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from earmark.journal_schema import transaction

DAY_SECONDS = 86400.0
_FRAME = ("conversation_started", "conversation_ended")
_TOUCHED = "conversation IN (SELECT DISTINCT conversation FROM events JOIN doomed USING (seq))"
_SPOKEN_BY = (
    "lower(?) IN (lower(json_extract(body, '$.speaker.name')), lower(json_extract(body, '$.speaker.id')), "
    "lower(json_extract(body, '$.speaker.user_id')))"
)


@dataclass(frozen=True)
class Selection:
    """What to forget; every condition narrows it, and none at all selects everything."""

    conversation: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    speaker: str | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is kept."""
        return self == Selection()


@dataclass(frozen=True)
class Forgotten:
    """What was deleted."""

    events: int
    conversations: int
    """How many lost something."""
    wiped: bool = True
    """Whether the text is out of the file; if not, another program reads it, and it will be once that ends."""
    left: tuple[str, ...] = ()
    """Files set aside as broken, which may still hold the text."""


def forget(connection: sqlite3.Connection, selection: Selection, *, pretend: bool = False) -> Forgotten:
    """Delete what is selected, or only count it."""
    with _doomed(connection, write=not pretend):
        if selection.everything:
            connection.execute("INSERT INTO doomed SELECT seq FROM events")
        else:
            _select(connection, selection)
            _and_what_came_of_it(connection)
            _and_changes_of_marks(connection)
            _and_empty_conversations(connection, _TOUCHED)
            if selection.speaker is None:
                _and_empty_conversations(connection, *_conditions(selection))
        return _counted(connection) if pretend else _deleted(connection)


def trim(connection: sqlite3.Connection, *, now: float, days: float, days_by_kind: Mapping[str, float]) -> Forgotten:
    """Delete what is older than its kind is kept; `days` is for kinds not named, and 0 keeps for ever."""
    limits = dict.fromkeys(_kinds(connection), days) | dict(days_by_kind)
    with _doomed(connection):
        for kind, kept in limits.items():
            if kept and kind not in (*_FRAME, "mark_changed"):
                connection.execute(
                    "INSERT INTO doomed SELECT seq FROM events WHERE kind = ? AND at < ?",
                    (kind, now - kept * DAY_SECONDS),
                )
        _and_changes_of_marks(connection)
        if days:
            _and_empty_conversations(connection, "at < ?", now - days * DAY_SECONDS)
        return _deleted(connection)


def wipe(connection: sqlite3.Connection, *, rewrite: bool) -> bool:
    """Empty the log beside the file, and rewrite the file if something was deleted; False if a reader is in the way."""
    if rewrite:
        try:
            connection.execute("VACUUM")
        except sqlite3.OperationalError as error:
            # It needs room for a copy of the file. What was deleted is overwritten with zeros in any case.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_FULL:
                raise
    busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


@contextmanager
def _doomed(connection: sqlite3.Connection, *, write: bool = True) -> Iterator[None]:
    """A table of what is to go, for as long as it is being chosen."""
    with transaction(connection, write=write):
        connection.execute("CREATE TEMP TABLE doomed (seq INTEGER PRIMARY KEY)")
        yield
        connection.execute("DROP TABLE doomed")


def _kinds(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT DISTINCT kind FROM events")]


def _conditions(selection: Selection) -> tuple[str, *tuple[object, ...]]:
    given = {
        "conversation = ?": selection.conversation,
        "at >= ?": selection.since and selection.since.timestamp(),
        "at < ?": selection.until and selection.until.timestamp(),
        _SPOKEN_BY: selection.speaker,
    }
    chosen = {condition: value for condition, value in given.items() if value is not None}
    return " AND ".join(chosen), *chosen.values()


def _select(connection: sqlite3.Connection, selection: Selection) -> None:
    which, *values = _conditions(selection)
    connection.execute(
        f"""
        INSERT INTO doomed SELECT seq FROM events
        WHERE {which} AND kind NOT IN {_FRAME} AND (kind <> 'mark_changed' OR json_extract(body, '$.text') <> '')
        """,  # noqa: S608 - conditions of our own
        values,
    )


def _and_what_came_of_it(connection: sqlite3.Connection) -> None:
    connection.execute(
        """
        INSERT OR IGNORE INTO doomed
        WITH gone AS MATERIALIZED (SELECT id, conversation FROM events JOIN doomed USING (seq) WHERE kind = 'utterance')
        SELECT seq FROM events
        WHERE conversation IN (SELECT conversation FROM gone) AND (
            json_extract(body, '$.utterance') IN (SELECT id FROM gone)
            OR kind = 'topic' AND EXISTS (
                SELECT 1 FROM json_each(body, '$.utterances') WHERE value IN (SELECT id FROM gone)
            )
        )
        """
    )


def _and_changes_of_marks(connection: sqlite3.Connection) -> None:
    connection.execute(
        """
        INSERT OR IGNORE INTO doomed
        SELECT seq FROM events WHERE mark IN (
            SELECT mark FROM events JOIN doomed USING (seq) WHERE kind = 'insight'
        )
        """
    )


def _and_empty_conversations(connection: sqlite3.Connection, which: str, *values: object) -> None:
    """Beginnings and ends, of those that a condition names, of conversations that have nothing else left."""
    connection.execute(
        f"""
        INSERT OR IGNORE INTO doomed
        SELECT seq FROM events AS frame WHERE kind IN {_FRAME} AND ({which}) AND NOT EXISTS (
            SELECT 1 FROM events AS other
            WHERE other.conversation = frame.conversation AND other.kind NOT IN {_FRAME}
            AND other.seq NOT IN (SELECT seq FROM doomed)
        )
        """,  # noqa: S608 - conditions of our own
        values,
    )


def _counted(connection: sqlite3.Connection) -> Forgotten:
    events, conversations = connection.execute(
        "SELECT count(*), count(DISTINCT nullif(conversation, '')) FROM events JOIN doomed USING (seq)"
    ).fetchone()
    return Forgotten(events, conversations)


def _deleted(connection: sqlite3.Connection) -> Forgotten:
    forgotten = _counted(connection)
    if forgotten.events:
        connection.execute("DELETE FROM events WHERE seq IN (SELECT seq FROM doomed)")
        # Deleting from a full-text index leaves the words in it until it is merged; building it anew does not.
        connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
    return forgotten
