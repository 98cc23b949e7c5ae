"""Segments of a recogniser become whole sentences, soon enough and with the times of their words."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.insights.sentences import (
    FULL_STOP_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    LONGEST_SENTENCE_WORDS,
    LONGEST_WAIT_SECONDS,
    Joined,
    Joiner,
    Word,
)


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()


def hear(*segments: tuple[str, float, float]) -> list[str]:
    return [sentence.text for sentence in join(*segments)]


def join(*segments: tuple[str, float, float]) -> list[Joined]:
    joiner = Joiner()
    given = [
        sentence for text, start, end in segments for sentence in joiner.add(Heard(text=text, start=start, end=end))
    ]
    return given + joiner.flush()


ONE_SEGMENT = [
    ["I'll call the plumber.", "Could you feed the cat?"],
    ["Stop!", "The pan is hot."],
    ["Mr. Miller is here with Mrs. Jones.", "Dr. Kim comes later."],
    ["It costs 3.50 euros.", "That is e.g. a coffee."],
    ["The train leaves at 3 p.m. Friday.", "Don't be late."],
    ["We met at 5 p.m. on Monday.", "It was late."],
    ["See you at 5 p.m.", "Bring cake."],
    ["J. Smith lives in No. 5.", "He is nice."],
    ["Are you coming?", "No.", "Why not?"],
    ["So do I.", "You too?"],
    ["It was the spring of hope.", "it was the winter of despair."],
    ["Wait... what did you say?"],
    ["We had bread, i.e. toast, for lunch."],
    ["He said “come here.”", "She did."],
    ["call the plumber"],
    ["1. Buy milk.", "2. Feed the cat."],
    ["The U.S. team won.", "Great!"],
]
SEGMENTS = [
    # segments with their times, and the sentences they make
    ([("I will call the", 0, 1), ("plumber tomorrow.", 1.6, 3)], ["I will call the plumber tomorrow."]),
    ([("I will call the.", 0, 1), ("Plumber tomorrow.", 1.6, 3)], ["I will call the Plumber tomorrow."]),
    ([("It was the age of wisdom,", 0, 2), ("It was foolish.", 1.9, 3)], ["It was the age of wisdom, it was foolish."]),
    ([("Could you call him.", 0, 1), ("on Thursday?", 1.5, 2)], ["Could you call him on Thursday?"]),
    ([("Could you call him?", 0, 1), ("On Thursday.", 1.5, 2)], ["Could you call him?", "On Thursday."]),
    ([("I can't come.", 0, 1), ("Because I'm ill.", 1.5, 2)], ["I can't come because I'm ill."]),
    ([("I can't come.", 0, 1), ("I'm ill.", 1.2, 2)], ["I can't come.", "I'm ill."]),
    ([("Buy milk", 0, 1), ("and bread.", 2, 2.5)], ["Buy milk and bread."]),
    ([("Buy milk", 0, 1), ("Who is there?", 2, 2.5)], ["Buy milk", "Who is there?"]),
    ([("Buy milk", 0, 1), ("and bread.", 3, 3.5)], ["Buy milk", "and bread."]),
    ([("I asked", 0, 1), ("Tom to come.", 1.2, 2)], ["I asked Tom to come."]),
    (
        [("I said that", 0, 1), ("I would. Then", 1.2, 2), ("we left.", 2.5, 3)],
        ["I said that I would.", "Then we left."],
    ),
    ([("call the plumber", 0, 1), ("what is for dinner", 2.2, 3)], ["call the plumber", "what is for dinner"]),
    ([("", 0, 1), ("  ", 1, 2), ("Yes.", 2, 3)], ["Yes."]),
]


@pytest.mark.parametrize("sentences", ONE_SEGMENT, ids=" ".join)
def test_sentences_in_one_segment_are_told_apart(sentences: list[str]) -> None:
    assert hear((" ".join(sentences), 0, 5)) == sentences


@pytest.mark.parametrize(("segments", "sentences"), SEGMENTS, ids=lambda value: str(value[0]))
def test_a_sentence_cut_at_a_pause_is_joined(segments: list[tuple[str, float, float]], sentences: list[str]) -> None:
    assert hear(*segments) == sentences


def test_times_are_those_of_the_words() -> None:
    words = tuple(Word(text=text, start=at, end=at + 0.4) for at, text in enumerate(["Go.", "I", "stay."]))
    joiner = Joiner()
    first = joiner.add(Heard(text="Go. I stay.", start=0, end=2.4, words=words))
    assert [(one.text, one.start, one.end) for one in first + joiner.flush()] == [("Go.", 0, 0.4), ("I stay.", 1, 2.4)]


def test_without_word_times_each_sentence_gets_its_share() -> None:
    first, second = join(("Go now. I stay here.", 10, 12))
    assert first.start == 10
    assert first.end == second.start == pytest.approx(10 + 2 * 8 / 21)
    assert second.end == pytest.approx(12)


def test_a_question_is_given_out_at_once() -> None:
    assert [one.text for one in Joiner().add(Heard(text="Who is it?", start=0, end=1))] == ["Who is it?"]


def test_silence_gives_out_what_is_held() -> None:
    for text, patience in (("That is all.", FULL_STOP_PAUSE_SECONDS), ("That is", LONGEST_PAUSE_SECONDS)):
        joiner = Joiner()
        assert joiner.add(Heard(text=text, start=0, end=1)) == []
        assert joiner.quiet(1 + patience - 0.1) == []
        assert [one.text for one in joiner.quiet(1 + patience)] == [text]
        assert joiner.flush() == []


def test_words_do_not_wait_for_somebody_who_speaks_on_and_on() -> None:
    joiner = Joiner()
    joiner.add(Heard(text="I think that the", start=0, end=1))
    assert joiner.passed(1 + LONGEST_WAIT_SECONDS - 0.1) == []
    assert [one.text for one in joiner.passed(1 + LONGEST_WAIT_SECONDS)] == ["I think that the"]


def test_speech_without_full_stops_is_cut_at_last() -> None:
    sentences = hear(*((("and so on and", second, second + 0.9)) for second in range(100)))
    assert len(sentences) > 1
    assert max(len(sentence.split()) for sentence in sentences) <= LONGEST_SENTENCE_WORDS


SPOKEN = "I the a. Tom? no. 5 p.m. Mr. and, … - ! “yes.” İ."
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(SPOKEN.split()), max_size=12).map(" ".join),
)


@given(st.lists(st.tuples(TEXTS, st.floats(0, 3), st.floats(0, 4)), max_size=8))
def test_no_word_is_lost_or_out_of_its_time(spoken: list[tuple[str, float, float]]) -> None:
    segments, now = [], 0.0
    for text, pause, length in spoken:
        segments.append((text, now + pause, now + pause + length))
        now += pause + length
    joined = join(*segments)
    said = [word for text, _, _ in segments for word in text.split()]
    kept = [word.text for sentence in joined for word in sentence.words]
    assert len(kept) == len(said)
    assert [one.text for one in joined] == [" ".join(word.text for word in one.words) for one in joined]
    for sentence in joined:
        assert 0 <= sentence.start <= sentence.end <= now + 1e-6
        assert all(sentence.start <= word.start <= word.end <= sentence.end + 1e-6 for word in sentence.words)
