"""From what a peer tells to events of the room: ids, times, and what was told before.

Rules of confirmation, for peers that do not acknowledge sound themselves:

1. Sound before the end of a journaled utterance is confirmed.
2. Sound that was sent more than `SILENCE_SECONDS` of audio ago, and that no pending interim text covers, was silence.
3. Interim text that no utterance has followed after `PENDING_SECONDS` of audio is given up waiting for.

Rules of overlap, after a line was lost and sound was sent again:

4. Words that lie before the end of the last journaled utterance are dropped, word by word where the peer tells words.
5. What refers to an utterance that was dropped whole is dropped with it.

And where the spool had given up sound that the peer had heard before the line was lost:

6. An utterance of such sound is kept, and a `Gap` that is `recovered` takes back as much of the one that was `lost`.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec
from msgspec.structs import replace

from earmark.audio import Cause
from earmark.clock import moment
from earmark.events import (
    AnyEvent,
    Entity,
    Event,
    Gap,
    Hearing,
    Insight,
    MarkChanged,
    SentimentHeard,
    Topic,
    TrackerHit,
    Utterance,
    derived_id,
    kind_of,
)
from earmark.hookspecs import Axis, Heard
from earmark.uplink.timeline import SentTable, WallTable

SILENCE_SECONDS = 30.0
PENDING_SECONDS = 120.0
_SLACK_SECONDS = 0.05
_INTERIM_REACH_SECONDS = 15.0
_REMEMBERED = 2000
_MOST_GIVEN_UP = 200


class Conversation(msgspec.Struct, kw_only=True):
    """A conversation that is not over yet; kept in the journal's state so that a restart goes on with it."""

    id: str
    connection: str
    origin: float
    """Capture seconds of its first sound."""
    at: float
    """Wall-clock seconds since 1970 of that sound."""
    started: bool = False
    """Whether a peer was ever asked to hear it: from then on it may tell again of sound that is sent again."""
    upstream: str = ""
    """The peer's id of the present leg."""
    sequence: int = 0
    """The last of the peer's results that is journaled."""
    told: float = 0.0
    """Capture seconds at which the last journaled utterance ended."""
    closed: float | None = None
    """Capture seconds after which sound belongs to the next conversation."""
    reason: str = ""
    given_up: list[tuple[float, float]] = []
    """Capture seconds of sound that the spool gave up lately; a peer that had heard it may tell of it yet."""

    def give_up(self, start: float, end: float) -> None:
        """Take note that sound was given up."""
        if end > start:
            self.given_up = [*self.given_up[1 - _MOST_GIVEN_UP :], (start, end)]

    def get_back(self, start: float, end: float) -> list[tuple[float, float]]:
        """What of that stretch had been given up; it is told of now, and given up no more."""
        back = [(max(first, start), min(last, end)) for first, last in self.given_up if first < end and last > start]
        parts = [part for first, last in self.given_up for part in ((first, min(last, start)), (max(first, end), last))]
        self.given_up = [(first, last) for first, last in parts if last > first]
        return back


class Pending:
    """What has been sent and not answered yet, for peers that do not acknowledge."""

    def __init__(self) -> None:
        self._open_since: float | None = None

    def interim(self, start: float | None, sent_until: float, released: float) -> None:
        """Take note of interim text."""
        if self._open_since is None:
            reach = sent_until - _INTERIM_REACH_SECONDS if start is None else start
            self._open_since = max(released, reach)

    def answered(self) -> None:
        """Take note of an utterance."""
        self._open_since = None

    def silent_until(self, sent_until: float, quiet: float) -> float:
        """Up to where silence may be taken as heard; `quiet` is where `SILENCE_SECONDS` of sent audio ago was."""
        if self._open_since is None or self._open_since < sent_until - PENDING_SECONDS:
            return quiet
        return min(quiet, self._open_since)


