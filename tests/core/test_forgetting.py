"""Forgetting: what goes, what stays, and that no byte of it is left."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from earmark import forgetting, journal_rows
from earmark.clock import SystemClock
from earmark.events import Change, Durable, InsightKind
from earmark.forgetting import DAY_SECONDS
from earmark.journal import Journal, Query, Selection
from earmark.journal_schema import connect, transaction
from tests.core.talk import BEGAN, BEN, about, at, began, changed, ended, marked, missing, said

Bytes = Callable[[], bytes]


class StillClock(SystemClock):
    """A clock whose wall stands still."""

    def __init__(self, now: datetime) -> None:
        self._now = now.timestamp()

    def now(self) -> float:
        return self._now


NOW = datetime(2026, 4, 14, tzinfo=UTC)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path / "journal.db", clock=StillClock(NOW)) as journal:
        yield journal


def on_disk(journal: Journal) -> bytes:
    return b"".join(file.read_bytes() for file in journal.path.parent.iterdir())


async def left(journal: Journal) -> list[str]:
    return [entry.event.id for entry in await journal.read(0, most=100_000)]


def dinner() -> list[Durable]:
    """Ann speaks of a xylophone and of a zeppelin; Ben of a walrus."""
    one = said("u1", "Who takes the xylophone to school?", start=0)
    two = said("u2", "I shall, and I feed the walrus.", start=10, by=BEN)
    three = said("u3", "Then book the zeppelin.", start=20)
    return [
        began(title="Dinner"),
        one,
        two,
        three,
        marked("q1", "Who takes the xylophone?", kind=InsightKind.QUESTION, of=one),
        marked("m1", "Feed the walrus", of=two, assignee=BEN),
        marked("m1", "Feed the old walrus", of=two, assignee=BEN, revision=1),
        marked("m2", "Book the zeppelin", of=three, assignee=BEN),
        changed("m1", Change.DONE, start=30),
        changed("m2", Change.AMENDED, text="Book the big zeppelin", start=31),
        about("school", one, three),
        about("animals", two),
        missing(25, 2),
        ended(),
    ]


# -- what goes ------------------------------------------------------------------------------------------------------


async def test_a_conversation_is_forgotten_whole_and_the_others_are_not(journal: Journal) -> None:
    await journal.append([*dinner(), began("c2"), said("v1", "Nothing.", conversation="c2"), ended("c2")])
    assert await journal.count(Selection(conversation="c1")) == await journal.forget(Selection(conversation="c1"))
    assert await left(journal) == ["c2-began", "v1", "c2-ended"]
    assert [summary.id for summary in await journal.conversations()] == ["c2"]


async def test_with_what_somebody_said_goes_what_came_of_it(journal: Journal) -> None:
    await journal.append(dinner())
    forgotten = await journal.forget(Selection(speaker="ben"))
    assert (forgotten.events, forgotten.conversations, forgotten.wiped) == (5, 1, True)
    assert await left(journal) == [
        *("c1-began", "u1", "u3", "q1-0", "m2-0", "m2-amended-31", "topic-school", "gap-25", "c1-ended")
    ]
    assert b"walrus" not in on_disk(journal)


async def test_a_span_of_time_is_forgotten_with_what_came_of_it(journal: Journal) -> None:
    await journal.append(dinner())
    await journal.forget(Selection(since=at(15), until=at(28)))
    assert set(await left(journal)) == {
        *("c1-began", "u1", "u2", "q1-0", "m1-0", "m1-1", "m1-done-30", "topic-animals", "c1-ended")
    }
    assert b"zeppelin" not in on_disk(journal)
    assert b"xylophone" in on_disk(journal)


async def test_a_task_that_stays_stays_ticked_off(journal: Journal) -> None:
    await journal.append(dinner())
    await journal.forget(Selection(since=at(30)))
    mark = await journal.mark("m1")
    assert mark is not None
    assert mark.state is Change.DONE
    assert b"big zeppelin" not in on_disk(journal)


async def test_a_conversation_in_which_nothing_was_said_can_be_forgotten(journal: Journal) -> None:
    await journal.append([began("c1"), ended("c1"), began("c2", start=500)])
    await journal.forget(Selection(since=at(400)))
    assert await left(journal) == ["c1-began", "c1-ended"]
    await journal.forget(Selection(conversation="c1"))
    assert await left(journal) == []


async def test_conditions_narrow_each_other(journal: Journal) -> None:
    await journal.append(dinner())
    await journal.forget(Selection(conversation="c1", speaker="Ann", until=at(5)))
    assert "u1" not in await left(journal)
    assert {"u2", "u3"} <= set(await left(journal))


async def test_everything_can_be_forgotten_and_numbers_go_on(journal: Journal) -> None:
    await journal.append(dinner())
    last = journal.last
    await journal.forget(Selection())
    assert await left(journal) == []
    (entry,) = await journal.append([said("u9")])
    assert entry.seq == last + 1
    async with Journal.open(journal.path, clock=SystemClock()) as again:
        assert again.last == last + 1


# -- no byte is left ------------------------------------------------------------------------------------------------

WORDS = [b"xylophone", b"xylophon", b"walrus", b"zeppelin", b"walru", b"Feed the"]


async def test_no_word_is_left_in_the_file_the_log_or_the_index(journal: Journal) -> None:
    filler: list[Durable] = [
        said(f"f{n}", f"We spoke of the weather on day {n}.", conversation="c2") for n in range(2000)
    ]
    await journal.append(filler[:1000])
    await journal.append(dinner())
    await journal.append(filler[1000:])
    assert all(word in on_disk(journal) for word in (b"xylophone", b"walrus", b"zeppelin"))
    forgotten = await journal.forget(Selection(conversation="c1"))
    assert forgotten.wiped
    assert [word for word in WORDS if word in on_disk(journal)] == []
    assert await journal.search(Query("xylophone")) == []
    assert len(await journal.search(Query("weather"), most=5000)) == 2000


def test_no_word_is_left_even_where_there_is_no_room_to_rewrite_the_file(tmp_path: Path) -> None:
    connection = connect(tmp_path / "journal.db")
    with transaction(connection):
        journal_rows.append(connection, dinner())
    forgetting.forget(connection, Selection(conversation="c1"))
    assert forgetting.wipe(connection, rewrite=False)
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert [word for word in WORDS if word in left] == []
    connection.close()


async def test_while_another_program_reads_it_is_said_that_the_text_is_still_there(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earmark.journal_schema._BUSY_SECONDS", 0.05)
    async with Journal.open(journal.path, clock=SystemClock()) as impatient:
        await impatient.append(dinner())
        reader = sqlite3.connect(journal.path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM events").fetchone()
        assert not (await impatient.forget(Selection())).wiped
        reader.close()
        assert (await impatient.forget(Selection())).wiped
    assert b"walrus" not in on_disk(journal)


async def test_files_that_were_set_aside_go_with_everything_and_are_named_otherwise(journal: Journal) -> None:
    await journal.append(dinner())
    aside = journal.path.with_name("journal.db.broken-20260101-000000")
    aside.write_bytes(b"walrus")
    assert (await journal.forget(Selection(speaker="Ben"))).left == (str(aside),)
    assert (await journal.forget(Selection())).left == ()
    assert b"walrus" not in on_disk(journal)


# -- retention ------------------------------------------------------------------------------------------------------


async def test_what_is_older_than_it_is_kept_goes_by_itself(journal: Journal) -> None:
    days = (NOW - BEGAN).total_seconds() / DAY_SECONDS
    await journal.append(
        [*dinner(), began("c2", start=DAY_SECONDS * 20), said("v1", start=DAY_SECONDS * 20, conversation="c2")]
    )
    assert (await journal.trim(days=days + 1)).events == 0
    assert (await journal.trim(days=days - 1)).events == 14
    assert await left(journal) == ["c2-began", "v1"]
    assert b"walrus" not in on_disk(journal)


async def test_each_kind_is_kept_for_as_long_as_its_owner_says(journal: Journal) -> None:
    await journal.append(dinner())
    await journal.trim(days=0, days_by_kind={"utterance": 7, "topic": 7, "insight": 365})
    assert not {"u1", "u2", "u3", "topic-school", "topic-animals"} & set(await left(journal))
    assert {"m1-0", "m1-1", "m2-0", "q1-0", "m1-done-30", "c1-began"} <= set(await left(journal))


async def test_tasks_outlive_what_was_said_and_keep_being_done(journal: Journal) -> None:
    await journal.append(dinner())
    await journal.trim(days=7, days_by_kind={"insight": 365})
    mark = await journal.mark("m1")
    assert mark is not None
    assert mark.state is Change.DONE
    assert await left(journal) == [
        *("c1-began", "q1-0", "m1-0", "m1-1", "m2-0", "m1-done-30", "m2-amended-31", "c1-ended")
    ]


async def test_nothing_goes_where_everything_is_kept_for_ever(journal: Journal) -> None:
    await journal.append(dinner())
    assert (await journal.trim(days=0)).events == 0
    assert (await journal.trim(days=0, days_by_kind={"utterance": 0})).events == 0


async def test_old_files_that_were_set_aside_go_with_what_is_as_old(journal: Journal) -> None:
    old, young = (journal.path.with_name(f"journal.db.broken-{day}") for day in ("old", "young"))
    for path, age in ((old, 40), (young, 5)):
        path.write_bytes(b"?")
        written = NOW.timestamp() - age * DAY_SECONDS
        os.utime(path, (written, written))
    await journal.trim(days=30)
    assert sorted(journal.path.parent.glob("*.broken-*")) == [young]
