from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from earmark.audio import Frame
from earmark.events import (
    Change,
    Entity,
    Hearing,
    Insight,
    InsightKind,
    MarkChanged,
    Sentiment,
    Speaker,
    Topic,
    TrackerHit,
    Utterance,
)
from earmark.hookspecs import Axis, Confirmed, FromPeer, Heard, Trouble
from earmark_symbl.lifecycle import (
    Alternative,
    EarmarkHeard,
    ErrorMessage,
    NestedError,
    Placed,
    Punctuated,
    RawSpeech,
    RecognitionResult,
    RecognizedWord,
    SpeechPayload,
    StartedListening,
    WireTime,
)
from earmark_symbl.matching import Matcher
from earmark_symbl.results import (
    Content,
    DueBy,
    EntityHit,
    EntityMatch,
    EntityResponse,
    Hint,
    InsightResponse,
    Message,
    MessageResponse,
    Polarity,
    Reference,
    Tag,
    TopicResponse,
    TrackerMatch,
    TrackerResponse,
    User,
    WireSentiment,
)
from earmark_symbl.results import Insight as WireInsight
from earmark_symbl.results import Topic as WireTopic
from earmark_symbl.results import TrackerHit as WireTrackerHit
from earmark_symbl.translation import Marks, Translator

JANE = User(id="1", name="Jane", user_id="jane@example.com")


@pytest.fixture
def translator() -> Translator:
    """One that has sent ten seconds of sound from second 100, left ten out, and sent ten more."""
    translator = Translator(Matcher(), Marks(), timezone_offset=lambda: -60)
    for start in (100, 120):
        samples = np.zeros(160_000, dtype=np.int16)
        translator.table.add(Frame(samples=samples, rate=16_000, position=start * 16_000, at=0.0))
    return translator


def final(text: str, *, start: float, placed: Placed | None = None) -> RecognitionResult:
    words = tuple(
        RecognizedWord(
            word=word, start_time=WireTime.of(start + number / 2), end_time=WireTime.of(start + number / 2 + 0.5)
        )
        for number, word in enumerate(text.split())
    )
    alternative = Alternative(words=words, transcript=text, confidence=0.9)
    return RecognitionResult(
        is_final=True, payload=SpeechPayload(raw=RawSpeech(alternatives=(alternative,))), earmark=placed
    )


def message(text: str, **members: Any) -> Message:
    return Message(id="m1", payload=Content(content=text), **members)


def events(told: list[FromPeer]) -> list[Any]:
    assert all(isinstance(item, Heard) for item in told)
    return [item.event for item in told if isinstance(item, Heard)]


def insight(translator: Translator, **members: Any) -> Insight:
    members = {"id": "i1", "type": "action_item", "payload": Content(content="Do it."), **members}
    (event,) = events(translator.told(InsightResponse(insights=(WireInsight(**members),))))
    assert isinstance(event, Insight)
    return event


def test_speech_is_heard_on_the_capture_clock_also_behind_a_pause(translator: Translator) -> None:
    (before,) = translator.told(final("call the plumber", start=1))
    (behind,) = translator.told(final("call the plumber", start=12))
    assert isinstance(before, Heard)
    assert isinstance(behind, Heard)
    assert isinstance(before.event, Hearing)
    assert isinstance(behind.event, Hearing)
    assert (before.event.start, before.event.end, before.axis) == (101, 102.5, Axis.CAPTURE)
    assert (behind.event.start, behind.event.end, behind.event.final) == (122, 123.5, True)


def test_interim_text_has_no_times_and_tells_who_speaks(translator: Translator) -> None:
    user = {"id": "1", "name": "Jane", "userId": None, "peerId": 7}
    interim = RecognitionResult(punctuated=Punctuated(transcript="call the"), user=user)
    (event,) = events(translator.told(interim))
    assert (event.text, event.start, event.final, event.speaker) == (
        "call the", None, False, Speaker(name="Jane", id="1"),
    )  # fmt: skip
    assert translator.told(RecognitionResult()) == []


def test_a_message_lies_where_its_words_were_heard(translator: Translator) -> None:
    translator.told(final("so call the plumber", start=1))
    (told,) = translator.told(MessageResponse(messages=(message("Call the plumber!", from_=JANE),)))
    assert isinstance(told, Heard)
    assert isinstance(told.event, Utterance)
    assert (told.event.id, told.event.start, told.event.end) == ("m1", 101.5, 103.0)
    assert told.event.speaker == Speaker(name="Jane", id="1", user_id="jane@example.com")
    assert (told.event.confidence, told.axis) == (0.9, Axis.CAPTURE)
    assert [(word.text, word.start) for word in told.words] == [("Call", 101.5), ("the", 102.0), ("plumber!", 102.5)]


