"""What a server made of the speech: messages, insights, topics, trackers, entities."""

from __future__ import annotations

from typing import Any

import msgspec

from earmark_symbl.lifecycle import Placed, Span
from earmark_symbl.requests import Piece, Wire


class User(Piece, frozen=True, kw_only=True):
    """Who spoke, or whom a task is for."""

    id: str | None = None
    name: str | None = None
    user_id: str | None = None
    email: str | None = None


class Content(Piece, frozen=True, kw_only=True):
    """The text of a result."""

    content: str = ""
    content_type: str = "text/plain"


class Polarity(Piece, frozen=True, kw_only=True):
    """A number from -1 (bad) to 1 (good)."""

    score: float = 0.0


class WireSentiment(Piece, frozen=True, kw_only=True):
    """How something sounds."""

    polarity: Polarity = Polarity()
    suggested: str = "neutral"


class MessageEntity(Piece, frozen=True, kw_only=True):
    """Something that a message names."""

    type: str = ""
    sub_type: str | None = None
    category: str | None = None
    detected_value: str | None = None
    offset: int | None = None


class Reference(Piece, frozen=True, kw_only=True):
    """Points at a message or an insight, and at a place in it."""

    id: str = ""
    relation: str | None = None
    type: str | None = None
    text: str | None = None
    offset: int | None = None
    """Where in the text; -1 where the words only mean the same."""
    start_time: str | None = None
    end_time: str | None = None


class TimedWord(Piece, frozen=True, kw_only=True):
    """A word with ISO times of the server's clock, which nobody should rely on."""

    word: str = ""
    start_time: str = ""
    end_time: str = ""


class Metadata(Piece, frozen=True, kw_only=True):
    """What else is known of a message."""

    disable_punctuation: bool | None = None
    timezone_offset: int | None = None
    original_content: str | None = None
    words: Any = None
    """A JSON string that holds a list of words; see `timed_words`."""
    original_message_id: str | None = None

    @property
    def timed_words(self) -> tuple[TimedWord, ...]:
        """The words, or nothing where they cannot be read."""
        try:
            listed = msgspec.json.decode(self.words) if isinstance(self.words, str) else self.words or ()
            return msgspec.convert(listed, tuple[TimedWord, ...])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return ()


class Message(Piece, frozen=True, kw_only=True):
    """A sentence as it is stored."""

    from_: User = msgspec.field(name="from", default=User())
    payload: Content = Content()
    id: str = ""
    channel: dict[str, Any] | None = None
    metadata: Metadata | None = None
    dismissed: bool = False
    duration: Span | None = None
    entities: tuple[MessageEntity, ...] | None = None
    sentiment: WireSentiment | None = None


class Result(Wire, frozen=True, kw_only=True):
    """What every result has."""

    sequence_number: int | None = None
    earmark: Placed | None = None


class MessageResponse(Result, frozen=True, kw_only=True, tag="message_response"):
    """Sentences, punctuated and with ids."""

    messages: tuple[Message, ...] = ()
    sentiment: Any = None


class Hint(Piece, frozen=True, kw_only=True):
    """How sure the server is of one side of an insight."""

    key: str = ""
    value: str | int | float = ""


class DueBy(Piece, frozen=True, kw_only=True):
    """By when."""

    value: str = ""


class Tag(Piece, frozen=True, kw_only=True):
    """A person or a time that an insight names."""

    type: str = ""
    text: str = ""
    begin_offset: int | None = None
    value: Any = None


class Insight(Piece, frozen=True, kw_only=True):
    """An action item, a question or a follow-up."""

    id: str = ""
    type: str = ""
    confidence: float | None = None
    message_reference: Reference | None = None
    hints: tuple[Hint, ...] = ()
    assignee: User | None = None
    due_by: DueBy | str | None = None
    tags: tuple[Tag, ...] = ()
    dismissed: bool = False
    payload: Content | None = None
    text: str | None = None
    """Older servers say here what newer ones say in `payload`."""
    from_: User | None = msgspec.field(name="from", default=None)
    entities: tuple[MessageEntity, ...] | None = None

    @property
    def content(self) -> str:
        """The text, wherever it stood."""
        return (self.payload.content if self.payload else "") or self.text or ""

    @property
    def due(self) -> str:
        """By when, as an ISO time, or nothing."""
        return self.due_by.value if isinstance(self.due_by, DueBy) else self.due_by or ""


class InsightResponse(Result, frozen=True, kw_only=True, tag="insight_response"):
    """Insights as they are found."""

    insights: tuple[Insight, ...] = ()


class RootWord(Piece, frozen=True, kw_only=True):
    """A word that a topic grew from."""

    text: str = ""


class Topic(Piece, frozen=True, kw_only=True):
    """What the talk is about."""

    id: str = ""
    phrases: str = ""
    """One string, whatever its name says."""
    message_references: tuple[Reference, ...] = ()
    root_words: tuple[RootWord, ...] = ()
    score: float = 0.0
    type: str = "topic"
    message_index: int | None = None
    sentiment: WireSentiment | None = None


class TopicResponse(Result, frozen=True, kw_only=True, tag="topic_response"):
    """Topics as they are found."""

    topics: tuple[Topic, ...] = ()


class TrackerMatch(Piece, frozen=True, kw_only=True):
    """A tracked phrase, and where it was said."""

    type: str = "vocabulary"
    value: str = ""
    message_refs: tuple[Reference, ...] = ()
    insight_refs: tuple[Reference, ...] = ()


class TrackerHit(Piece, frozen=True, kw_only=True):
    """A tracker that heard something."""

    id: str | None = None
    name: str = ""
    matches: tuple[TrackerMatch, ...] = ()


class TrackerResponse(Result, frozen=True, kw_only=True, tag="tracker_response"):
    """Trackers that heard something."""

    is_final: bool = True
    trackers: tuple[TrackerHit, ...] = ()


class EntityMatch(Piece, frozen=True, kw_only=True):
    """One way in which an entity was said."""

    detected_value: str = ""
    message_refs: tuple[Reference, ...] = ()


class EntityHit(Piece, frozen=True, kw_only=True):
    """A person, date, number or place, and where it was named."""

    type: str = ""
    sub_type: str | None = None
    category: str | None = None
    matches: tuple[EntityMatch, ...] = ()


class EntityResponse(Result, frozen=True, kw_only=True, tag="entity_response"):
    """Entities as they are found."""

    entities: tuple[EntityHit, ...] = ()
