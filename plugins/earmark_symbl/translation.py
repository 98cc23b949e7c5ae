"""From the service's messages to what the uplink is told: pure, but for what it remembers of words and insights.

A message whose words were not heard is placed where the last one ended, with one exception: where a line was lost, the
service may tell late what it made of the end of it, and the same sound is sent again. What such a message says will be
said once more, with its words, so it is left out, and so is what refers to it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from earmark.clock import moment
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
    Word,
)
from earmark.hookspecs import Axis, Confirmed, FromPeer, Heard, Trouble
from earmark.uplink.timeline import SentTable
from earmark_symbl import lifecycle, results
from earmark_symbl.matching import Matcher, SpokenWord
from earmark_symbl.messages import ServerMessage

UNSTAMPED = moment(0)
"""The time of events until the uplink knows it."""
_BY = "symbl"
_REVISION = "revision"
_MOST_MARKS = 2000
_LATE_SECONDS = 2.0


class Marks:
    """Which insights were told already, so that one that is told anew with other words is a revision of it."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[results.Insight, int]] = OrderedDict()

    def revision(self, insight: results.Insight) -> int:
        """How often the insight was amended: as the service says, or as often as it changed here."""
        said = next((hint.value for hint in insight.hints if hint.key == _REVISION), None)
        known = self._known.get(insight.id)
        counted = 0 if known is None else known[1] + (_gist(known[0]) != _gist(insight))
        try:
            revision = counted if said is None else int(float(said))
        except (ValueError, OverflowError):
            revision = counted
        self._known[insight.id] = (insight, revision)
        if len(self._known) > _MOST_MARKS:
            self._known.popitem(last=False)
        return revision


class Translator:
    """Tells what a service's messages mean to the room; all its times are on the capture clock."""

    def __init__(self, matcher: Matcher, marks: Marks, *, timezone_offset: Callable[[], int]) -> None:
        self._matcher = matcher
        self._marks = marks
        self._timezone_offset = timezone_offset
        self._latest = 0.0
        self._own: str | None = None
        """The service's id of whoever speaks here."""
        self._left_out: set[str] = set()
        self.resent_until = 0.0
        """Up to where on the capture clock sound is sent again, because an earlier line was lost."""
        self.table = SentTable()
        """What was sent since the latest start."""
        self.rate: int | None = None
        """Samples a second of the capture clock, where the service speaks our extension."""

    def told(self, message: ServerMessage) -> list[FromPeer]:
        """What a message means; nothing for those that concern only the line."""
        if isinstance(message, lifecycle.ErrorMessage):
            return [Trouble(message.text)]
        if isinstance(message, lifecycle.EarmarkHeard):
            return [self._confirmed(message, self.rate)] if self.rate else []
        if isinstance(message, lifecycle.RecognitionResult):
            return self._speech(message)
        heard = [one for one in self._results(message) if getattr(one.event, "utterance", None) not in self._left_out]
        if heard and isinstance(message, results.Result) and message.earmark and message.earmark.sequence:
            # Only the last of several carries the number: nothing of a message may count as kept before all of it is.
            heard[-1] = replace(heard[-1], sequence=message.earmark.sequence)
        return list(heard)

    def _confirmed(self, message: lifecycle.EarmarkHeard, rate: int) -> Confirmed:
        return Confirmed(until=message.samples / rate, axis=Axis.CAPTURE, sequence=message.sequence)

    def _results(self, message: ServerMessage) -> Iterator[Heard]:
        match message:
            case results.MessageResponse():
                for said in message.messages:
                    yield from self._utterance(said, message.earmark)
            case results.InsightResponse():
                yield from self._insights(message.insights)
            case results.TopicResponse():
                yield from map(_topic, message.topics)
            case results.TrackerResponse() if message.is_final:
                yield from _tracker_hits(message.trackers)
            case results.EntityResponse():
                yield from _entities(message.entities)

    # -- speech -----------------------------------------------------------------------------------------------------

    def _speech(self, result: lifecycle.RecognitionResult) -> list[FromPeer]:
        if not result.text:
            return []
        words = [self._spoken(word, result) for word in result.words]
        speaker = _user(result.user)
        self._own = speaker.id if speaker else self._own
        if result.is_final:
            self._matcher.hear(words)
        heard = (words[0].start, words[-1].end) if words else (None, None)
        start, end = self._span(result.earmark) or heard
        hearing = Hearing(at=UNSTAMPED, text=result.text, start=start, end=end, final=result.is_final, speaker=speaker)
        return [Heard(hearing, Axis.CAPTURE)]

    def _spoken(self, word: lifecycle.RecognizedWord, result: lifecycle.RecognitionResult) -> SpokenWord:
        start = self.table.capture(word.start_time.total)
        end = max(start, self.table.capture(word.end_time.total, at_end=True))
        return SpokenWord(word.word, start, end, result.payload.raw.alternatives[0].confidence or None)

    def _utterance(self, said: results.Message, placed: lifecycle.Placed | None) -> Iterator[Heard]:
        placement = self._matcher.place(said.payload.content)
        if placement is None and self._comes_again(said):
            self._left_out.add(said.id)
            return
        matched = (placement.start, placement.end) if placement and self.rate is None else None
        latest = max(self._latest, self._matcher.horizon)
        start, end = self._span(placed) or matched or (latest, latest)
        self._latest = max(self._latest, end)
        utterance = Utterance(
            at=UNSTAMPED,
            id=said.id,
            text=said.payload.content,
            start=start,
            end=end,
            speaker=_speaker(said.from_),
            confidence=placement.confidence if placement else None,
            sentiment=sentiment_of(said.sentiment),
        )
        words = placement.words if placement and matched else ()
        yield Heard(utterance, Axis.CAPTURE, words=tuple(Word(text=w.text, start=w.start, end=w.end) for w in words))

    def _comes_again(self, said: results.Message) -> bool:
        """Whether a message speaks of sound that is being sent again; what others say does not."""
        another = None not in (self._own, said.from_.id) and said.from_.id != self._own
        again = self.resent_until > 0 and self.table.until < self.resent_until + _LATE_SECONDS
        return again and self.rate is None and not another

    def _span(self, placed: lifecycle.Placed | None) -> tuple[float, float] | None:
        """Where our own engine says that it lies."""
        if placed is None or placed.start is None or placed.end is None or not self.rate:
            return None
        return placed.start / self.rate, placed.end / self.rate

    # -- insights ---------------------------------------------------------------------------------------------------

    def _insights(self, insights: Iterable[results.Insight]) -> Iterator[Heard]:
        for insight in insights:
            if insight.dismissed:
                change = MarkChanged(
                    id=f"{insight.id} dismissed", at=UNSTAMPED, mark=insight.id, change=Change.DISMISSED, by=_BY
                )
                yield Heard(change)
            elif insight.content and insight.type in tuple(InsightKind):
                yield Heard(self._insight(insight))

    def _insight(self, insight: results.Insight) -> Insight:
        due, has_time = self._due(insight)
        return Insight(
            at=UNSTAMPED,
            mark=insight.id or insight.content,
            kind=InsightKind(insight.type),
            text=insight.content,
            revision=self._marks.revision(insight),
            speaker=_speaker(insight.from_),
            assignee=_speaker(insight.assignee) if insight.type != InsightKind.QUESTION else None,
            due=due,
            due_has_time=has_time,
            utterance=insight.message_reference.id if insight.message_reference else None,
            confidence=insight.confidence,
        )

    def _due(self, insight: results.Insight) -> tuple[datetime | None, bool]:
        """By when, and whether an hour was named: where a tag names only the day, there was none."""
        try:
            due = datetime.fromisoformat(insight.due)
        except ValueError:
            return None, True
        if due.tzinfo is None:
            due = due.replace(tzinfo=timezone(timedelta(minutes=-self._timezone_offset())))
        named = [str(stamp) for tag in insight.tags if tag.type == "date" and (stamp := _datetime_of(tag.value))]
        day_only = any(len(stamp) <= len("2021-02-05") for stamp in named)
        midnight = (due.hour, due.minute, due.second) == (0, 0, 0)
        return due, not day_only and (bool(named) or not midnight)


