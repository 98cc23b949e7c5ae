"""A room as the viewer knows it: events in, what is shown out. Pure, and bounded however long it goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from earmark.events import (
    AnyEvent,
    Change,
    ConversationEnded,
    ConversationStarted,
    Durable,
    Gap,
    Hearing,
    Insight,
    InsightKind,
    Level,
    MarkChanged,
    Sentiment,
    SentimentHeard,
    Status,
    Topic,
    TrackerHit,
    Utterance,
    is_durable,
)
from earmark.journal_rows import Mark, folded

MOST_TALK = 200_000
MOST_MARKS = 20_000
_MOST_SEEN = 20_000
_MOST_PENDING = 8
_MOST_TRACKERS = 50
_SLACK_SECONDS = 0.3

TalkItem: TypeAlias = ConversationStarted | ConversationEnded | Utterance | Gap
"""What stands in the transcript."""


class Entry(Protocol):
    """An event and, if it was journaled, its place."""

    @property
    def seq(self) -> int | None:
        """Its place in the journal; None for a live one."""
        ...

    @property
    def event(self) -> AnyEvent:
        """What happened."""
        ...


@dataclass(frozen=True)
class Line:
    """How the viewer stands with a room."""

    attached: bool
    reason: str = ""
    """Why it is not attached, as a sentence."""
    retry_at: float | None = None
    """When it tries again, on the steady clock."""


@dataclass(eq=False)
class RoomView:
    """Everything that is shown of one room."""

    name: str
    line: Line = field(default_factory=lambda: Line(attached=False))
    talk: list[TalkItem] = field(default_factory=list)
    dropped: int = 0
    """How many of the oldest items of the talk were let go, so that memory stays bounded."""
    marks: dict[str, Mark] = field(default_factory=dict)
    """As they are now, the oldest first."""
    marks_of: dict[str, list[str]] = field(default_factory=dict)
    """Marks by the utterance that they came from."""
    topics: dict[str, float] = field(default_factory=dict)
    """The topics of the present conversation and their weights."""
    topic_words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The utterances that a topic came from."""
    trackers: dict[str, int] = field(default_factory=dict)
    """How often each tracked phrase was heard in the present conversation."""
    mood: list[tuple[float, float]] = field(default_factory=list)
    """When in the conversation, and how it sounded from -1 to 1."""
    status: Status | None = None
    level: Level | None = None
    pending: list[Hearing] = field(default_factory=list)
    """Recognised text that is not stored yet; the last one may still grow."""
    conversation: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    last_seq: int = 0
    events: int = 0
    """How many journaled events were taken in, repeats not counted."""
    speakers: dict[str, int] = field(default_factory=dict)
    """Who spoke, numbered in the order they first did."""
    version: int = 0
    """Grows with every change of anything but the level."""
    marks_version: int = 0
    _starts: dict[str, float] = field(default_factory=dict)
    _said_until: float = 0.0
    _seen: deque[str] = field(default_factory=deque)
    _seen_set: set[str] = field(default_factory=set)

    # -- taking in ------------------------------------------------------------------------------------------------

    def take(self, entries: Iterable[Entry]) -> None:
        """Take in what happened, in order; repeats are left out."""
        for entry in entries:
            event, seq = entry.event, entry.seq
            if seq is not None:
                if seq <= self.last_seq:
                    continue
                self.last_seq = seq
            elif is_durable(event) and self._repeated(event.id):
                continue
            self._apply(event)

    def _repeated(self, name: str) -> bool:
        """Whether an event without a place was there before; a house over MQTT delivers at least once."""
        if name in self._seen_set:
            return True
        self._seen_set.add(name)
        self._seen.append(name)
        if len(self._seen) > _MOST_SEEN:
            self._seen_set.discard(self._seen.popleft())
        return False

    def _apply(self, event: AnyEvent) -> None:
        if isinstance(event, Level):
            self.level = event
            return
        self.version += 1
        if isinstance(event, Status):
            self.status = event
        elif isinstance(event, Hearing):
            self._hear(event)
        else:
            self.events += 1
            self._store(event)

    def _store(self, event: Durable) -> None:
        match event:
            case Utterance():
                self._say(event)
            case Insight() | MarkChanged():
                self._mark(event)
            case ConversationStarted():
                self._begin(event.conversation, event.at)
                self._talk(event)
            case ConversationEnded():
                self.ended = event.at
                self.pending.clear()
                self._talk(event)
            case Gap():
                self._talk(event)
            case Topic(withheld=False):
                self._begin(event.conversation, event.at)
                self.topics[event.text] = max(event.score, self.topics.get(event.text, 0.0))
                self.topic_words[event.text] = event.utterances
            case TrackerHit(withheld=False) if len(self.trackers) < _MOST_TRACKERS:
                self.trackers[event.tracker] = self.trackers.get(event.tracker, 0) + 1
            case SentimentHeard():
                self._feel(event.utterance, event.sentiment)
            case _:
                pass

    def _begin(self, conversation: str, at: datetime) -> None:
        """Turn to a conversation, if it is another than the present one."""
        if not conversation or conversation == self.conversation:
            return
        self.conversation, self.began, self.ended = conversation, at, None
        self.topics.clear()
        self.topic_words.clear()
        self.trackers.clear()
        self.mood.clear()
        self._starts.clear()
        self._said_until = 0.0

    def _say(self, said: Utterance) -> None:
        self._begin(said.conversation, said.at - timedelta(seconds=said.start))
        self._settle(said)
        self._starts[said.id] = said.start
        if said.speaker and (name := said.speaker.name or said.speaker.user_id):
            self.speakers.setdefault(name, len(self.speakers))
        if said.sentiment:
            self.mood.append((said.start, said.sentiment.score))
        self._talk(said)

    def _talk(self, item: TalkItem) -> None:
        self.talk.append(item)
        if len(self.talk) > MOST_TALK:
            gone = MOST_TALK // 10
            for old in self.talk[:gone]:
                self.marks_of.pop(old.id, None)
            del self.talk[:gone]
            self.dropped += gone

    def _feel(self, utterance: str, sentiment: Sentiment) -> None:
        if (start := self._starts.get(utterance)) is not None:
            self.mood.append((start, sentiment.score))

    def _mark(self, event: Insight | MarkChanged) -> None:
        self.marks_version += 1
        known = self.marks.get(event.mark)
        if isinstance(event, Insight):
            if event.utterance and event.mark not in self.marks_of.setdefault(event.utterance, []):
                self.marks_of[event.utterance].append(event.mark)
            self.marks[event.mark] = Mark(event, known.state if known else Change.OPEN)
        elif known and (changed := folded((known.insight, event))):
            state = known.state if event.change is Change.AMENDED else changed.state
            self.marks[event.mark] = Mark(changed.insight, state)
        if len(self.marks) > MOST_MARKS:
            del self.marks[next(iter(self.marks))]

    def add_marks(self, marks: Iterable[Mark]) -> None:
        """Put marks that are older than the talk that is shown before the others."""
        older = {mark.insight.mark: mark for mark in marks if mark.insight.mark not in self.marks}
        if older:
            self.marks = {**older, **self.marks}
            self.version += 1
            self.marks_version += 1

    # -- text that is still growing -------------------------------------------------------------------------------

    def _hear(self, hearing: Hearing) -> None:
        if self.pending and not self.pending[-1].final:
            self.pending.pop()
        late = hearing.end is not None and hearing.end <= self._said_until + _SLACK_SECONDS
        if hearing.text and not (late and hearing.conversation == self.conversation):
            self.pending.append(hearing)
        del self.pending[:-_MOST_PENDING]

    def _settle(self, said: Utterance) -> None:
        """Let go of the growing text that a stored utterance replaces."""
        self._said_until = max(self._said_until, said.end)
        if not self.pending:
            return
        self.pending = [
            hearing
            for hearing in self.pending
            if hearing.start is not None and hearing.start >= said.end - _SLACK_SECONDS
        ]

    # -- asking ---------------------------------------------------------------------------------------------------

    def of_kind(self, *kinds: InsightKind) -> list[Mark]:
        """The marks of these kinds that were not dismissed, the newest first."""
        found = [m for m in self.marks.values() if m.insight.kind in kinds and m.state is not Change.DISMISSED]
        return found[::-1]

    def open_marks(self, *kinds: InsightKind) -> int:
        """How many of these are still to be done or answered."""
        return sum(m.insight.kind in kinds and m.state in (Change.OPEN, Change.AMENDED) for m in self.marks.values())

    def changed_here(self, mark: str, change: Change) -> None:
        """Show a change at once that was asked for here; the event that follows says the same."""
        if known := self.marks.get(mark):
            self.marks[mark] = Mark(known.insight, change)
            self.version += 1
            self.marks_version += 1
