"""The bodies of answers, from which the OpenAPI description is made too."""

from __future__ import annotations

from typing import Any

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An object in an answer; members that are not known are left out."""


class Refusal(Shape, frozen=True, kw_only=True):
    """What is wrong."""

    message: str


class Done(Shape, frozen=True, kw_only=True):
    """That it was done."""

    message: str


class User(Shape, frozen=True, kw_only=True):
    """Somebody."""

    id: str | None = None
    name: str | None = None
    user_id: str | None = None
    email: str | None = None


class Polarity(Shape, frozen=True, kw_only=True):
    """From -1 (bad) to 1 (good)."""

    score: float


class Sentiment(Shape, frozen=True, kw_only=True):
    """How something sounds."""

    polarity: Polarity
    suggested: str


class Phrase(Shape, frozen=True, kw_only=True):
    """The part of a text that matters."""

    type: str
    text: str


class Word(Shape, frozen=True, kw_only=True):
    """One word of a message."""

    word: str
    start_time: str
    end_time: str
    time_offset: float
    duration: float
    speaker_tag: int | None = None
    score: float | None = None


class Message(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """A sentence that was said."""

    id: str
    text: str
    from_: User = msgspec.field(name="from")
    start_time: str
    end_time: str
    time_offset: float
    duration: float
    conversation_id: str
    phrases: list[Phrase] = []
    sentiment: Sentiment | msgspec.UnsetType = msgspec.UNSET
    words: list[Word] | msgspec.UnsetType = msgspec.UNSET


class Messages(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """All sentences."""

    messages: list[Message]


class EntityRef(Shape, frozen=True, kw_only=True):
    """Somebody or something that an insight names."""

    type: str
    text: str
    offset: int
    value: Any = None


class ParentRef(Shape, frozen=True, kw_only=True):
    """A wider topic."""

    type: str
    text: str


class Topic(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """What the talk was about."""

    id: str
    text: str
    type: str
    score: float
    message_ids: list[str]
    entities: list[EntityRef] = []
    sentiment: Sentiment | msgspec.UnsetType = msgspec.UNSET
    parent_refs: list[ParentRef] | msgspec.UnsetType = msgspec.UNSET


class Topics(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """All topics."""

    topics: list[Topic]


class Insight(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """A question, an action item or a follow-up."""

    id: str
    text: str
    type: str
    score: float
    message_ids: list[str]
    entities: list[EntityRef] = []
    phrases: list[Phrase] = []
    from_: User = msgspec.field(name="from")
    definitive: bool | msgspec.UnsetType = msgspec.UNSET
    assignee: User | msgspec.UnsetType = msgspec.UNSET
    due_by: str | msgspec.UnsetType = msgspec.UNSET


class ActionItems(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """All action items."""

    action_items: list[Insight]


class FollowUps(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """All follow-ups."""

    follow_ups: list[Insight]


class Questions(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """All questions."""

    questions: list[Insight]


class Insights(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """All insights."""

    insights: list[Insight]


class MessageRef(Shape, frozen=True, kw_only=True):
    """Where something was said."""

    id: str
    text: str | None = None
    offset: int | None = None


class Entity(Shape, frozen=True, kw_only=True):
    """A person, date, number or place that was named."""

    type: str
    value: str
    text: str
    category: str | None = None
    custom_type: str | None = None
    message_refs: list[MessageRef] = msgspec.field(default_factory=list)


class Entities(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """All entities."""

    entities: list[Entity]


class TrackerMatch(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """A tracked phrase, and where it was said."""

    type: str
    value: str
    message_refs: list[MessageRef]
    insight_refs: list[MessageRef]


class Tracker(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """A tracker that heard something."""

    id: str
    name: str
    matches: list[TrackerMatch]


class Member(Shape, frozen=True, kw_only=True):
    """Somebody who takes part."""

    id: str
    name: str | None = None
    email: str | None = None


class Members(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """Everybody who takes part."""

    members: list[Member]


class Conversation(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """A conversation."""

    id: str
    type: str
    name: str
    start_time: str
    end_time: str
    members: list[Member]
    metadata: dict[str, Any]


class Conversations(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """A page of conversations."""

    conversations: list[Conversation]


class Described(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """The metadata as it is now."""

    id: str
    metadata: dict[str, Any]


class Metric(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """A share of the conversation."""

    type: str
    percent: float
    seconds: float


class Pace(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """How fast somebody speaks."""

    wpm: int


class Share(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """A share of the conversation."""

    percentage: float
    seconds: float


class Overlapping(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """Somebody who spoke at the same time."""

    id: str
    name: str | None
    user_id: str | None
    percent: float
    seconds: float


class Overlap(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """Who spoke at the same time."""

    overlap_duration: float
    overlapping_members: list[Overlapping]


class MemberAnalytics(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """How much somebody spoke."""

    id: str
    name: str | None
    user_id: str | None
    pace: Pace
    talk_time: Share
    listen_time: Share
    overlap: Overlap


class Analytics(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """How much was spoken, and by whom."""

    metrics: list[Metric]
    members: list[MemberAnalytics]


class SummaryPart(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """A sentence of the summary."""

    id: str
    text: str
    message_refs: list[MessageRef]


class Summary(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """What it came to."""

    summary: list[SummaryPart]


class TranscriptText(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """The text."""

    payload: str
    content_type: str


class Transcript(Shape, frozen=True, kw_only=True, omit_defaults=False):
    """What was said, to be read."""

    transcript: TranscriptText
