"""Tracked phrases, to the letter and nearly so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.insights.trackers import match
from earmark_engine.insights.types import Sentence, Tracker, TrackerMatch


def find(phrase: str, text: str) -> list[TrackerMatch]:
    tracker = Tracker(name="T", vocabulary=(phrase,))
    return match([tracker], Sentence(id="s", text=text, start=0, end=1, at=datetime(2024, 3, 6, tzinfo=UTC)))


LITERAL = [
    ("special offer", "We have a special offer today.", 10),
    ("Special Offer", "we have a SPECIAL, offer", 10),
    ("I like it", "Well, I like it.", 6),
    ("what's the price", "So what’s the price?", 3),
    ("refund", "A refund, please.", 2),
    ("we have a sale", "We have a sale!", 0),
    ("out of milk", "We're out of milk.", 6),
    ("call the plumber", "Never call the plumber.", 6),
    ("don't know", "I don't know.", 2),
]
NEAR = [
    ("I like it", "I love it."),
    ("I like it", "We really loved it."),
    ("refund", "They refunded us."),
    ("special offer", "There are special offers."),
    ("special offer", "That's a special deal."),
    ("what is the price", "How much does it cost?"),
    ("what is the price", "What's the price?"),
    ("call the plumber", "I called the plumber."),
    ("call the plumber", "Could you phone the plumber?"),
    ("call the plumber", "I'll call our nice plumber."),
    ("buy milk", "He bought some milk."),
    ("fix the car", "The man repaired the car."),
    ("cancel my subscription", "I'm cancelling my subscription."),
    ("cancel my subscription", "I want to close my account."),
    ("do not like it", "I don't really like it."),
    ("leave a message", "He left a message."),
]
NEITHER = [
    ("I like it", "I don't like it."),
    ("I like it", "I like the dog."),
    ("I like it", "It looks like rain."),
    ("I like it", "I hate it."),
    ("special offer", "He offered me a special seat."),
    ("special offer", "Nothing special."),
    ("refund", "A fund for children."),
    ("call the plumber", "The plumber called."),
    ("buy milk", "Milk is white, and I buy bread."),
    ("price", "The cost is high."),
    ("sale", "The boat has sails."),
    ("it", "That is it's own thing, is that so?"),
    ("what is the price", "What is the time?"),
    ("out of milk", "Out of the door."),
    ("red", "She is reading."),
    ("what is the price", "It does not matter how much."),
]


@pytest.mark.parametrize(("phrase", "text", "offset"), LITERAL)
def test_a_phrase_that_is_said_is_found_where_it_begins(phrase: str, text: str, offset: int) -> None:
    assert [hit.offset for hit in find(phrase, text)] == [offset]


@pytest.mark.parametrize(("phrase", "text"), NEAR)
def test_a_phrase_that_is_nearly_said_has_no_place(phrase: str, text: str) -> None:
    assert [hit.offset for hit in find(phrase, text)] == [-1]


@pytest.mark.parametrize(("phrase", "text"), NEITHER)
def test_other_words_are_no_match(phrase: str, text: str) -> None:
    assert find(phrase, text) == []


def test_every_place_of_a_phrase_is_told() -> None:
    assert [hit.offset for hit in find("milk", "Milk, milk and more milk.")] == [0, 6, 20]


def test_trackers_are_told_apart() -> None:
    trackers = [Tracker(name="A", vocabulary=("milk", "bread")), Tracker(name="B", vocabulary=("bread",))]
    sentence = Sentence(id="s1", text="Buy bread.", start=0, end=1, at=datetime(2024, 3, 6, tzinfo=UTC))
    hits = match(trackers, sentence)
    assert [(hit.tracker, hit.phrase, hit.sentence, hit.text) for hit in hits] == [
        ("A", "bread", "s1", "bread"),
        ("B", "bread", "s1", "bread"),
    ]


@given(st.text(max_size=20), st.text(max_size=60))
def test_any_text_is_searched_and_places_are_right(phrase: str, text: str) -> None:
    for hit in find(phrase, text):
        assert hit.offset == -1 or text[hit.offset : hit.offset + len(hit.text)] == hit.text


@given(st.lists(st.sampled_from(["I", "don't", "love", "it", "the", "deal", "offers", "special", "not"]), max_size=8))
def test_what_is_said_to_the_letter_is_always_found(words: list[str]) -> None:
    text = " ".join(["Well,", *words, "special", "offer."])
    assert any(hit.offset >= 0 for hit in find("Special offer", text))