def test_words_of_before_a_new_start_keep_their_place(translator: Translator) -> None:
    translator.told(final("call the plumber", start=1))
    translator.table = type(translator.table)()
    (event,) = events(translator.told(MessageResponse(messages=(message("Call the plumber."),))))
    assert (event.start, event.end) == (101, 102.5)


def test_a_message_that_nobody_heard_lies_where_the_last_one_ended(translator: Translator) -> None:
    translator.told(final("call the plumber", start=1))
    (event,) = events(translator.told(MessageResponse(messages=(message("It rains in Spain."),))))
    assert (event.start, event.end, event.confidence) == (102.5, 102.5, None)


def test_our_own_engine_says_itself_where_things_lie(translator: Translator) -> None:
    translator.rate = 16_000
    placed = Placed(sequence=7, start=1_600_000, end=1_640_000)
    translator.told(final("call the plumber", start=1, placed=Placed(start=1_600_000, end=1_640_000)))
    response = MessageResponse(messages=(message("Call the plumber."), message("Now.")), earmark=placed)
    first, last = translator.told(response)
    assert isinstance(first, Heard)
    assert isinstance(last, Heard)
    assert isinstance(first.event, Utterance)
    assert (first.event.start, first.event.end, first.words, first.event.confidence) == (100, 102.5, (), 0.9)
    assert (first.sequence, last.sequence) == (None, 7)


def test_our_own_engine_confirms_what_it_has_heard(translator: Translator) -> None:
    confirmation = EarmarkHeard(samples=1_600_000, sequence=7)
    assert translator.told(confirmation) == []
    translator.rate = 16_000
    assert translator.told(confirmation) == [Confirmed(until=100, axis=Axis.CAPTURE, sequence=7)]


def test_a_message_tells_how_it_sounds(translator: Translator) -> None:
    sentiment = WireSentiment(polarity=Polarity(score=0.6), suggested="positive")
    (event,) = events(translator.told(MessageResponse(messages=(message("Nice.", sentiment=sentiment),))))
    assert event.sentiment == Sentiment(score=0.6, suggested="positive")


def test_an_insight_says_who_what_and_from_where(translator: Translator) -> None:
    event = insight(
        translator,
        confidence=0.98,
        assignee=User(name="John"),
        from_=JANE,
        message_reference=Reference(id="m1"),
    )
    assert (event.mark, event.kind, event.text, event.revision) == ("i1", InsightKind.ACTION_ITEM, "Do it.", 0)
    assert (event.assignee, event.utterance, event.confidence) == (Speaker(name="John"), "m1", 0.98)


def test_a_question_has_nobody_to_do_it(translator: Translator) -> None:
    assert insight(translator, type="question", assignee=JANE, text="Who?").assignee is None


DAY, MORNING = "2021-02-05T00:00:00-07:00", "2021-02-05T09:30:00-07:00"


@pytest.mark.parametrize(
    ("due", "stamps", "expected", "has_time"),
    [
        (DAY, ["2021-02-05"], datetime(2021, 2, 5, tzinfo=timezone(timedelta(hours=-7))), False),
        (DAY, [], datetime(2021, 2, 5, tzinfo=timezone(timedelta(hours=-7))), False),
        (DAY, [DAY], datetime(2021, 2, 5, tzinfo=timezone(timedelta(hours=-7))), True),
        (MORNING, [], datetime(2021, 2, 5, 9, 30, tzinfo=timezone(timedelta(hours=-7))), True),
        ("2021-02-05", [], datetime(2021, 2, 5, tzinfo=timezone(timedelta(hours=1))), False),
        ("2021-02-05T09:30:00Z", [], datetime(2021, 2, 5, 9, 30, tzinfo=UTC), True),
        ("soon", [], None, True),
        ("", [], None, True),
    ],
)
def test_a_day_is_told_from_an_hour(
    translator: Translator, due: str, stamps: list[str], expected: datetime | None, has_time: bool
) -> None:
    tags = tuple(Tag(type="date", value={"value": {"datetime": stamp}}) for stamp in stamps)
    event = insight(translator, due_by=DueBy(value=due), tags=(*tags, Tag(type="person", value="odd")))
    assert (event.due, event.due_has_time) == (expected, has_time)


