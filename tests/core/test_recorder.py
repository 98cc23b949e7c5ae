"""Storing events while the journal can and cannot be written."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from earmark import recorder as module
from earmark.bus import Bus
from earmark.clock import SystemClock
from earmark.errors import JournalError
from earmark.events import Utterance
from earmark.journal import Journal
from earmark.recorder import Recorder
from tests.core.talk import said, sentences, until


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path / "journal.db", clock=SystemClock()) as journal:
        yield journal


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def recorder(journal: Journal, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setattr(module, "FIRST_DELAY_SECONDS", 0.01)
    monkeypatch.setattr(module, "LONGEST_DELAY_SECONDS", 0.02)
    return Recorder(journal, bus, SystemClock(), rng=random.Random(1))


class Forbidden:
    """Makes the journal refuse writing, as a bad disk does, by a trigger from outside."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._do("CREATE TRIGGER forbid BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is bad'); END")

    def __exit__(self, *failure: object) -> None:
        self._do("DROP TRIGGER forbid")

    def _do(self, statement: str) -> None:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.execute(statement)


async def test_what_is_recorded_is_on_disk_and_then_shown(recorder: Recorder, journal: Journal, bus: Bus) -> None:
    watcher = bus.watch(Utterance)
    entries = await recorder.record([said("u1"), said("u2")], state={"uplink": b"1"})
    assert await journal.read(0) == entries
    assert await journal.state("uplink") == b"1"
    assert [await anext(watcher), await anext(watcher)] == [said("u1"), said("u2")]


async def test_what_was_recorded_before_is_not_shown_again(recorder: Recorder, bus: Bus) -> None:
    await recorder.record([said("u1")])
    watcher = bus.watch(Utterance)
    assert await recorder.record([said("u1")]) == []
    bus.close()
    assert [event async for event in watcher] == []


async def test_while_the_journal_cannot_be_written_events_are_held_in_order_and_shown_to_nobody(
    recorder: Recorder, journal: Journal, bus: Bus
) -> None:
    watcher = bus.watch(Utterance)
    events = [said(f"u{number}") for number in range(20)]
    with Forbidden(journal.path):
        recording = [asyncio.create_task(recorder.record([event])) for event in events]
        await until(lambda: recorder.problem)
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in recording)
        assert recorder.held == 20
        assert "the disk is bad" in str(recorder.problem)
        assert journal.last == 0
    await asyncio.gather(*recording)
    assert (recorder.problem, recorder.held) == (None, 0)
    assert [entry.event for entry in await journal.read(0)] == events
    bus.close()
    assert [event async for event in watcher] == events


async def test_no_more_is_held_than_memory_should_hold(
    recorder: Recorder, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_HELD", 10)
    with Forbidden(journal.path):
        held = asyncio.create_task(recorder.record(sentences(0, 8)))
        await until(lambda: recorder.problem)
        with pytest.raises(JournalError, match="no more are taken"):
            await recorder.record(sentences(8, 12))
    await held
    assert len(await recorder.record(sentences(8, 12))) == 4


async def test_who_gives_up_waiting_leaves_the_others_their_turn(recorder: Recorder, journal: Journal) -> None:
    with Forbidden(journal.path):
        impatient = asyncio.create_task(recorder.record([said("u1")]))
        await until(lambda: recorder.problem)
        patient = asyncio.create_task(recorder.record([said("u2")]))
        impatient.cancel()
        await asyncio.wait([impatient])
    assert [entry.event for entry in await patient] == [said("u2")]
    assert recorder.held == 0
