"""Who is to do it and by when: the table of our own sentences, and what must hold of any text."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.insights.due import due
from earmark_engine.insights.types import Context, Person, Sentence
from earmark_engine.insights.who import assignee

TABLE = tomllib.loads((Path(__file__).parent / "who_and_when.toml").read_text(encoding="utf-8"))
PEOPLE = (Person(id="p1", name="Tom Baker"), Person(id="p2", name="Anna"), Person(id="p3", name="Will"))
SAID_AT = "2024-03-06T10:20+01:00"

ROWS = [
    pytest.param(*row, table.get("said_at", SAID_AT), table.get("utc_offset_minutes", 60), id=f"{name}: {row[0]}")
    for name, table in TABLE.items()
    for row in table["rows"]
]
SPOKEN = (
    "Tom anna Will will you could I'll we needs to by before at three half past tomorrow next Tuesday the 31st of "
    "February in two weeks minutes 25:61 12:59 a.m. , . ? end month this ’s n't please call İ 😀 0 99 year May"
)
TEXTS = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(SPOKEN.split()), max_size=14).map(" ".join))
TIMES = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def say(text: str, at: datetime, speaker: Person | None = None) -> Sentence:
    return Sentence(id="s1", text=text, start=0, end=1, at=at, speaker=speaker)


@pytest.mark.parametrize(("text", "who", "when", "said_at", "offset"), ROWS)
def test_the_sentence_names_who_and_when(text: str, who: str, when: str, said_at: str, offset: int) -> None:
    at = datetime.fromisoformat(said_at)
    context = Context(people=PEOPLE, utc_offset_minutes=offset)
    person, _ = assignee(text, [say(text, at)], context)
    found = due(text, at, context)
    named = found.when.strftime("%Y-%m-%dT%H:%M" if found.has_time else "%Y-%m-%d") if found else ""
    assert (person.name if person else "", named) == (who, when)


DIALOGUES = [
    # what was said, the speaker first; which of it is the mark; who is to do it
    (["Anna: I'll call the plumber."], 0, "Anna"),
    (["Lisa: Let me do the dishes."], 0, "Lisa"),
    (["Tom: We should paint the fence."], 0, ""),
    (["Tom: Could you call the plumber?"], 0, ""),
    (["Anna: The tap is dripping.", "Tom: Could you call the plumber?"], 1, "Anna"),
    (["Anna: The tap drips.", "Tom: Could you call the plumber?", "Lisa: Yes, sure."], 1, "Lisa"),
    (["Anna: The tap drips.", "Tom: Lisa, could you call the plumber?", "Anna: Good idea."], 1, "Lisa"),
    (["Tom: Who calls the plumber?", "Lisa: I will."], 1, "Lisa"),
    (["Tom: Please call the plumber.", "Tom: It's urgent.", "Anna: Okay."], 0, "Anna"),
    (["Anna: Mira is here.", "Tom: mira needs to call the plumber"], 1, ""),
    (["Mira: Hello.", "Tom: mira needs to call the plumber"], 1, "Mira"),
]


@pytest.mark.parametrize(("lines", "marked", "who"), DIALOGUES)
def test_where_speakers_are_known_i_and_you_are_somebody(lines: list[str], marked: int, who: str) -> None:
    at = datetime(2024, 3, 6, tzinfo=UTC)
    spoken = [line.split(": ", 1) for line in lines]
    said = [say(text, at, Person(id=name.lower(), name=name)) for name, text in spoken]
    person, _ = assignee(said[marked].text, said, Context())
    assert (person.name if person else "") == who


def test_where_nobody_knows_who_speaks_i_is_the_owner_of_the_room() -> None:
    owner = Person(id="o", name="Robin")
    said = [say("I'll call the plumber.", datetime(2024, 3, 6, tzinfo=UTC))]
    assert assignee(said[0].text, said, Context(owner=owner))[0] == owner
    assert assignee(said[0].text, said, Context())[0] is None


def test_the_one_who_is_to_do_it_is_tagged() -> None:
    text = "Tom and Anna will drive Lisa to school."
    _, tags = assignee(text, [say(text, datetime(2024, 3, 6, tzinfo=UTC))], Context(people=PEOPLE))
    assert [(tag.text, tag.offset, tag.assignee) for tag in tags] == [
        ("Tom", 0, True),
        ("Anna", 8, True),
        ("Lisa", 24, False),
    ]


def test_the_table_holds_enough_sentences() -> None:
    assert len(ROWS) >= 150
    assert sum(row.values[1:3] == ("", "") for row in ROWS) >= 30


def test_a_due_time_is_in_the_conversations_time_zone() -> None:
    at = datetime(2024, 3, 6, 23, 30, tzinfo=UTC)
    found = due("by tomorrow", at, Context(utc_offset_minutes=60))
    assert found is not None
    assert found.when.isoformat() == "2024-03-08T00:00:00+01:00"


def test_a_due_time_says_where_it_is_named() -> None:
    found = due("I'll call the plumber tomorrow at three.", datetime(2024, 3, 6, tzinfo=UTC), Context())
    assert found is not None
    assert (found.text, found.offset) == ("tomorrow at three", 22)


@given(TEXTS, TIMES, st.integers(-720, 840))
def test_whatever_is_said_a_due_time_points_at_the_text(text: str, at: datetime, offset: int) -> None:
    found = due(text, at, Context(utc_offset_minutes=offset))
    if found is not None:
        assert found.text
        assert text[found.offset : found.offset + len(found.text)] == found.text
        assert found.when.utcoffset() == timedelta(minutes=offset)
        assert found.when > at - timedelta(days=8)


@given(TEXTS, st.sampled_from([None, *PEOPLE]))
def test_whatever_is_said_tags_point_at_the_text(text: str, speaker: Person | None) -> None:
    said = [say(text, datetime(2024, 3, 6, tzinfo=UTC), speaker)]
    person, tags = assignee(text, said, Context(people=PEOPLE))
    for tag in tags:
        assert tag.text
        assert text[tag.offset : tag.offset + len(tag.text)] == tag.text
    assert person is None or person == speaker or any(tag.person == person for tag in tags)
