"""The journal: what is stored, and what is known of conversations and marks."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from earmark.clock import SystemClock
from earmark.errors import JournalError
from earmark.events import Change, Durable, InsightKind
from earmark.journal import Entry, Journal
from tests.core.talk import BEN, about, at, began, changed, ended, marked, missing, said, sentences, until

CLOCK = SystemClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kitchen" / "journal.db"


def ids(entries: list[Entry]) -> list[str]:
    return [entry.event.id for entry in entries]


# -- storing --------------------------------------------------------------------------------------------------------


async def test_events_come_back_as_they_were_and_in_order(path: Path) -> None:
    events: list[Durable] = [
        began(title="Dinner"),
        utterance := said("u1"),
        marked("m1", "Buy milk", of=utterance, assignee=BEN, due=at(86400)),
        changed("m1", Change.DONE),
        about("milk", utterance),
        missing(9, 3),
        ended(),
    ]
    async with Journal.open(path, clock=CLOCK) as journal:
        written = await journal.append(events)
        assert await journal.read(0) == written
        assert [entry.event for entry in written] == events
        assert [entry.seq for entry in written] == list(range(1, 8))
        assert journal.last == 7


async def test_an_event_that_is_there_already_is_not_written_again(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append([said("u1"), said("u2")])
        assert ids(await journal.append([said("u2"), said("u3"), said("u3")])) == ["u3"]
        assert ids(await journal.read(0)) == ["u1", "u2", "u3"]


async def test_an_event_without_an_id_is_a_mistake_and_nothing_of_its_batch_is_written(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        with pytest.raises(ValueError, match="without an id"):
            await journal.append([said("u1"), said("")], state={"uplink": b"far"})
        assert await journal.read(0) == []
        assert await journal.state("uplink") is None


async def test_state_is_kept_with_the_events_it_belongs_to(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append([said("u1")], state={"uplink": b"one", "controls": b"open"})
        await journal.keep({"controls": None})
    async with Journal.open(path, clock=CLOCK) as journal:
        assert await journal.state("uplink") == b"one"
        assert await journal.state("controls") is None


async def test_whoever_waits_for_news_is_told(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        waiting = asyncio.create_task(journal.changed(0))
        following = asyncio.create_task(journal.following(0))
        await journal.append([said("u1")])
        await waiting
        assert ids(await following) == ["u1"]


async def test_reading_goes_on_where_it_was_told_to(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append(sentences(0, 10))
        assert ids(await journal.read(4, most=3)) == ["u4", "u5", "u6"]
        assert await journal.read(10) == []


async def test_only_its_owner_can_read_what_is_on_disk(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append([said("u1")])
        files = list(path.parent.iterdir())
        assert {file.name for file in files} == {"journal.db", "journal.db-wal", "journal.db-shm"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_another_process_reads_while_one_writes(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as writer, Journal.open(path, clock=CLOCK, read_only=True) as reader:
        await writer.append([said("u1")])
        assert ids(await reader.read(0)) == ["u1"]
        with pytest.raises(JournalError, match="only to be read"):
            await reader.append([said("u2")])


async def test_where_nothing_was_heard_yet_there_is_nothing_to_read(path: Path) -> None:
    with pytest.raises(JournalError, match="no journal at"):
        async with Journal.open(path, clock=CLOCK, read_only=True):
            pass
    assert list(path.parent.parent.iterdir()) == []


# -- cursors --------------------------------------------------------------------------------------------------------


async def test_cursors_belong_to_a_sink_and_its_target_and_outlive_the_process(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append(sentences(0, 9))
        assert await journal.cursor("mqtt", "broker-a") is None
        await journal.move_cursor("mqtt", "broker-a", 5)
        await journal.move_cursor("mqtt", "broker-b", 7)
        assert await journal.cursor("mqtt", "broker-a") == 5
    async with Journal.open(path, clock=CLOCK) as journal:
        assert [await journal.cursor("mqtt", broker) for broker in ("broker-a", "broker-b")] == [5, 7]


def cursors_on_disk(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT seq FROM cursors")]


async def test_cursors_are_written_while_the_room_goes_on(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        for seq in range(1000):
            await journal.move_cursor("mqtt", "", seq)
        await until(lambda: cursors_on_disk(path) == [999])


async def test_a_cursor_that_moves_while_it_is_written_is_written_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earmark.journal.CURSORS_EVERY_SECONDS", 0.0)
    async with Journal.open(path, clock=CLOCK) as journal:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await journal.move_cursor("mqtt", "", 5)
            await asyncio.sleep(0.05)
            await journal.move_cursor("mqtt", "", 6)
            other.execute("COMMIT")
        await until(lambda: cursors_on_disk(path) == [6])


# -- conversations and marks ----------------------------------------------------------------------------------------


async def test_conversations_are_listed_newest_first_page_by_page(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        for number in range(5):
            name = f"c{number}"
            utterance = said(f"u{number}", start=number * 100, conversation=name)
            await journal.append([began(name, start=number * 100, title=f"Talk {number}"), utterance])
            await journal.append([marked(f"m{number}", "Do it", of=utterance), ended(name, seconds=42)])
        page = await journal.conversations(most=2)
        assert [summary.id for summary in page] == ["c4", "c3"]
        assert [summary.id for summary in await journal.conversations(most=9, before=page[-1].first)] == [
            "c2",
            "c1",
            "c0",
        ]
        newest = page[0]
        assert (newest.title, newest.seconds, newest.ended) == ("Talk 4", 42, True)
        assert (newest.utterances, newest.marks, newest.started) == (1, 1, at(400))
        assert await journal.conversation("c4") == newest
        assert await journal.conversation("c9") is None


async def test_a_conversation_that_lost_its_beginning_is_listed_all_the_same(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append([said("u1", start=10), said("u2", start=30)])
        (summary,) = await journal.conversations()
        assert (summary.started, summary.seconds, summary.ended) == (at(10), 20, False)


async def test_the_present_conversation_is_the_newest_one_unless_it_is_over(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        assert await journal.present() is None
        await journal.append([began("c1"), ended("c1"), began("c2"), said("u1", conversation="c2")])
        assert await journal.present() == "c2"
        assert await journal.first_of("c2") == 3
        await journal.append([ended("c2")])
        assert await journal.present() is None


async def test_conversations_are_found_by_the_beginning_of_their_id(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append([began("abc"), began("abd"), began("xyz")])
        assert await journal.beginning_with("ab") == ["abc", "abd"]
        assert await journal.beginning_with("abd") == ["abd"]
        assert await journal.beginning_with("%") == []


async def test_a_mark_is_given_with_all_that_happened_to_it(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append([marked("m1", "Buy milk"), changed("m1", Change.DONE)])
        await journal.append([changed("m1", Change.AMENDED, text="Buy oat milk", start=40)])
        mark = await journal.mark("m1")
        assert mark is not None
        assert (mark.state, mark.insight.text) == (Change.DONE, "Buy oat milk")
        assert await journal.mark("m2") is None


async def test_a_later_revision_replaces_what_a_mark_says_and_leaves_it_ticked_off(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append([marked("m1", "Buy"), changed("m1", Change.DONE), marked("m1", "Buy milk", revision=1)])
        mark = await journal.mark("m1")
        assert mark is not None
        assert (mark.state, mark.insight.text, mark.insight.revision) == (Change.DONE, "Buy milk", 1)


async def test_open_marks_are_those_that_nobody_ticked_off(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append([marked(f"m{number}", "Do it") for number in range(5)])
        await journal.append([marked("q1", "When?", kind=InsightKind.QUESTION), changed("q1", Change.ANSWERED)])
        await journal.append([changed("m1", Change.DONE), changed("m2", Change.DISMISSED)])
        await journal.append([changed("m1", Change.OPEN, start=50), changed("m3", Change.AMENDED, text="Do that")])
        assert [mark.insight.mark for mark in await journal.open_marks()] == ["m4", "m3", "m1", "m0"]
        assert [mark.insight.mark for mark in await journal.open_marks(most=2)] == ["m4", "m3"]
