"""The vocabulary: everything that a room can tell, as one tagged union of frozen structs.

Durable events are journaled before anyone sees them; live ones are shown and forgotten. Nothing is rewritten:
what changes later is another event. Consumers drop repeats by `id` and replace by `mark`.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

from earmark.audio import Cause


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True):
    """What every event has."""

    id: str = ""
    """Unique and stable: the same event always has the same id."""
    room: str = ""
    conversation: str = ""
    """Earmark's own id of the conversation; empty outside of one."""
    at: datetime
    """Wall-clock time of what it speaks of, not of its arrival."""


class Speaker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who spoke, or whom a task is for, as far as is known."""

    name: str | None = None
    id: str | None = None
    user_id: str | None = None


class Sentiment(msgspec.Struct, frozen=True, kw_only=True):
    """How an utterance sounds, from -1 (bad) to 1 (good)."""

    score: float
    suggested: str
    """`positive`, `neutral` or `negative`."""


class InsightKind(StrEnum):
    """What an insight can be."""

    ACTION_ITEM = "action_item"
    QUESTION = "question"
    FOLLOW_UP = "follow_up"


class Change(StrEnum):
    """What can happen to a mark after it was made."""

    DONE = "done"
    OPEN = "open"
    ANSWERED = "answered"
    DISMISSED = "dismissed"
    AMENDED = "amended"


class ConversationStarted(Event, frozen=True, kw_only=True, tag="conversation_started"):
    """A conversation began: somebody spoke, or the listener was started."""

    title: str | None = None
    follows: str | None = None
    """The conversation that it goes on from, where a restart came too late to rejoin it."""


class ConversationEnded(Event, frozen=True, kw_only=True, tag="conversation_ended"):
    """A conversation is over."""

    reason: str
    """`silence`, `asked`, `source_ended`, `stopped`, `restarted` or `peer`."""
    seconds: float
    """How long it lasted."""


class Utterance(Event, frozen=True, kw_only=True, tag="utterance"):
    """A sentence as it was said."""

    text: str
    start: float
    """Seconds since the conversation began."""
    end: float
    speaker: Speaker | None = None
    confidence: float | None = None
    sentiment: Sentiment | None = None
    withheld: bool = False
    """Whether the text was kept back because a filter of text had failed."""


class Insight(Event, frozen=True, kw_only=True, tag="insight"):
    """A mark: a question, an action item or a follow-up."""

    mark: str
    """Stays the same when the mark is amended."""
    kind: InsightKind
    text: str
    revision: int = 0
    speaker: Speaker | None = None
    assignee: Speaker | None = None
    due: datetime | None = None
    due_has_time: bool = True
    """Whether an hour was named, or only a day."""
    utterance: str | None = None
    """Id of the utterance it came from."""
    start: float | None = None
    """Seconds since the conversation began, of that utterance."""
    confidence: float | None = None
    withheld: bool = False


class MarkChanged(Event, frozen=True, kw_only=True, tag="mark_changed"):
    """A mark was ticked off, answered, dismissed, reopened or amended."""

    mark: str
    change: Change
    by: str
    """Who changed it: `cli`, `mqtt`, `tui`, `http`, `engine` or a plugin's name."""
    text: str | None = None
    assignee: Speaker | None = None
    due: datetime | None = None
    due_has_time: bool = True


class SentimentHeard(Event, frozen=True, kw_only=True, tag="sentiment"):
    """How an utterance sounded, where the service told only later."""

    utterance: str
    sentiment: Sentiment


class Topic(Event, frozen=True, kw_only=True, tag="topic"):
    """What the talk is about."""

    text: str
    score: float
    utterances: tuple[str, ...] = ()
    withheld: bool = False


class TrackerHit(Event, frozen=True, kw_only=True, tag="tracker_hit"):
    """A phrase that somebody asked to be told of was said."""

    tracker: str
    phrase: str
    text: str = ""
    utterance: str | None = None
    withheld: bool = False


