"""A conversation as its facts make it: what was said and found, after every correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from earmark_engine.facts import (
    Began,
    Described,
    Ended,
    Entry,
    Joined,
    Marked,
    MemberChanged,
    Named,
    Said,
    SpeakersTold,
    SpeakerTurn,
    TopicsFound,
    Tracked,
)
from earmark_engine.insights.types import EntityFound, Kind, Mark, Person, TopicFound, TrackerMatch


@dataclass(frozen=True)
class Member:
    """Somebody who takes part."""

    person: Person
    email: str | None = None


@dataclass
class Record:
    """What the Conversation API tells of."""

    id: str
    began: float = 0.0
    until: float = 0.0
    """When the latest fact was noted, or the conversation ended."""
    ended: bool = False
    title: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    topics: dict[str, TopicFound] = field(default_factory=dict)
    tracked: list[TrackerMatch] = field(default_factory=list)
    entities: list[EntityFound] = field(default_factory=list)

    def marks_of(self, *kinds: Kind) -> list[Mark]:
        """The marks of these kinds, as they are now."""
        return [mark for mark in self.marks.values() if mark.kind in kinds]

    def person(self, person: Person | None) -> Person | None:
        """Somebody with the name that he has now."""
        member = self.members.get(person.id) if person and person.id else None
        return member.person if member else person

    def sentences(self) -> list[Said]:
        """What was said, in the order of time."""
        return sorted(self.said.values(), key=lambda said: said.start)


def fold(conversation: str, entries: Sequence[Entry]) -> Record:
    """The record that the facts make."""
    record = Record(id=conversation)
    for entry in entries:
        _take(record, entry)
    return record


def _take(record: Record, entry: Entry) -> None:
    fact = entry.fact
    record.until = max(record.until, fact.at)
    match fact:
        case Began():
            record.began, record.title = fact.at, fact.title
        case Ended():
            record.until, record.ended = fact.at, True
        case Joined(person=person):
            record.members[person.id or ""] = Member(person, fact.email)
        case Said():
            record.said[fact.id] = fact
        case Marked(mark=mark):
            record.marks[mark.id] = mark
        case TopicsFound(topics=topics):
            record.topics.update((topic.id, topic) for topic in topics)
        case Tracked(matches=matches):
            record.tracked += matches
        case Named(entities=entities):
            record.entities += entities
        case Described(metadata=metadata):
            record.metadata = metadata
        case MemberChanged():
            _correct(record, fact)
        case SpeakersTold(turns=turns):
            _tell_speakers(record, turns)


def _correct(record: Record, fact: MemberChanged) -> None:
    member = record.members.get(fact.id) or Member(Person(id=fact.id))
    person = replace(member.person, name=fact.name or member.person.name)
    record.members[fact.id] = Member(person, fact.email or member.email)


def _tell_speakers(record: Record, turns: Sequence[SpeakerTurn]) -> None:
    """Give every sentence to whoever was said to speak for the most of it."""
    for turn in turns:
        record.members[turn.person.id or ""] = Member(turn.person, turn.email)
    for said in record.said.values():
        best = max(turns, key=lambda turn: _overlap(turn, said), default=None)
        if best is not None and _overlap(best, said) > 0:
            record.said[said.id] = replace(said, speaker=best.person)


def _overlap(turn: SpeakerTurn, said: Said) -> float:
    return min(turn.end, said.end) - max(turn.start, said.start)
