"""Topics: phrases of weight, merged, with ids that stay."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.insights.topics import MOST_TOPICS, WEIGHTY_FROM, Topics, phrases
from earmark_engine.insights.types import Person, Sentence, TopicFound


def say(number: int, text: str) -> Sentence:
    return Sentence(id=f"s{number}", text=text, start=number, end=number + 1, at=datetime(2024, 3, 6, tzinfo=UTC))


def talk(*texts: str) -> tuple[Topics, list[TopicFound]]:
    topics = Topics()
    return topics, [found for number, text in enumerate(texts) for found in topics.add(say(number, text))]


PHRASES = [
    ("The kitchen tap was dripping all night.", ["kitchen tap"]),
    ("I'll call the plumber on Thursday afternoon.", ["plumber"]),
    ("We bought a new washing machine and a blue sofa.", ["washing machine", "blue sofa"]),
    ("Could you feed the cat?", ["cat"]),
    ("The heating is making a strange noise.", ["heating", "strange noise"]),
    ("He has to go to school by bus.", ["school", "bus"]),
    ("I want to paint the fence.", ["fence"]),
    ("Tom's homework is about volcanoes.", ["homework", "volcanoes"]),
    ("Anna and Tom are in the garden.", ["garden"]),
    ("They really need quickly three of those things.", []),
    ("Okay, well, you know, that's fine.", []),
    ("the summer holiday in portugal", ["summer holiday", "portugal"]),
    ("The sha- shape of the remote control", ["shape", "remote control"]),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), PHRASES)
def test_noun_phrases_are_what_lies_between_other_words(text: str, expected: list[str]) -> None:
    assert [" ".join(phrase) for phrase in phrases(text)] == expected


def test_what_is_spoken_of_again_is_a_topic() -> None:
    topics, told = talk("The plumber comes on Monday.", "What does the plumber cost?", "It's raining.")
    assert [(topic.text, topic.sentences) for topic in told] == [("plumber", ("s0", "s1"))]
    assert [topic.id for topic in topics.all()] == [told[0].id]


def test_a_topic_is_told_again_when_it_has_grown_and_keeps_its_id() -> None:
    _, told = talk(*["The plumber was here."] * 4)
    assert len(told) > 1
    assert len({topic.id for topic in told}) == 1
    assert [topic.score for topic in told] == sorted(topic.score for topic in told)


def test_a_longer_name_of_the_same_thing_is_the_same_topic() -> None:
    topics, _ = talk("The kitchen tap drips.", "The tap is old.", "Who fixes the kitchen tap?")
    assert [(topic.text, len(topic.sentences)) for topic in topics.all()] == [("kitchen tap", 3)]


def test_forms_of_a_word_are_one_topic() -> None:
    topics, _ = talk("The brake squeaks.", "New brakes are expensive.")
    assert len(topics.all()) == 1


def test_common_heads_keep_different_things_apart() -> None:
    topics, _ = talk("The washing machine is broken.", "The coffee machine works.", "A washing machine is dear.")
    assert {"washing machine", "coffee machine"} == {topic.text for topic in topics.all()}


def test_a_word_inside_a_longer_topic_is_not_told_twice() -> None:
    topics, _ = talk(*["Where is the remote?", "The remote control is here.", "Is the remote control new?"] * 2)
    assert [topic.text for topic in topics.all()] == ["remote control"]


def test_everyday_words_and_names_are_no_topics() -> None:
    topics = Topics(people=(Person(name="Svenja"),))
    for number in range(5):
        topics.add(say(number, "Okay Svenja, that's the thing, you know, people think so on Monday morning."))
    assert topics.all() == []


def test_a_topic_stays_when_the_talk_goes_on() -> None:
    topics, told = talk(*["The plumber comes.", "The plumber is dear."], *[f"It's {n} o'clock." for n in range(50)])
    after = {topic.id: topic.score for topic in topics.all()}
    assert after[told[0].id] == pytest.approx(told[0].score, abs=0.05)


def test_endless_talk_is_forgotten_bit_by_bit() -> None:
    topics = Topics()
    letters = "bcdfghjklmnpqrstvwxz"
    for number in range(MOST_TOPICS + 200):
        word = "".join(letters[number // 20**place % 20] + "o" for place in range(4))
        topics.add(say(number, f"The {word} is here and the plumber too."))
    assert next(topic.text for topic in topics.all()) == "plumber"
    assert len(topics.all()) < MOST_TOPICS


SPOKEN = "the a kitchen tap taps plumber remote control to will call Anna, . ? is dripping machine washing 3 İ ’s 😀"


@given(st.lists(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(SPOKEN.split())).map(" ".join)), max_size=8))
def test_whatever_is_said_scores_and_references_hold(texts: list[str]) -> None:
    topics, told = talk(*texts)
    said = {f"s{number}" for number in range(len(texts))}
    for topic in told:
        assert topic.score >= WEIGHTY_FROM
    for topic in [*told, *topics.all()]:
        assert 0 <= topic.score <= 1
        assert topic.text
        assert topic.sentences
        assert said.issuperset(topic.sentences)
    scores = [topic.score for topic in topics.all()]
    assert scores == sorted(scores, reverse=True)
    assert len({topic.id for topic in topics.all()}) == len(scores)
