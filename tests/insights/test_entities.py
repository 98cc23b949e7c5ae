"""What sentences name, held against a table of our own."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.insights.entities import find
from earmark_engine.insights.types import Context, EntityFound, Person, Sentence

ROWS: list[list[str]] = tomllib.loads((Path(__file__).parent / "entities.toml").read_text(encoding="utf-8"))["rows"]
CONTEXT = Context(people=(Person(id="p1", name="Tom Baker"), Person(id="p2", name="Anna")))


def look(text: str) -> list[EntityFound]:
    return find(Sentence(id="s", text=text, start=0, end=1, at=datetime(2024, 3, 6, 10, 20, tzinfo=UTC)), CONTEXT)


@pytest.mark.parametrize(("text", "named"), [(row[0], row[1:]) for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_sentence_names_these(text: str, named: list[str]) -> None:
    assert [f"{entity.kind} {entity.value}" for entity in look(text)] == named


def test_what_tells_on_a_person_is_in_a_category_of_its_own() -> None:
    assert [entity.category for entity in look("Anna is in London.")] == ["PII", "General"]


def test_counting_is_no_number_to_call() -> None:
    assert "phone" not in {entity.kind for entity in look("One two three four five six seven.")}


SPOKEN = "Tom in London on Friday at three 5 0171 5550123 anna@example.org dot com € 20 euros and , . İ 😀 Mr. May"


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(SPOKEN.split()), max_size=14).map(" ".join)))
def test_any_text_is_searched_and_nothing_overlaps(text: str) -> None:
    end = 0
    for entity in look(text):
        assert entity.value
        assert entity.offset >= end
        assert text[entity.offset : entity.offset + len(entity.value)] == entity.value
        end = entity.offset + len(entity.value)
