"""Facts as clients are told them live: pure functions from one fact to the messages that say it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from earmark_engine.facts import AnyFact, Entry, Marked, Named, Place, Said, TopicsFound, Tracked
from earmark_engine.insights.types import EntityFound, Kind, Mark, Person, Sentiment, Tag, TopicFound, TrackerMatch
from earmark_symbl import api as symbl

CHANNEL = {"id": "realtime-api"}


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What one client asked to be told."""

    kinds: frozenset[Kind] = frozenset(Kind)
    threshold: float = 0.0
    sentiment: bool = True
    entities: bool = True
    clock: str | None = None
    """The stream whose capture clock is this client's own."""
    extended: bool = False
    """Whether it speaks our extension, so that results are numbered for it."""


class Spoken(Protocol):
    """What must be known of a conversation to speak of a fact of it."""

    @property
    def began(self) -> float:
        """Wall-clock seconds since 1970."""
        ...

    @property
    def threshold(self) -> float:
        """How sure a mark had to be for the detector to make it."""
        ...

    @property
    def utc_offset_minutes(self) -> int:
        """Minutes east of UTC, where the clients are."""
        ...

    @property
    def texts(self) -> dict[str, Said]:
        """The latest sentences by their ids."""
        ...


def messages_of(entry: Entry, spoken: Spoken, view: View) -> list[symbl.ResultMessage]:
    """What a client with this view is told of a fact."""
    said = _said(entry.fact, entry.sequence, spoken, view)
    return [msgspec.structs.replace(message, earmark=_placed(entry, view)) for message in said]


def _said(fact: AnyFact, number: int, spoken: Spoken, view: View) -> Iterable[symbl.ResultMessage]:
    match fact:
        case Said():
            yield _message_response(fact, number, spoken, view)
        case Marked(mark=mark) if mark.kind in view.kinds and _is_sure(mark, spoken, view):
            yield symbl.InsightResponse(insights=(_insight(mark, spoken),), sequence_number=number)
        case TopicsFound(topics=topics):
            yield symbl.TopicResponse(topics=tuple(map(_topic, topics)), sequence_number=number)
        case Tracked(matches=matches):
            yield symbl.TrackerResponse(trackers=_trackers(matches, spoken), sequence_number=number)
        case Named(entities=entities) if view.entities:
            yield symbl.EntityResponse(entities=_entities(entities, spoken), sequence_number=number)


def _is_sure(mark: Mark, spoken: Spoken, view: View) -> bool:
    """Whether a mark is sure enough for this client: the detector has seen to whoever is content with the least."""
    return view.threshold <= spoken.threshold or mark.confidence >= view.threshold


def _placed(entry: Entry, view: View) -> symbl.Placed | None:
    if not view.extended:
        return None
    place: Place | None = getattr(entry.fact, "place", None)
    own = place if place and place.clock == view.clock else None
    return symbl.Placed(sequence=entry.sequence, start=own.start if own else None, end=own.end if own else None)


# -- messages ---------------------------------------------------------------------------------------------------------