def test_an_insight_told_anew_with_other_words_is_a_revision(translator: Translator) -> None:
    assert insight(translator).revision == 0
    assert insight(translator).revision == 0
    assert insight(translator, assignee=JANE).revision == 1
    assert insight(translator, hints=(Hint(key="revision", value="4"),)).revision == 4
    assert insight(translator, hints=(Hint(key="revision", value="many"),)).revision == 4


def test_an_insight_that_is_dismissed_changes_its_mark(translator: Translator) -> None:
    dismissed = WireInsight(id="i1", type="question", text="Who?", dismissed=True)
    (event,) = events(translator.told(InsightResponse(insights=(dismissed,))))
    assert isinstance(event, MarkChanged)
    assert (event.mark, event.change) == ("i1", Change.DISMISSED)


def test_insights_of_a_kind_we_do_not_know_are_left_out(translator: Translator) -> None:
    odd = WireInsight(id="i1", type="joke", text="Knock, knock.")
    assert translator.told(InsightResponse(insights=(odd, WireInsight(id="i2", type="question")))) == []


def test_topics_trackers_and_entities_point_at_what_was_said(translator: Translator) -> None:
    place = Reference(id="m1", text="I love it.", offset=-1)
    topic = WireTopic(id="t1", phrases="auto insurance", score=0.9, message_references=(place,))
    hit = WireTrackerHit(name="Goodness", matches=(TrackerMatch(value="I like it", message_refs=(place,)),))
    entity = EntityHit(
        type="person", category="x", matches=(EntityMatch(detected_value="Jane", message_refs=(place,)),)
    )
    (found,) = events(translator.told(TopicResponse(topics=(topic,))))
    assert isinstance(found, Topic)
    assert (found.text, found.score, found.utterances) == ("auto insurance", 0.9, ("m1",))
    (tracked,) = events(translator.told(TrackerResponse(trackers=(hit,))))
    assert isinstance(tracked, TrackerHit)
    assert (tracked.tracker, tracked.phrase, tracked.text, tracked.utterance) == (
        "Goodness", "I like it", "I love it.", "m1",
    )  # fmt: skip
    (named,) = events(translator.told(EntityResponse(entities=(entity,))))
    assert isinstance(named, Entity)
    assert (named.kind, named.value, named.utterance) == ("person", "Jane", "m1")


def test_trackers_that_may_still_change_their_mind_are_not_told(translator: Translator) -> None:
    hit = WireTrackerHit(name="Goodness", matches=(TrackerMatch(value="a", message_refs=(Reference(id="m1"),)),))
    assert translator.told(TrackerResponse(is_final=False, trackers=(hit,))) == []


def test_complaints_are_passed_on_and_the_rest_is_not(translator: Translator) -> None:
    assert translator.told(ErrorMessage(message="No.")) == [Trouble("No.")]
    assert translator.told(NestedError(details="Neither.")) == [Trouble("Neither.")]
    assert translator.told(StartedListening()) == []


def test_what_is_told_late_of_sound_that_is_sent_again_is_left_out(translator: Translator) -> None:
    translator.resent_until = 140
    late = MessageResponse(messages=(message("Call the plumber.", from_=JANE),))
    about = WireInsight(id="i1", type="question", text="Who?", message_reference=Reference(id="m1"))
    assert translator.told(late) == []
    assert translator.told(InsightResponse(insights=(about,))) == []
    assert len(translator.told(InsightResponse(insights=(WireInsight(id="i2", type="question", text="Who?"),)))) == 1
    translator.told(final("call the plumber", start=1))
    assert len(translator.told(MessageResponse(messages=(message("Call the plumber."),)))) == 1


def test_what_others_say_meanwhile_is_not_left_out(translator: Translator) -> None:
    translator.resent_until = 140
    translator.told(RecognitionResult(punctuated=Punctuated(transcript="call"), user={"id": "2"}))
    assert len(translator.told(MessageResponse(messages=(message("Hello.", from_=JANE),)))) == 1


def test_what_is_told_behind_sound_that_was_sent_again_is_never_left_out(translator: Translator) -> None:
    translator.resent_until = 125
    assert len(translator.told(MessageResponse(messages=(message("Hello.", from_=JANE),)))) == 1
