"""Finding what was said."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.clock import SystemClock
from earmark.events import Change, InsightKind
from earmark.journal import Journal, Query
from earmark.journal_schema import MIGRATIONS
from earmark.search import full_text, search, spans
from tests.core.talk import at, changed, marked, said


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path / "journal.db", clock=SystemClock()) as journal:
        first = said("u1", "Could somebody call the plumber, please?", start=0)
        second = said("u2", "I am calling him: the plumbing is a Zumutung, naïve as I was.", start=100)
        third = said("u3", "When is the school play?", start=200, conversation="c2")
        await journal.append([first, second, third])
        await journal.append(
            [
                marked("m1", "Call the plumber", of=first),
                marked("q1", "When is the play?", kind=InsightKind.QUESTION, of=third),
                changed("m1", Change.AMENDED, text="Call the electrician", start=300),
            ]
        )
        yield journal


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("plumber", ["m1-0", "u1"]),
        ("PLUMBER call", ["m1-0", "u1"]),
        ("call", ["m1-AMENDED-300", "m1-0", "u2", "u1"]),
        ("plumb*", ["m1-0", "u2", "u1"]),
        ('"the school play"', ["u3"]),
        ('"school the"', []),
        ("naive", ["u2"]),
        ("electrician", ["m1-AMENDED-300"]),
        ("dragon", []),
        ("", []),
        ("?!", []),
        ("NOT call OR", []),
    ],
)
async def test_words_find_what_holds_them_all_the_newest_first(
    journal: Journal, words: str, expected: list[str]
) -> None:
    found = await journal.search(Query(words))
    assert [hit.entry.event.id for hit in found] == [name.replace("AMENDED", "amended") for name in expected]


async def test_a_query_is_narrowed_by_time_conversation_and_kind(journal: Journal) -> None:
    async def ids(query: Query) -> list[str]:
        return [hit.entry.event.id for hit in await journal.search(query)]

    assert await ids(Query("call", since=at(50), until=at(300))) == ["u2"]
    assert await ids(Query("call", until=at(50))) == ["m1-0", "u1"]
    assert await ids(Query("call", since=at(1000))) == []
    assert await ids(Query("when", conversation="c2")) == ["q1-0", "u3"]
    assert await ids(Query("when", conversation="c9")) == []
    assert await ids(Query("call", kinds=("utterance",))) == ["u2", "u1"]
    assert await ids(Query("when", kinds=("question",))) == ["q1-0"]
    assert await ids(Query("call", kinds=("insight",))) == ["m1-0"]


async def test_only_so_many_are_given(journal: Journal) -> None:
    assert [hit.entry.event.id for hit in await journal.search(Query("call"), most=1)] == ["m1-amended-300"]


async def test_what_was_found_says_where_its_words_are(journal: Journal) -> None:
    (hit,) = await journal.search(Query("naive plumb*"))
    text = "I am calling him: the plumbing is a Zumutung, naïve as I was."
    assert [text[begin:end] for begin, end in hit.spans] == ["plumbing", "naïve"]


@given(st.text())
def test_nothing_that_is_typed_is_taken_for_an_operator(text: str) -> None:
    for part in full_text(text).split('"')[::2]:
        assert part.strip(" *") == ""


ODD = st.text(alphabet=st.sampled_from(list('ab"*() -:^+{}NEAROT\x00\x02\ud800')), max_size=12)


@given(st.lists(ODD, min_size=1, max_size=20))
def test_nothing_that_is_typed_is_an_error(typed: list[str]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(MIGRATIONS[0])
    for text in typed:
        assert search(connection, Query(text), 5) == []
    connection.close()


def test_spans_are_counted_without_the_signs_that_mark_them() -> None:
    assert spans("a \x02bc\x03 d \x02e\x03") == ((2, 4), (7, 8))
    assert spans("nothing") == ()