def iso(seconds: float) -> str:
    """Wall-clock seconds as an ISO time in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def user(person: Person | None) -> symbl.User:
    """Somebody as the wire names them."""
    if person is None:
        return symbl.User()
    return symbl.User(id=person.id, name=person.name, user_id=person.user_id)


def wire_sentiment(sentiment: Sentiment) -> symbl.WireSentiment:
    """How something sounds, as the wire has it."""
    return symbl.WireSentiment(polarity=symbl.Polarity(score=round(sentiment.score, 3)), suggested=sentiment.suggested)


def _message_response(said: Said, number: int, spoken: Spoken, view: View) -> symbl.MessageResponse:
    words = [
        {"word": word.text, "startTime": iso(spoken.began + word.start), "endTime": iso(spoken.began + word.end)}
        for word in said.words
    ]
    message = symbl.Message(
        from_=user(said.speaker),
        payload=symbl.Content(content=said.text),
        id=said.id,
        channel=CHANNEL,
        metadata=symbl.Metadata(
            disable_punctuation=True,
            timezone_offset=spoken.utc_offset_minutes,
            original_content=said.text,
            words=msgspec.json.encode(words).decode(),
            original_message_id=said.id,
        ),
        duration=symbl.Span(
            start_time=iso(spoken.began + said.start),
            end_time=iso(spoken.began + said.end),
            time_offset=round(said.start, 3),
            duration=round(said.end - said.start, 3),
        ),
        entities=tuple(map(_message_entity, said.entities)) if view.entities else None,
        sentiment=wire_sentiment(said.sentiment) if view.sentiment and said.sentiment else None,
    )
    return symbl.MessageResponse(messages=(message,), sequence_number=number, sentiment=view.sentiment)


def _message_entity(entity: EntityFound) -> symbl.MessageEntity:
    return symbl.MessageEntity(
        type=entity.kind, category=entity.category, detected_value=entity.value, offset=entity.offset
    )


# -- insights ---------------------------------------------------------------------------------------------------------


def _insight(mark: Mark, spoken: Spoken) -> symbl.Insight:
    return symbl.Insight(
        id=mark.id,
        type=str(mark.kind),
        confidence=mark.confidence,
        message_reference=symbl.Reference(id=mark.sentences[0] if mark.sentences else ""),
        hints=(
            symbl.Hint(key="confidenceScore", value=f"{mark.confidence:.4f}"),
            symbl.Hint(key="revision", value=str(mark.revision)),
        ),
        assignee=user(mark.assignee or (mark.speaker if mark.kind is Kind.QUESTION else None)),
        due_by=symbl.DueBy(value=mark.due.isoformat()) if mark.due else None,
        tags=tuple(_tag(tag, mark) for tag in mark.tags),
        payload=symbl.Content(content=mark.text),
        text=mark.text,
        from_=user(mark.speaker),
    )


def _tag(tag: Tag, mark: Mark) -> symbl.Tag:
    if tag.when is not None:
        exact = mark.due_has_time or tag.when != mark.due
        told: dict[str, Any] = {"datetime": tag.when.isoformat() if exact else tag.when.date().isoformat()}
    else:
        person = tag.person or Person(name=tag.text)
        told = {"name": person.name, "id": person.id, "userId": person.user_id, "assignee": tag.assignee}
    return symbl.Tag(type=tag.kind, text=tag.text, begin_offset=tag.offset, value={"value": told})


# -- topics, trackers, entities ---------------------------------------------------------------------------------------


def _topic(topic: TopicFound) -> symbl.Topic:
    return symbl.Topic(
        id=topic.id,
        phrases=topic.text,
        message_references=tuple(symbl.Reference(id=found, relation="text instance") for found in topic.sentences),
        root_words=tuple(symbl.RootWord(text=word) for word in topic.text.split()),
        score=round(topic.score, 3),
    )


def tracked(matches: Iterable[TrackerMatch]) -> dict[str, dict[str, list[TrackerMatch]]]:
    """The same by tracker, and by the phrase that was listened for."""
    grouped: dict[str, dict[str, list[TrackerMatch]]] = {}
    for match in matches:
        grouped.setdefault(match.tracker, {}).setdefault(match.phrase, []).append(match)
    return grouped


def _trackers(matches: Sequence[TrackerMatch], spoken: Spoken) -> tuple[symbl.TrackerHit, ...]:
    return tuple(
        symbl.TrackerHit(
            name=name,
            matches=tuple(
                symbl.TrackerMatch(value=phrase, message_refs=tuple(_reference(f, spoken) for f in found))
                for phrase, found in phrases.items()
            ),
        )
        for name, phrases in tracked(matches).items()
    )


def interim_trackers(matches: Sequence[TrackerMatch], spoken: Spoken) -> symbl.TrackerResponse:
    """Phrases that were heard in text that may still change."""
    return symbl.TrackerResponse(is_final=False, trackers=_trackers(matches, spoken))


def _reference(match: TrackerMatch, spoken: Spoken) -> symbl.Reference:
    start, end = _times(match.sentence, spoken)
    return symbl.Reference(id=match.sentence, text=match.text, offset=match.offset, start_time=start, end_time=end)


def _entities(entities: Sequence[EntityFound], spoken: Spoken) -> tuple[symbl.EntityHit, ...]:
    ordered = sorted(entities, key=_group)
    return tuple(
        symbl.EntityHit(type=kind, category=category, matches=tuple(_entity_match(e, spoken) for e in found))
        for (kind, category), found in itertools.groupby(ordered, key=_group)
    )


def _group(entity: EntityFound) -> tuple[str, str]:
    return entity.kind, entity.category


def _entity_match(entity: EntityFound, spoken: Spoken) -> symbl.EntityMatch:
    start, end = _times(entity.sentence, spoken)
    said = spoken.texts.get(entity.sentence)
    reference = symbl.Reference(
        id=entity.sentence, text=said.text if said else None, offset=entity.offset, start_time=start, end_time=end
    )
    return symbl.EntityMatch(detected_value=entity.value, message_refs=(reference,))


def _times(sentence: str, spoken: Spoken) -> tuple[str | None, str | None]:
    said = spoken.texts.get(sentence)
    return (iso(spoken.began + said.start), iso(spoken.began + said.end)) if said else (None, None)
