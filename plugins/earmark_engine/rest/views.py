"""From a record to the answers of the Conversation API; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from earmark_engine.facts import Said
from earmark_engine.ids import decimal_id
from earmark_engine.insights.sentiment import sentiment as sentiment_of
from earmark_engine.insights.types import Kind, Mark, Person, Tag, TopicFound
from earmark_engine.insights.types import Sentiment as Feeling
from earmark_engine.record import Record
from earmark_engine.rest import shapes
from earmark_engine.wire import iso, tracked


def user(record: Record, person: Person | None) -> shapes.User:
    """Somebody, by the name that he has now."""
    known = record.person(person)
    if known is None:
        return shapes.User()
    member = record.members.get(known.id or "")
    return shapes.User(
        id=known.id, name=known.name, user_id=known.user_id, email=member.email if member else known.user_id
    )


def conversation(record: Record) -> shapes.Conversation:
    """The conversation itself."""
    return shapes.Conversation(
        id=record.id,
        type="meeting",
        name=record.title or record.id,
        start_time=iso(record.began),
        end_time=iso(record.until),
        members=members(record).members,
        metadata=record.metadata,
    )


def members(record: Record) -> shapes.Members:
    """Everybody who takes part."""
    return shapes.Members(
        members=[
            shapes.Member(id=id_, name=member.person.name, email=member.email) for id_, member in record.members.items()
        ]
    )


# -- messages ---------------------------------------------------------------------------------------------------------


def messages(record: Record, *, verbose: bool, sentiment: bool) -> shapes.Messages:
    """Every sentence, in the order of time."""
    phrases = _action_phrases(record)
    tags = {id_: number for number, id_ in enumerate(record.members, 1)}
    return shapes.Messages(
        messages=[
            shapes.Message(
                id=said.id,
                text=said.text,
                from_=user(record, said.speaker),
                start_time=iso(record.began + said.start),
                end_time=iso(record.began + said.end),
                time_offset=said.start,
                duration=round(said.end - said.start, 3),
                conversation_id=record.id,
                phrases=phrases.get(said.id, []),
                sentiment=_feeling(said.sentiment or sentiment_of(said.text)) if sentiment else msgspec.UNSET,
                words=_words(record, said, tags) if verbose else msgspec.UNSET,
            )
            for said in record.sentences()
        ]
    )


def _action_phrases(record: Record) -> dict[str, list[shapes.Phrase]]:
    phrases: dict[str, list[shapes.Phrase]] = {}
    for mark in record.marks_of(Kind.ACTION_ITEM):
        for sentence in mark.sentences[:1]:
            phrases.setdefault(sentence, []).append(shapes.Phrase(type="action_phrase", text=mark.text))
    return phrases


def _words(record: Record, said: Said, tags: dict[str, int]) -> list[shapes.Word]:
    return [
        shapes.Word(
            word=word.text,
            start_time=iso(record.began + word.start),
            end_time=iso(record.began + word.end),
            time_offset=word.start,
            duration=round(word.end - word.start, 3),
            speaker_tag=tags.get(said.speaker.id or "") if said.speaker else None,
            score=word.confidence,
        )
        for word in said.words
    ]


def _feeling(feeling: Feeling) -> shapes.Sentiment:
    return shapes.Sentiment(polarity=shapes.Polarity(score=round(feeling.score, 3)), suggested=feeling.suggested)


# -- topics -----------------------------------------------------------------------------------------------------------


def topics(record: Record, *, sentiment: bool, parent_refs: bool, vocabulary: Sequence[str]) -> shapes.Topics:
    """The topics, the weightiest first; words of the client's own vocabulary are topics wherever they were said."""
    found = sorted([*record.topics.values(), *_own_topics(record, vocabulary)], key=lambda t: -t.score)
    return shapes.Topics(
        topics=[
            shapes.Topic(
                id=topic.id,
                text=topic.text,
                type="topic",
                score=round(topic.score, 3),
                message_ids=list(topic.sentences),
                sentiment=_feeling(_mean_feeling(record, topic)) if sentiment else msgspec.UNSET,
                parent_refs=_parents(topic, found) if parent_refs else msgspec.UNSET,
            )
            for topic in found
        ]
    )


