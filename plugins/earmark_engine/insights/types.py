"""The words that the insights speak: sentences in, findings out.

Nothing here knows of sockets, storage or recognisers, so that a better model can be put behind the same
types by a plugin (hook ``earmark_detectors``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who speaks or is spoken of; `id` is the engine's own, and stays the same in a conversation."""

    id: str | None = None
    name: str | None = None
    user_id: str | None = None


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """One whole sentence as it was said, with the time it was said at."""

    id: str
    text: str
    start: float
    """Seconds since the conversation began."""
    end: float
    at: datetime
    """Wall-clock time of `start`, with its time zone."""
    speaker: Person | None = None


class Kind(StrEnum):
    """What a mark can be."""

    ACTION_ITEM = "action_item"
    QUESTION = "question"
    FOLLOW_UP = "follow_up"


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a mark's text that names a person or a time."""

    kind: str
    """`person` or `date`."""
    text: str
    offset: int
    person: Person | None = None
    assignee: bool = False
    when: datetime | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A question, action item or follow-up, with who and by when."""

    id: str
    """Stays the same when the mark is amended."""
    kind: Kind
    text: str
    confidence: float
    sentences: tuple[str, ...]
    """Ids of the sentences it was said in, the main one first."""
    speaker: Person | None = None
    assignee: Person | None = None
    due: datetime | None = None
    due_has_time: bool = False
    """Whether an hour was named, or only a day."""
    tags: tuple[Tag, ...] = ()
    revision: int = 0
    """0 when first marked, one more with each amendment."""


class TopicFound(msgspec.Struct, frozen=True, kw_only=True):
    """What the talk is about, and where that was said."""

    id: str
    text: str
    score: float
    sentences: tuple[str, ...]


class Tracker(msgspec.Struct, frozen=True, kw_only=True):
    """A name and the phrases to listen for."""

    name: str
    vocabulary: tuple[str, ...]
    id: str | None = None


class TrackerMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A tracked phrase that was said, to the letter or nearly so."""

    tracker: str
    phrase: str
    sentence: str
    text: str
    offset: int
    """Where the phrase begins in the sentence, or -1 where the words only come near it."""


class EntityFound(msgspec.Struct, frozen=True, kw_only=True):
    """A person, date, number or place that was named."""

    kind: str
    category: str
    value: str
    sentence: str
    offset: int


class Sentiment(msgspec.Struct, frozen=True, kw_only=True):
    """How a sentence sounds: from -1 (bad) to 1 (good)."""

    score: float
    suggested: str
    """`positive`, `neutral` or `negative`."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector is told of the conversation besides its sentences."""

    kinds: frozenset[Kind] = frozenset(Kind)
    threshold: float = 0.5
    people: tuple[Person, ...] = ()
    """Everybody known by name: speakers, members, and whom the owner named."""
    owner: Person | None = None
    """Who "I" is where the microphone does not know who speaks."""
    utc_offset_minutes: int = 0
    """What "tomorrow" means: minutes east of UTC."""
    vocabulary: tuple[str, ...] = ()


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What one more sentence brought to light; a mark with a revision above 0 replaces the earlier one."""

    marks: tuple[Mark, ...] = ()
    topics: tuple[TopicFound, ...] = ()
    entities: tuple[EntityFound, ...] = ()


class Detector(Protocol):
    """Follows one conversation; made anew for each, it holds no thread, file or clock."""

    def said(self, sentence: Sentence) -> Findings:
        """Take the next sentence (in order of time) and tell what is now known and was not before."""
        ...

    def finish(self) -> Findings:
        """Tell what was still open when the conversation ended."""
        ...

    def topics(self) -> Sequence[TopicFound]:
        """The topics so far, the weightiest first."""
        ...
