"""What an engine knows of a conversation, as facts that are only ever added.

A conversation is the list of its facts; a fact's place in that list is its sequence number, counted from 1. The
messages on the wire and the answers of the Conversation API are both made from facts, so that what a client heard live
and what it asks for later cannot differ.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from earmark_engine.insights.types import EntityFound, Mark, Person, Sentiment, TopicFound, TrackerMatch


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact", tag=True, omit_defaults=True):
    """Something that became known at a moment."""

    at: float
    """Wall-clock seconds since 1970."""


class Began(Fact, frozen=True, kw_only=True, tag="began"):
    """A client started a conversation under an id of its own."""

    connection: str
    app: str = ""
    """The application whose token it had."""
    title: str | None = None
    keep_seconds: float = 0.0
    """How long it stays joinable when its last client was lost."""


class Joined(Fact, frozen=True, kw_only=True, tag="joined"):
    """Somebody takes part."""

    person: Person
    email: str | None = None


class SpokenWord(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A word, in seconds since the conversation began."""

    text: str
    start: float
    end: float
    confidence: float | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sentence lies on the capture clock of the client that sent it."""

    clock: str
    """The stream whose clock it is."""
    start: int
    end: int


class Said(Fact, frozen=True, kw_only=True, tag="said"):
    """A sentence was said."""

    id: str
    text: str
    start: float
    """Seconds since the conversation began."""
    end: float
    speaker: Person | None = None
    words: tuple[SpokenWord, ...] = ()
    sentiment: Sentiment | None = None
    entities: tuple[EntityFound, ...] = ()
    place: Place | None = None


class Marked(Fact, frozen=True, kw_only=True, tag="marked"):
    """A question, action item or follow-up was found, or an earlier one amended."""

    mark: Mark
    place: Place | None = None


class TopicsFound(Fact, frozen=True, kw_only=True, tag="topics"):
    """Topics were found, or weigh more than before."""

    topics: tuple[TopicFound, ...]
    place: Place | None = None


class Tracked(Fact, frozen=True, kw_only=True, tag="tracked"):
    """Phrases that somebody asked to be told of were said."""

    matches: tuple[TrackerMatch, ...]
    place: Place | None = None


class Named(Fact, frozen=True, kw_only=True, tag="named"):
    """People, dates, numbers or places were named."""

    entities: tuple[EntityFound, ...]
    place: Place | None = None


class Described(Fact, frozen=True, kw_only=True, tag="described"):
    """Somebody attached metadata to the conversation; it replaces what was there."""

    metadata: dict[str, Any]


class MemberChanged(Fact, frozen=True, kw_only=True, tag="member_changed"):
    """Somebody corrected who a member is."""

    id: str
    name: str | None = None
    email: str | None = None


class SpeakerTurn(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when somebody spoke, in seconds since the conversation began."""

    person: Person
    start: float
    end: float
    email: str | None = None


class SpeakersTold(Fact, frozen=True, kw_only=True, tag="speakers_told"):
    """Somebody said who spoke when; sentences in those spans are theirs."""

    turns: tuple[SpeakerTurn, ...]


class Ended(Fact, frozen=True, kw_only=True, tag="ended"):
    """The conversation is over."""

    reason: str


AnyFact: TypeAlias = (
    Began | Joined | Said | Marked | TopicsFound | Tracked | Named | Described | MemberChanged | SpeakersTold | Ended
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A fact and its place in its conversation."""

    sequence: int
    fact: AnyFact


def encode_fact(fact: Fact) -> bytes:
    """The fact as JSON."""
    return _encoder.encode(fact)


def decode_fact(data: bytes) -> AnyFact:
    """The fact that `encode_fact` wrote; raises `msgspec.MsgspecError` on anything else."""
    return _decoder.decode(data)