def _own_topics(record: Record, vocabulary: Sequence[str]) -> Iterable[TopicFound]:
    known = {topic.text.lower() for topic in record.topics.values()}
    for term in dict.fromkeys(vocabulary):
        sentences = tuple(said.id for said in record.sentences() if term.lower() in said.text.lower())
        if term and sentences and term.lower() not in known:
            yield TopicFound(id=decimal_id(record.id + term), text=term, score=0.9, sentences=sentences)


def _mean_feeling(record: Record, topic: TopicFound) -> Feeling:
    told = [record.said[id_].sentiment for id_ in topic.sentences if id_ in record.said]
    scores = [feeling.score for feeling in told if feeling]
    mean = sum(scores) / len(scores) if scores else 0.0
    return Feeling(score=mean, suggested="positive" if mean > 0.3 else "negative" if mean < -0.3 else "neutral")


def _parents(topic: TopicFound, among: Sequence[TopicFound]) -> list[shapes.ParentRef]:
    """Topics that are this one with a word less: "holiday" of "summer holiday"."""
    words = set(topic.text.lower().split())
    return [shapes.ParentRef(type="topic", text=t.text) for t in among if set(t.text.lower().split()) < words]


# -- insights ---------------------------------------------------------------------------------------------------------


def insights(record: Record, *kinds: Kind) -> list[shapes.Insight]:
    """The marks of these kinds, as they are now."""
    return [_insight(record, mark) for mark in record.marks_of(*kinds)]


def _insight(record: Record, mark: Mark) -> shapes.Insight:
    task = mark.kind is not Kind.QUESTION
    phrases = [shapes.Phrase(type="action_phrase", text=mark.text)] if mark.kind is Kind.ACTION_ITEM else []
    return shapes.Insight(
        id=mark.id,
        text=mark.text,
        type=str(mark.kind),
        score=mark.confidence,
        message_ids=list(mark.sentences),
        entities=[_entity_ref(tag) for tag in mark.tags],
        phrases=phrases,
        from_=user(record, mark.speaker),
        definitive=bool(mark.assignee and mark.due) if mark.kind is Kind.ACTION_ITEM else msgspec.UNSET,
        assignee=user(record, mark.assignee) if task else msgspec.UNSET,
        due_by=iso(mark.due.timestamp()) if mark.due else msgspec.UNSET,
    )


def _entity_ref(tag: Tag) -> shapes.EntityRef:
    value: Any = tag.when.date().isoformat() if tag.when else None
    if tag.kind == "person":
        value = {"name": tag.person.name if tag.person else tag.text, "assignee": tag.assignee}
    return shapes.EntityRef(type=tag.kind, text=tag.text, offset=tag.offset, value=value)


# -- entities and trackers --------------------------------------------------------------------------------------------


def entities(record: Record) -> shapes.Entities:
    """Everything that was named, once each, with every place it was said in."""
    grouped: dict[tuple[str, str, str], list[shapes.MessageRef]] = {}
    for entity in record.entities:
        said = record.said.get(entity.sentence)
        reference = shapes.MessageRef(id=entity.sentence, text=said.text if said else None, offset=entity.offset)
        grouped.setdefault((entity.kind, entity.category, entity.value), []).append(reference)
    return shapes.Entities(
        entities=[
            shapes.Entity(type=kind, category=category or None, value=value, text=value, message_refs=references)
            for (kind, category, value), references in grouped.items()
        ]
    )


def trackers(record: Record) -> list[shapes.Tracker]:
    """What trackers heard."""
    marked = {sentence: mark for mark in record.marks.values() for sentence in mark.sentences[:1]}
    return [
        shapes.Tracker(
            id=decimal_id(f"tracker {name}"),
            name=name,
            matches=[
                shapes.TrackerMatch(
                    type="vocabulary",
                    value=phrase,
                    message_refs=[shapes.MessageRef(id=f.sentence, text=f.text, offset=f.offset) for f in found],
                    insight_refs=[
                        shapes.MessageRef(id=marked[f.sentence].id, text=marked[f.sentence].text, offset=f.offset)
                        for f in found
                        if f.sentence in marked
                    ],
                )
                for phrase, found in phrases.items()
            ],
        )
        for name, phrases in tracked(record.tracked).items()
    ]
