"""Facts on disk and in memory: in order, once, until they are deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from earmark_engine.facts import AnyFact, Began, Described, Ended, Said
from earmark_engine.sqlite import open_sqlite
from earmark_engine.store import MemoryStore, Store, StoreError, trim


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[Store]:
    if kind == "memory":
        yield MemoryStore()
        return
    async with open_sqlite(folder / "c.db") as store:
        yield store


def facts(*texts: str, at: float = 100.0) -> list[AnyFact]:
    return [
        Began(at=at, connection="room", app="kitchen"),
        *(Said(at=at, id=text, text=text, start=0.0, end=1.0) for text in texts),
    ]


def everything(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_facts_come_back_in_order_from_any_place(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        await store.append("1", 0, facts("one", "two"))
        await store.append("1", 3, [Ended(at=200.0, reason="stopped")])
        entries = await store.read("1")
        assert [entry.sequence for entry in entries] == [1, 2, 3, 4]
        assert [entry.fact for entry in entries] == [*facts("one", "two"), Ended(at=200.0, reason="stopped")]
        assert await store.read("1", 3) == entries[3:]
        assert await store.read("nothing") == []


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_list_tells_whose_conversation_it_is_and_whether_it_is_over(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        await store.append("1", 0, facts())
        await store.append("2", 0, facts(at=50.0))
        await store.append("2", 1, [Ended(at=60.0, reason="stopped")])
        assert [(one.id, one.ended) for one in await store.summaries("kitchen")] in (
            [("2", 60.0), ("1", None)],
            [("1", None), ("2", 60.0)],
        )
        assert await store.summaries("garage") == []


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_two_writers_of_one_conversation_are_noticed(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        await store.append("1", 0, facts("one"))
        with pytest.raises(StoreError):
            await store.append("1", 1, [Described(at=1.0, metadata={})])
        assert len(await store.read("1")) == 2


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_old_conversations_are_forgotten_and_live_ones_kept(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        for name in ("old", "live"):
            await store.append(name, 0, facts())
        await store.append("old", 1, [Ended(at=100.0, reason="stopped")])
        assert await trim(store, before=101.0) == 1
        assert [one.id for one in await store.summaries()] == ["live"]


async def test_what_was_deleted_is_nowhere_in_the_file(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        await store.append("1", 0, facts(*(f"the secret is porridge {n}" for n in range(200))))
        assert await store.delete("1")
        assert not await store.delete("1")
        assert b"porridge" not in everything(tmp_path)


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path):
        assert (tmp_path / "c.db").stat().st_mode & 0o077 == 0


async def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "c.db") as sql:
        sql.execute("pragma user_version = 99")
    sql.close()
    with pytest.raises(StoreError, match="later Earmark"):
        async with opened("sqlite", tmp_path):
            pass


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_bytes(b"porridge" * 1000)
    with pytest.raises(StoreError, match=r"c\.db"):
        async with opened("sqlite", tmp_path):
            pass


async def test_memory_lets_go_of_the_oldest_and_stays_bounded() -> None:
    store = MemoryStore(remembered=2, most_bytes=2_000)
    for name in ("one", "two", "three"):
        await store.append(name, 0, facts())
        await store.append(name, 1, [Ended(at=1.0, reason="stopped")])
    assert [one.id for one in await store.summaries()] == ["two", "three"]
    await store.append("long", 0, facts(*("word " * 10 for _ in range(100))))
    entries = await store.read("long")
    assert isinstance(entries[0].fact, Began)
    assert entries[-1].sequence == 101
    assert len(entries) < 40


async def test_a_second_engine_is_kept_off_the_file(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        await store.append("1", 0, facts("one"))
        with pytest.raises(StoreError, match="no other engine"):
            async with opened("sqlite", tmp_path):
                pass