def sentiment_of(sentiment: results.WireSentiment | None) -> Sentiment | None:
    """How something sounds."""
    return Sentiment(score=sentiment.polarity.score, suggested=sentiment.suggested) if sentiment else None


def _speaker(user: results.User | None) -> Speaker | None:
    if user is None or not (user.name or user.user_id or user.id):
        return None
    return Speaker(name=user.name, id=user.id, user_id=user.user_id or user.email)


def _user(user: dict[str, Any] | None) -> Speaker | None:
    named = {key: value for key, value in (user or {}).items() if isinstance(value, str)}
    return _speaker(results.User(id=named.get("id"), name=named.get("name"), user_id=named.get("userId")))


def _topic(topic: results.Topic) -> Heard:
    references = tuple(reference.id for reference in topic.message_references)
    found = Topic(
        id=topic.id or topic.phrases, at=UNSTAMPED, text=topic.phrases, score=topic.score, utterances=references
    )
    return Heard(found)


def _tracker_hits(trackers: Sequence[results.TrackerHit]) -> Iterator[Heard]:
    for tracker in trackers:
        for match in tracker.matches:
            for place in match.message_refs:
                yield Heard(
                    TrackerHit(
                        id=f"{tracker.name} {match.value} {place.id} {place.offset}",
                        at=UNSTAMPED,
                        tracker=tracker.name,
                        phrase=match.value,
                        text=place.text or "",
                        utterance=place.id or None,
                    )
                )


def _entities(entities: Sequence[results.EntityHit]) -> Iterator[Heard]:
    for entity in entities:
        for match in entity.matches:
            for place in match.message_refs:
                yield Heard(
                    Entity(
                        id=f"{entity.type} {match.detected_value} {place.id} {place.offset}",
                        at=UNSTAMPED,
                        kind=entity.type,
                        value=match.detected_value,
                        category=entity.category or "",
                        utterance=place.id or None,
                    )
                )


def _datetime_of(value: Any) -> Any:
    """What stands under `value.datetime` of a date tag."""
    inner = value.get("value") if isinstance(value, dict) else None
    return inner.get("datetime") if isinstance(inner, dict) else None


def _gist(insight: results.Insight) -> tuple[object, ...]:
    return insight.content, insight.assignee, insight.due
