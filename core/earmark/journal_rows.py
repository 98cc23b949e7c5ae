"""What is asked of the journal's tables, each a plain function over a connection."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec.structs import replace

from earmark.clock import moment
from earmark.events import (
    Change,
    ConversationEnded,
    ConversationStarted,
    Durable,
    Insight,
    MarkChanged,
    Utterance,
    encode,
    kind_of,
)

_decoder: msgspec.json.Decoder[Durable] = msgspec.json.Decoder(Durable)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """An event and its place in the journal."""

    seq: int
    event: Durable


@dataclass(frozen=True)
class Mark:
    """An insight as it is now, with all that happened to it since it was made."""

    insight: Insight
    state: Change = Change.OPEN


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of conversations shows of one."""

    id: str
    started: datetime
    seconds: float
    ended: bool
    """Whether it is over, as far as is written."""
    utterances: int
    marks: int
    title: str | None = None
    follows: str | None = None
    first: int
    """The `seq` of its first event."""


def decoded(rows: Iterable[tuple[int, str]]) -> list[Entry]:
    """The entries of `(seq, body)` rows; what a newer Earmark wrote and this one cannot read is left out."""
    entries = []
    for seq, body in rows:
        try:
            entries.append(Entry(seq, _decoder.decode(body)))
        except msgspec.MsgspecError as error:
            _log.warning("Entry %d of the journal cannot be read and is left out: %s", seq, error)
    return entries


def append(connection: sqlite3.Connection, events: Sequence[Durable]) -> list[Entry]:
    """Write the events that are not there yet."""
    entries = []
    for event in events:
        if not event.id:
            raise ValueError(f"an event without an id cannot be journaled: {event!r}")
        mark = event.mark if isinstance(event, Insight | MarkChanged) else None
        body = encode(event).decode()
        added = connection.execute(
            "INSERT INTO events (id, kind, conversation, at, mark, body) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO NOTHING",
            (event.id, kind_of(event), event.conversation, event.at.timestamp(), mark, body),
        )
        if added.rowcount == 1 and added.lastrowid is not None:
            entries.append(Entry(added.lastrowid, event))
            if isinstance(event, Utterance | Insight | MarkChanged) and event.text:
                connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (added.lastrowid, event.text))
    return entries


