"""What the Conversation API gives, as typed objects."""

from __future__ import annotations

from typing import Any

import msgspec

from earmark_symbl.requests import Piece
from earmark_symbl.results import Reference, User, WireSentiment


class StoredWord(Piece, frozen=True, kw_only=True):
    """A word of a message."""

    word: str = ""
    start_time: str | None = None
    end_time: str | None = None
    speaker_tag: int | None = None
    score: float | None = None
    time_offset: float | None = None
    duration: float | None = None


class StoredPhrase(Piece, frozen=True, kw_only=True):
    """A phrase that matters."""

    type: str = ""
    text: str = ""


class StoredMessage(Piece, frozen=True, kw_only=True):
    """A sentence."""

    id: str = ""
    text: str = ""
    from_: User = msgspec.field(name="from", default=User())
    start_time: str | None = None
    end_time: str | None = None
    time_offset: float | None = None
    """Seconds since the conversation began."""
    duration: float | None = None
    conversation_id: str | None = None
    phrases: tuple[StoredPhrase, ...] = ()
    sentiment: WireSentiment | None = None
    """Only where it was asked for."""
    words: tuple[StoredWord, ...] = ()
    """Only where it was asked for."""


class StoredEntity(Piece, frozen=True, kw_only=True):
    """Something that an insight or topic names; `value` differs by `type`."""

    type: str = ""
    text: str = ""
    offset: int | None = None
    value: Any = None
    start: str | None = None
    end: str | None = None


class StoredTopic(Piece, frozen=True, kw_only=True):
    """What the talk is about."""

    id: str = ""
    text: str = ""
    type: str = "topic"
    score: float = 0.0
    message_ids: tuple[str, ...] = ()
    entities: tuple[StoredEntity, ...] = ()
    sentiment: WireSentiment | None = None
    parent_refs: tuple[StoredPhrase, ...] = ()


class StoredInsight(Piece, frozen=True, kw_only=True):
    """An action item, a follow-up or a question."""

    id: str = ""
    text: str = ""
    type: str = ""
    score: float = 0.0
    message_ids: tuple[str, ...] = ()
    entities: tuple[StoredEntity, ...] = ()
    phrases: tuple[StoredPhrase, ...] = ()
    from_: User = msgspec.field(name="from", default=User())
    definitive: bool | None = None
    assignee: User | None = None
    due_by: str | None = None


class FoundEntity(Piece, frozen=True, kw_only=True):
    """A person, date, number or place, and where it was named."""

    type: str = ""
    custom_type: str | None = None
    category: str | None = None
    sub_type: str | None = None
    value: Any = None
    text: str = ""
    message_refs: tuple[Reference, ...] = ()


class Member(Piece, frozen=True, kw_only=True):
    """Who took part."""

    id: str = ""
    name: str | None = None
    email: str | None = None
    user_id: str | None = None


class ConversationInfo(Piece, frozen=True, kw_only=True):
    """A conversation as such."""

    id: str = ""
    type: str = "meeting"
    name: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    members: tuple[Member, ...] = ()
    metadata: dict[str, Any] | None = None


class Metric(Piece, frozen=True, kw_only=True):
    """A share of the conversation: talk, silence or overlap."""

    type: str = ""
    percent: float = 0.0
    seconds: float = 0.0


class Pace(Piece, frozen=True, kw_only=True):
    """How fast somebody speaks."""

    wpm: float = 0.0


class Share(Piece, frozen=True, kw_only=True):
    """How long somebody talked or listened."""

    percentage: float = 0.0
    seconds: float = 0.0


class OverlappingMember(Piece, frozen=True, kw_only=True):
    """Who spoke at the same time."""

    id: str = ""
    name: str | None = None
    user_id: str | None = None
    percent: float = 0.0
    seconds: float = 0.0


class Overlap(Piece, frozen=True, kw_only=True):
    """How long somebody spoke at the same time as others."""

    overlap_duration: float = 0.0
    overlapping_members: tuple[OverlappingMember, ...] = ()


class MemberAnalytics(Piece, frozen=True, kw_only=True):
    """One member's part in the conversation."""

    id: str = ""
    name: str | None = None
    user_id: str | None = None
    pace: Pace = Pace()
    talk_time: Share = Share()
    listen_time: Share = Share()
    overlap: Overlap = Overlap()


class Analytics(Piece, frozen=True, kw_only=True):
    """Who spoke how much."""

    metrics: tuple[Metric, ...] = ()
    members: tuple[MemberAnalytics, ...] = ()


class SummaryPart(Piece, frozen=True, kw_only=True):
    """A sentence of the summary, and the messages it rests on."""

    id: str = ""
    text: str = ""
    message_refs: tuple[Reference, ...] = ()


class Transcript(Piece, frozen=True, kw_only=True):
    """The whole conversation as one text."""

    payload: str = ""
    content_type: str = "text/markdown"