class Names:
    """The peer's ids of recent utterances, and what they are called here; None for those dropped as told before."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, float, float] | None] = OrderedDict()

    def learn(self, upstream: str, event: Utterance | None) -> None:
        """Take note of an utterance."""
        self._known[upstream] = None if event is None else (event.id, event.start, event.at.timestamp())
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def dropped(self, upstream: str | None) -> bool:
        """Whether the utterance was told before."""
        return upstream is not None and upstream in self._known and self._known[upstream] is None

    def find(self, upstream: str | None) -> tuple[str, float, float] | None:
        """Id, start and wall-clock time of an utterance."""
        return self._known.get(upstream) if upstream is not None else None


class Stamp:
    """Turns what one leg of a conversation tells into events."""

    def __init__(self, room: str, conversation: Conversation, names: Names, walls: WallTable) -> None:
        self._room = room
        self.conversation = conversation
        self._names = names
        self._walls = walls
        self.table = SentTable()
        self.told_before: float | None = None
        """Up to which capture time the peer may tell again what is journaled; None where it cannot."""

    def capture(self, seconds: float, axis: Axis, *, at_end: bool = False) -> float:
        """A peer's time on the capture clock."""
        return seconds if axis is Axis.CAPTURE else self.table.capture(seconds, at_end=at_end)

    def event(self, heard: Heard) -> AnyEvent | None:
        """The event as it is journaled and shown; None if it was told before."""
        event = heard.event
        if isinstance(event, Utterance):
            return self._utterance(event, heard)
        if isinstance(event, Hearing):
            return self._hearing(event, heard.axis)
        return self._about(event, heard.axis)

    def forget(self, upstream: str) -> None:
        """Take note that an utterance was forgotten, so that nothing is told of it."""
        self._names.learn(upstream, None)

    def told_until(self, event: Utterance) -> float:
        """Where on the capture clock an utterance of ours ends."""
        return self.conversation.origin + event.end

    def recovered(self, event: Utterance) -> list[Gap]:
        """What an utterance of ours tells of sound that had been given up for lost."""
        origin = self.conversation.origin
        return [
            Gap(
                id=derived_id(self.conversation.id, "recovered", f"{first:.3f}"),
                room=self._room,
                conversation=self.conversation.id,
                at=moment(self._walls.wall(first)),
                start=round(first - origin, 3),
                seconds=round(last - first, 3),
                cause=Cause.SPOOL_FULL,
                outcome="recovered",
            )
            for first, last in self.conversation.get_back(origin + event.start, origin + event.end)
        ]

    def _utterance(self, event: Utterance, heard: Heard) -> Utterance | None:
        upstream = event.id
        start = self.capture(event.start, heard.axis)
        end = max(start, self.capture(event.end, heard.axis, at_end=True))
        told = self.told_before
        if told is not None and start < told - _SLACK_SECONDS:
            trimmed = self._trimmed(event, heard, told)
            if trimmed is None:
                self._names.learn(upstream, None)
                return None
            event, start = trimmed, max(start, told)
        stamped = self._placed(event, start, end)
        self._names.learn(upstream, stamped)
        return stamped

    def _trimmed(self, event: Utterance, heard: Heard, told: float) -> Utterance | None:
        if not heard.words:
            end = self.capture(event.end, heard.axis, at_end=True)
            return None if end <= told + _SLACK_SECONDS else event
        fresh = [w for w in heard.words if self.capture((w.start + w.end) / 2, heard.axis) > told]
        return replace(event, text=" ".join(word.text for word in fresh)) if fresh else None

    def _placed(self, event: Utterance, start: float, end: float) -> Utterance:
        origin = self.conversation.origin
        return replace(
            event,
            id=self._id(event, event.id or f"{event.start:.3f} {event.text}"),
            room=self._room,
            conversation=self.conversation.id,
            at=moment(self._walls.wall(start)),
            start=round(max(0.0, start - origin), 3),
            end=round(max(0.0, end - origin), 3),
        )

    def _hearing(self, event: Hearing, axis: Axis) -> Hearing:
        origin = self.conversation.origin
        start = None if event.start is None else self.capture(event.start, axis)
        end = None if event.end is None else self.capture(event.end, axis, at_end=True)
        return replace(
            event,
            id=event.id or f"{self.conversation.id}-live",
            room=self._room,
            conversation=self.conversation.id,
            at=moment(self._walls.wall(self.table.until if start is None else start)),
            start=None if start is None else round(start - origin, 3),
            end=None if end is None else round(end - origin, 3),
        )

    def _about(self, event: AnyEvent, axis: Axis) -> AnyEvent | None:
        """An event that speaks of an utterance rather than of a time of its own."""
        upstream = getattr(event, "utterance", None)
        if self._names.dropped(upstream):
            return None
        known = self._names.find(upstream)
        at = known[2] if known else self._walls.wall(self.table.until)
        changes: dict[str, object] = {
            "room": self._room,
            "conversation": self.conversation.id,
            "at": moment(at),
            "id": self._id(event, event.id or msgspec.json.encode(event).decode()),
        }
        if isinstance(event, Insight | TrackerHit | Entity | SentimentHeard):
            changes["utterance"] = known[0] if known else upstream
        if isinstance(event, Insight):
            changes["id"] = self._id(event, f"{event.mark} {event.revision}")
            changes["mark"] = self._mark(event.mark)
            changes["start"] = known[1] if known else event.start and self._since(event.start, axis)
        if isinstance(event, MarkChanged):
            changes["mark"] = self._mark(event.mark)
        if isinstance(event, Topic):
            found = [self._names.find(utterance) for utterance in event.utterances]
            changes["utterances"] = tuple(name[0] for name in found if name)
            changes["id"] = self._id(event, f"{event.id} {event.score:.3f}")
        return replace(event, **changes)

    def _since(self, seconds: float, axis: Axis) -> float:
        return round(self.capture(seconds, axis) - self.conversation.origin, 3)

    def _mark(self, upstream: str) -> str:
        return derived_id(self.conversation.id, "mark", upstream)

    def _id(self, event: Event, upstream: str) -> str:
        return derived_id(self.conversation.id, kind_of(event), upstream)