def read(connection: sqlite3.Connection, after: int, most: int) -> list[Entry]:
    """At most so many entries after a place, in order; empty only when there is none."""
    while True:
        rows = connection.execute("SELECT seq, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, most))
        found = rows.fetchall()
        entries = decoded(found)
        if entries or not found:
            return entries
        after = found[-1][0]


def last(connection: sqlite3.Connection) -> int:
    """The highest `seq` ever given."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return row[0] if row else 0


def start_after(connection: sqlite3.Connection, seq: int) -> None:
    """Let a new journal count on from another's last number."""
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", (seq,))


def cursor(connection: sqlite3.Connection, sink: str, target: str) -> int | None:
    """Up to where a sink has taken events to a target."""
    row = connection.execute("SELECT seq FROM cursors WHERE sink = ? AND target = ?", (sink, target)).fetchone()
    return row[0] if row else None


def move_cursors(connection: sqlite3.Connection, cursors: Mapping[tuple[str, str], int]) -> None:
    """Write where the sinks stand."""
    connection.executemany(
        "INSERT INTO cursors (sink, target, seq) VALUES (?, ?, ?) "
        "ON CONFLICT (sink, target) DO UPDATE SET seq = excluded.seq",
        [(sink, target, seq) for (sink, target), seq in cursors.items()],
    )


def state(connection: sqlite3.Connection, key: str) -> bytes | None:
    """What was kept under a key."""
    row = connection.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def keep(connection: sqlite3.Connection, values: Mapping[str, bytes | None]) -> None:
    """Keep values under their keys; None forgets a key."""
    for key, value in values.items():
        if value is None:
            connection.execute("DELETE FROM state WHERE key = ?", (key,))
        else:
            connection.execute(
                "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )


def first_of(connection: sqlite3.Connection, conversation: str) -> int | None:
    """Where a conversation begins."""
    row = connection.execute("SELECT min(seq) FROM events WHERE conversation = ?", (conversation,)).fetchone()
    found: int | None = row[0]
    return found


def present(connection: sqlite3.Connection) -> str | None:
    """The conversation that the newest event belongs to, unless it is over."""
    row = connection.execute(
        "SELECT conversation FROM events WHERE conversation <> '' ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    ended = connection.execute(
        "SELECT 1 FROM events WHERE conversation = ? AND kind = 'conversation_ended' LIMIT 1", row
    ).fetchone()
    return None if ended else row[0]


def of_conversation(connection: sqlite3.Connection, conversation: str) -> list[Entry]:
    """All that is known of a conversation, in order."""
    return decoded(
        connection.execute("SELECT seq, body FROM events WHERE conversation = ? ORDER BY seq", (conversation,))
    )


def beginning_with(connection: sqlite3.Connection, prefix: str) -> list[str]:
    """The ids of at most ten conversations that begin so."""
    rows = connection.execute(
        "SELECT DISTINCT conversation FROM events "
        "WHERE conversation >= ? AND conversation < ? AND conversation <> '' LIMIT 10",
        (prefix, prefix + "\U0010ffff"),
    )
    return [row[0] for row in rows]


_SUMMARIES = """
WITH page AS (
    SELECT conversation, min(seq) AS first, max(seq) AS final, sum(kind = 'utterance') AS utterances,
        count(DISTINCT CASE WHEN kind = 'insight' THEN mark END) AS marks
    FROM events WHERE {which} GROUP BY conversation HAVING min(seq) < ? ORDER BY first DESC LIMIT ?
)
SELECT conversation, first, utterances, marks,
    (SELECT at FROM events WHERE seq = first), (SELECT at FROM events WHERE seq = final),
    (SELECT body FROM events AS e WHERE e.conversation = page.conversation AND kind = 'conversation_started' LIMIT 1),
    (SELECT body FROM events AS e WHERE e.conversation = page.conversation AND kind = 'conversation_ended' LIMIT 1)
FROM page ORDER BY first DESC
"""
_HIGHEST = 2**63 - 1


def conversations(connection: sqlite3.Connection, most: int, before: int | None) -> list[Summary]:
    """The newest conversations first; `before` is the `first` of the last one of the page before."""
    rows = connection.execute(
        _SUMMARIES.format(which="conversation <> ''"), (_HIGHEST if before is None else before, most)
    )
    return [_summary(row) for row in rows.fetchall()]


def conversation(connection: sqlite3.Connection, name: str) -> Summary | None:
    """What a list would show of one conversation."""
    row = connection.execute(_SUMMARIES.format(which="conversation = ?"), (name, _HIGHEST, 1)).fetchone()
    return _summary(row) if row else None


def _summary(row: tuple[str, int, int, int, float, float, str | None, str | None]) -> Summary:
    conversation, first, utterances, marks, began, finished, start, end = row
    started = msgspec.json.decode(start, type=ConversationStarted) if start else None
    ended = msgspec.json.decode(end, type=ConversationEnded) if end else None
    return Summary(
        id=conversation,
        started=started.at if started else moment(began),
        seconds=ended.seconds if ended else max(0.0, finished - began),
        ended=ended is not None,
        utterances=utterances,
        marks=marks,
        title=started.title if started else None,
        follows=started.follows if started else None,
        first=first,
    )


def mark(connection: sqlite3.Connection, name: str) -> Mark | None:
    """A mark as it is now."""
    rows = connection.execute("SELECT seq, body FROM events WHERE mark = ? ORDER BY seq", (name,))
    return folded(entry.event for entry in decoded(rows))


def folded(events: Iterable[Durable]) -> Mark | None:
    """A mark as the events that speak of it, in order, leave it."""
    found: Mark | None = None
    for event in events:
        if isinstance(event, Insight):
            found = Mark(event, found.state if found else Change.OPEN)
        elif isinstance(event, MarkChanged) and found:
            found = _changed(found, event)
    return found


def _changed(mark: Mark, change: MarkChanged) -> Mark:
    insight = mark.insight
    if change.text is not None:
        insight = replace(insight, text=change.text)
    if change.assignee is not None:
        insight = replace(insight, assignee=change.assignee)
    if change.due is not None:
        insight = replace(insight, due=change.due, due_has_time=change.due_has_time)
    return Mark(insight, mark.state if change.change is Change.AMENDED else change.change)


_OPEN = """
SELECT mark, min(seq) AS first FROM events AS made
WHERE kind = 'insight' AND coalesce((
    SELECT json_extract(body, '$.change') FROM events AS changed
    WHERE changed.mark = made.mark AND kind = 'mark_changed' AND json_extract(body, '$.change') <> 'amended'
    ORDER BY seq DESC LIMIT 1
), 'open') = 'open'
GROUP BY mark ORDER BY first DESC LIMIT ?
"""


def open_marks(connection: sqlite3.Connection, most: int) -> list[Mark]:
    """What is still to be done or answered, the newest first."""
    names = [row[0] for row in connection.execute(_OPEN, (most,))]
    return [found for name in names if (found := mark(connection, name))]
