"""What the viewer knows of a room, without a screen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import earmark_tui.room
from earmark.events import Change, Hearing, InsightKind, Sentiment, SentimentHeard
from earmark.journal_rows import Entry, Mark
from earmark_tui.feeds import Begun, Gone, LineChanged, News
from earmark_tui.finding import Needle
from earmark_tui.house import House
from earmark_tui.room import Line, RoomView
from earmark_tui.widgets.topics import buckets
from earmark_tui.wording import clean, due_in_short, fitted, overdue, rows_of, wrapped
from tests.core.talk import ANN, about, at, began, changed, ended, marked, said, sentences
from tests.tui.evening import NOW, entries, evening


def room_of(*events: object) -> RoomView:
    room = RoomView("kitchen")
    room.take(entries(events))  # type: ignore[arg-type] # events of every kind
    return room


def hearing(text: str, start: float, end: float, *, final: bool = False) -> Hearing:
    return Hearing(room="kitchen", conversation="c1", at=at(start), text=text, start=start, end=end, final=final)


def test_growing_text_is_replaced_by_what_is_stored() -> None:
    room = room_of(
        began(), hearing("good", 0, 1), hearing("good eve", 0, 2), hearing("Good evening.", 0, 4, final=True)
    )
    assert [one.text for one in room.pending] == ["Good evening."]
    room.take(entries([said("u1"), hearing("and", 4.5, 5)]))
    assert [one.text for one in room.pending] == ["and"]


def test_growing_text_that_comes_after_its_sentence_is_left_out() -> None:
    room = room_of(began(), said("u1"), hearing("Good evening.", 0, 4, final=True))
    assert room.pending == []


def test_journaled_events_are_taken_once_however_often_they_come() -> None:
    told = [Entry(seq, event) for seq, event in enumerate(evening(), 1)]
    room = RoomView("kitchen")
    room.take([*told[:5], *told[2:], *told])
    assert room.events == len(told) and len(room.talk) == 10


def test_events_without_a_place_are_taken_once_by_their_id() -> None:
    room = room_of(*evening(), *evening())
    assert room.events == len(evening())


def test_a_mark_is_what_its_changes_make_of_it() -> None:
    first = said("u1")
    room = room_of(first, marked("m1", "Buy milk", of=first), changed("m1", Change.DONE))
    room.take(entries([changed("m1", Change.AMENDED, text="Buy oat milk", start=31)]))
    assert room.marks["m1"].state is Change.DONE and room.marks["m1"].insight.text == "Buy oat milk"
    room.take(entries([changed("m1", Change.DISMISSED, start=32)]))
    assert room.of_kind(InsightKind.ACTION_ITEM) == []


def test_older_marks_stand_before_newer_ones_and_are_told_of_once() -> None:
    first = said("u1")
    room = room_of(first, marked("m2", "New", of=first))
    room.add_marks([Mark(marked("m1", "Old")), Mark(marked("m2", "New", of=first))])
    assert list(room.marks) == ["m1", "m2"]


def test_topics_and_mood_belong_to_the_present_conversation() -> None:
    room = room_of(*evening(), ended(), began("c2", start=100))
    assert room.topics == {} and room.mood == [] and room.conversation == "c2"


def test_a_mood_that_is_told_later_finds_its_place() -> None:
    feeling = Sentiment(score=-0.5, suggested="negative")
    room = room_of(
        said("u1", start=7),
        SentimentHeard(id="s1", room="kitchen", conversation="c1", at=at(9), utterance="u1", sentiment=feeling),
    )
    assert room.mood == [(7, -0.5)]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earmark_tui.room, "MOST_TALK", 100)
    room = room_of(*sentences(0, 1000))
    assert len(room.talk) <= 100 and room.dropped + len(room.talk) == 1000


def test_a_house_keeps_its_rooms_apart() -> None:
    house = House()
    house.take([News("kitchen", entries([said("u1")])), LineChanged("study", Line(attached=True))])
    house.take([Begun("kitchen"), Gone("study"), News("hall", entries([about("cake")]))])
    assert [room.name for room in house.ordered()] == ["hall", "kitchen"]
    assert house.rooms["kitchen"].talk == []


TEXTS = st.text(st.characters(codec="utf-8"), max_size=120).map(clean)


@given(text=TEXTS, width=st.integers(2, 60))
def test_broken_lines_hold_every_word_and_no_line_is_too_wide(text: str, width: int) -> None:
    from rich.cells import cell_len

    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in lines)
    assert rows_of(text, width) == len(lines)


@given(text=TEXTS, width=st.integers(1, 60))
def test_a_cut_text_fits(text: str, width: int) -> None:
    from rich.cells import cell_len

    assert cell_len(fitted(text, width)) <= max(width, 1)


def test_nothing_that_was_said_can_give_the_terminal_orders() -> None:
    assert clean("\x1b]0;owned\a Hello\x1b[2J\nthere") == "]0;owned Hello [2J there"


@pytest.mark.parametrize(
    ("hours", "words"), [(2, "today 20:30"), (24, "tomorrow 18:30"), (72, "Tue 18:30"), (24 * 20, "Fri 3 Apr 18:30")]
)
def test_what_is_due_is_said_as_near_as_it_is(hours: float, words: str) -> None:
    assert due_in_short(marked("m", "x", due=at(hours * 3600)), NOW) == words


def test_what_should_have_been_done_is_overdue_until_it_is() -> None:
    late = marked("m", "x", due=NOW - timedelta(hours=1), assignee=ANN)
    assert overdue(Mark(late), NOW) and not overdue(Mark(late, Change.DONE), NOW)


def test_needles_want_every_word_in_any_case() -> None:
    needle = Needle('Landlord "write to"')
    assert needle.found_in("I will WRITE TO the landlord") and not needle.found_in("write it to the landlord")
    assert needle.spans("write to landlord") == [(0, 8), (9, 17)]
    assert not Needle("  ")


def test_mood_is_told_by_the_strongest_of_each_part() -> None:
    assert buckets([(0, 0.1), (1, -0.9), (10, 0.5)], 2) == [-0.9, 0.5]
    assert buckets([], 3) == [None, None, None]