class Entity(Event, frozen=True, kw_only=True, tag="entity"):
    """A person, date, number or place that was named."""

    kind: str
    value: str
    category: str = ""
    utterance: str | None = None
    withheld: bool = False


class Gap(Event, frozen=True, kw_only=True, tag="gap"):
    """Sound that was captured or should have been, and was not delivered."""

    start: float
    """Seconds since the conversation began."""
    seconds: float
    cause: Cause
    outcome: Literal["lost", "recovered"] = "lost"


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """One word and when it was said, in seconds like the event that holds it."""

    text: str
    start: float
    end: float


class Hearing(Event, frozen=True, kw_only=True, tag="hearing"):
    """Text as it is being recognised; each replaces the one before until `final`. Never journaled."""

    text: str
    start: float | None = None
    end: float | None = None
    final: bool = False
    speaker: Speaker | None = None


class Level(Event, frozen=True, kw_only=True, tag="level"):
    """How loud it is, in dB below full scale, a few times a second. Never journaled."""

    peak_dbfs: float
    rms_dbfs: float
    speech: float | None = None
    """How likely it is that somebody speaks, where a gate tells."""
    speaking: bool | None = None


class State(StrEnum):
    """What a listener is doing, in words that a user sees."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LISTENING = "listening"
    PAUSED = "paused"
    MUTED = "muted"
    RECONNECTING = "reconnecting"
    DRAINING = "draining"
    STOPPED = "stopped"


class StageStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one stage of the room is doing."""

    kind: str
    """`source`, `filter`, `transport`, `enricher`, `sink` or `service`."""
    name: str
    state: str
    """`starting`, `running`, `waiting`, `retrying`, `open` (its breaker), `failed` or `closed`."""
    reason: str | None = None
    failures: int = 0
    refused: int = 0
    delivered: int = 0
    lag: int = 0
    """Events journaled and not yet taken."""
    counters: dict[str, float] = {}
    details: dict[str, str] = {}


class Status(Event, frozen=True, kw_only=True, tag="status"):
    """The state of the room and of each stage. Never journaled."""

    state: State
    reason: str | None = None
    ill: str | None = None
    """Why the room does not do its work, such as a source that has fallen silent; None if it does."""
    attempt: int = 0
    next_attempt_at: datetime | None = None
    muted: bool = False
    muted_until: datetime | None = None
    backlog_seconds: float = 0.0
    """Sound captured and not yet confirmed heard."""
    heard_seconds: float = 0.0
    """Sound captured in this run."""
    not_sent_seconds: float = 0.0
    """Sound left out by its owner's rule (mute, gate) in this run."""
    lost_seconds: float = 0.0
    gaps: int = 0
    reconnects: int = 0
    problems: tuple[str, ...] = ()
    """What is wrong just now, each a sentence that a person can act on."""
    stages: tuple[StageStatus, ...] = ()


Durable: TypeAlias = (
    ConversationStarted
    | ConversationEnded
    | Utterance
    | Insight
    | MarkChanged
    | SentimentHeard
    | Topic
    | TrackerHit
    | Entity
    | Gap
)
Live: TypeAlias = Hearing | Level | Status
AnyEvent: TypeAlias = Durable | Live

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
NAMESPACE = uuid.UUID("7d8f6bb2-62c5-5a0f-8a2e-0f6cb9b5f2b1")


def encode(event: Event) -> bytes:
    """The event as JSON."""
    return _encoder.encode(event)


def decode(data: bytes | str) -> AnyEvent:
    """The event that `encode` wrote; raises `msgspec.MsgspecError` on anything else."""
    return _decoder.decode(data)


def kind_of(event: Event) -> str:
    """The event's tag, as it stands in JSON: `utterance`, `insight` and so on."""
    tag = event.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def is_durable(event: Event) -> bool:
    """Whether it is journaled."""
    return not isinstance(event, Hearing | Level | Status)


def new_id() -> str:
    """An id for something that happens once."""
    return uuid.uuid4().hex


def derived_id(*parts: str) -> str:
    """The id that is always the same for the same parts."""
    return uuid.uuid5(NAMESPACE, "\0".join(parts)).hex
