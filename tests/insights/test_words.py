"""The small tables and rules underneath: numbers in words, forms of words, names, times of day."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.insights import background, daytimes, names
from earmark_engine.insights.numerals import cardinal, ordinal
from earmark_engine.insights.stems import stem
from earmark_engine.insights.types import Person

SCRIPT = Path(__file__).parents[2] / "examples/training/background.py"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("seven", 7),
        ("twenty-five", 25),
        ("two hundred and fifty", 250),
        ("three thousand and two", 3002),
        ("1,200", 1200),
        ("a", 1),
        ("Twelve", 12),
        ("some", None),
        ("", None),
    ],
)
def test_numbers_in_words_are_understood(text: str, number: int | None) -> None:
    assert cardinal(text) == number


@pytest.mark.parametrize(
    ("text", "number"), [("first", 1), ("twenty-second", 22), ("thirty first", 31), ("3rd", 3), ("odd", None)]
)
def test_ordinals_are_understood(text: str, number: int | None) -> None:
    assert ordinal(text) == number


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_none(text: str) -> None:
    assert cardinal(text) is None or isinstance(cardinal(text), int)
    assert ordinal(text) is None or isinstance(ordinal(text), int)


@pytest.mark.parametrize(
    "forms",
    [
        "stop stops stopped stopping",
        "make makes made making",
        "city cities",
        "box boxes",
        "buy buys bought buying",
        "call calls called calling",
        "cancel cancelled cancelling",
        "play plays played playing",
        "child children",
        "dress dresses",
    ],
)
def test_the_forms_of_a_word_have_one_stem(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize("words", ["sing sin", "red reed", "bus bu", "news new", "string stre", "need ne"])
def test_different_words_have_different_stems(words: str) -> None:
    assert len({stem(word) for word in words.split()}) == 2


@given(st.text(max_size=20))
def test_any_text_has_a_stem(text: str) -> None:
    assert isinstance(stem(text.lower()), str)


KNOWN = (Person(id="1", name="Will Smith"), Person(id="2", name="Mark"), Person(id="3", name="Özlem"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Will you mark the page?", []),
        ("Will, mark the page.", ["Will"]),
        ("I'll ask Will Smith.", ["Will Smith"]),
        ("özlem is here", ["özlem"]),
        ("Could you do it, Zbigniew?", ["Zbigniew"]),
        ("Zbigniew needs to do it.", ["Zbigniew"]),
        ("Could you do it, Monday?", []),
        ("Traffic needs to move.", []),
        ("Don't wait.", []),
        ("I met Mary Jones and her dog.", ["Mary Jones"]),
        ("Please ask Mrs. Ferris.", ["Ferris"]),
        ("We drove from Austin to Dallas.", []),
    ],
)
def test_people_are_found_and_words_are_not(text: str, named: list[str]) -> None:
    assert [text[name.offset : name.end] for name in names.find(text, KNOWN)] == named


def test_a_known_name_stands_for_the_person() -> None:
    assert [name.person.id for name in names.find("mark, could you come?", KNOWN)] == ["2"]


@pytest.mark.parametrize(
    ("text", "part", "hours"),
    [
        ("at three", None, [15]),
        ("at nine", None, [9, 21]),
        ("at nine", "evening", [21]),
        ("at six", "morning", [6]),
        ("at 6 am", None, [6]),
        ("at noon", None, [12]),
        ("at midnight", None, [24]),
        ("at twelve", "tonight", [24]),
        ("at one", "tonight", [25]),
        ("at half past six", None, [18.5]),
        ("at 15:45", None, [15.75]),
    ],
)
def test_an_hour_means_what_is_sensible(text: str, part: str | None, hours: list[float]) -> None:
    (clock,) = daytimes.find(text)
    assert clock.after_midnight(part) == tuple(timedelta(hours=hour) for hour in hours)


def test_the_tables_are_there() -> None:
    assert background.per_million()["the"] > 10_000
    assert {"Tom", "Anna"} <= background.first_names()
    assert "New York" in background.places()
    assert {"will", "mark"} <= background.names_like_words()
    assert "call" in background.verbs()


def test_the_table_of_common_words_is_counted_the_same_way_each_time() -> None:
    table: Callable[[list[tuple[str, str, str]]], str] = runpy.run_path(str(SCRIPT))["table"]
    said = [("a", f"m{n}", "well Paula 's tap drips") for n in range(6)] + [("b", "m9", "well well")]
    rows = table(said).splitlines()[2:]
    assert rows == ["drips\t0", "tap\t0", "well\t250000"]
    assert table(said) == table(said)
