"""The detector, on conversations of our own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_engine.insights.marker import LinearDetector
from earmark_engine.insights.types import Context, Detector, Kind, Mark, Person, Sentence

WEDNESDAY = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
ANN, BEN = Person(id="1", name="Ann"), Person(id="2", name="Ben")


class Talk:
    """Says sentences to a detector, one second apart."""

    def __init__(self, context: Context | None = None) -> None:
        self.detector: Detector = LinearDetector(context or Context())
        self.marks: list[Mark] = []
        self._at, self._count = 0.0, 0

    def say(self, text: str, speaker: Person | None = None, *, after: float = 1.0) -> list[Mark]:
        start = self._at + after
        self._at = start + 0.3 * len(text.split())
        self._count += 1
        sentence = Sentence(
            id=f"s{self._count}",
            text=text,
            start=start,
            end=self._at,
            at=WEDNESDAY + timedelta(seconds=start),
            speaker=speaker,
        )
        found = list(self.detector.said(sentence).marks)
        self.marks += found
        return found


def test_a_task_is_marked_with_its_own_last_word() -> None:
    (mark,) = Talk().say("Tom needs to buy milk before Friday.")
    assert mark.kind is Kind.ACTION_ITEM
    assert mark.assignee is not None
    assert mark.assignee.name == "Tom"
    assert mark.due is not None
    assert (mark.due.month, mark.due.day, mark.due_has_time) == (3, 6, False)
    assert (mark.sentences, mark.revision) == (("s1",), 0)


def test_a_request_is_a_question_and_a_task() -> None:
    kinds = {mark.kind for mark in Talk().say("Could you take the car to the garage on Thursday?")}
    assert kinds == {Kind.QUESTION, Kind.ACTION_ITEM}


def test_i_names_nobody_where_nobody_knows_who_speaks() -> None:
    (mark,) = Talk().say("I'll call the plumber tomorrow morning.")
    assert mark.assignee is None
    assert mark.due is not None
    assert mark.due.day == 5


def test_i_is_the_speaker_or_the_owner() -> None:
    (by_speaker,) = Talk().say("I'll call the plumber tomorrow morning.", ANN)
    (by_owner,) = Talk(Context(owner=BEN)).say("I'll call the plumber tomorrow morning.")
    assert (by_speaker.assignee, by_owner.assignee) == (ANN, BEN)


def test_an_answer_that_names_the_day_amends_the_mark() -> None:
    talk = Talk()
    first = next(mark for mark in talk.say("Could you take the car to the garage?") if mark.kind is Kind.ACTION_ITEM)
    (again,) = talk.say("Sure, I'll do it on Thursday.")
    assert (again.id, again.revision, again.sentences) == (first.id, 1, ("s1", "s2"))
    assert first.due is None
    assert again.due is not None
    assert again.due.day == 5


def test_whoever_takes_it_on_becomes_the_assignee() -> None:
    talk = Talk(Context(people=(ANN, BEN)))
    talk.say("Can somebody call the plumber today?", ANN)
    marks = talk.say("I'll do it.", BEN)
    assert [mark.assignee for mark in marks if mark.revision] == [BEN]


def test_a_task_said_twice_is_marked_once() -> None:
    talk = Talk()
    talk.say("We have to buy new tyres for the car.")
    talk.say("Yes, we have to buy new tyres before Friday.")
    assert len({mark.id for mark in talk.marks if mark.kind is Kind.ACTION_ITEM}) == 1
    assert talk.marks[-1].due is not None


def test_two_tasks_are_two_marks() -> None:
    talk = Talk()
    talk.say("I'll call the plumber tomorrow.")
    talk.say("And Tom needs to buy milk before Friday.")
    assert [mark.revision for mark in talk.marks] == [0, 0]


def test_after_a_while_a_mark_is_no_longer_amended() -> None:
    talk = Talk()
    talk.say("Could you take the car to the garage?")
    assert not [mark for mark in talk.say("On Thursday.", after=60.0) if mark.revision]


def test_a_refusal_amends_nothing() -> None:
    talk = Talk()
    talk.say("Could you take the car to the garage?")
    assert not [mark for mark in talk.say("No, I can't on Thursday.") if mark.revision]


def test_only_the_kinds_that_are_asked_for_are_marked() -> None:
    talk = Talk(Context(kinds=frozenset({Kind.QUESTION})))
    talk.say("Could you take the car to the garage on Thursday?")
    assert {mark.kind for mark in talk.marks} == {Kind.QUESTION}


def test_a_higher_confidence_leaves_only_sure_marks() -> None:
    for threshold in (0.6, 0.8, 0.95):
        talk = Talk(Context(threshold=threshold))
        for text in ("Could you fetch the ladder?", "I'll do that.", "It is green, right?", "We should go."):
            talk.say(text)
        assert all(mark.confidence >= threshold - 0.001 for mark in talk.marks if not mark.revision)


def test_idle_talk_gives_nothing() -> None:
    talk = Talk()
    for text in ("The soup was lovely.", "Yes, it was.", "We had such a nice time on Saturday."):
        talk.say(text)
    assert talk.marks == []


def test_topics_and_entities_come_with_the_sentences() -> None:
    detector = LinearDetector(Context())
    for number in range(4):
        text = "The washing machine in London is broken again." if number % 2 else "That washing machine leaks."
        found = detector.said(Sentence(id=f"s{number}", text=text, start=number, end=number + 1, at=WEDNESDAY))
    assert any("washing machine" in topic.text for topic in detector.topics())
    assert any(entity.value == "London" for entity in found.entities)
    assert detector.finish().marks == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=80), st.sampled_from([None, ANN, BEN]), st.floats(0, 40)), max_size=12))
def test_whatever_is_said_marks_stay_in_order(talk: list[tuple[str, Person | None, float]]) -> None:
    told = Talk()
    for text, speaker, after in talk:
        told.say(text, speaker, after=after)
    revisions: dict[str, int] = {}
    for mark in told.marks:
        assert mark.revision == revisions.get(mark.id, -1) + 1
        revisions[mark.id] = mark.revision
        assert all(mark.text[tag.offset :].startswith(tag.text) for tag in mark.tags)
    assert msgspec.json.decode(msgspec.json.encode(told.marks), type=list[Mark]) == told.marks


def test_an_answer_is_to_the_task_that_was_named_last() -> None:
    talk = Talk()
    talk.say("I'll call the plumber tomorrow.")
    (second,) = talk.say("And Tom needs to buy milk.")
    changed = [mark for mark in talk.say("By Friday, please.") if mark.revision]
    assert [mark.id for mark in changed] == [second.id]
