"""The names of a room's topics, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from earmark.events import Event, Insight, kind_of


@dataclass(frozen=True)
class Message:
    """Something for the broker."""

    topic: str
    payload: bytes
    retain: bool = False
    qos: int = 1


@dataclass(frozen=True)
class Topics:
    """The topics of one room."""

    prefix: str
    room: str

    @property
    def root(self) -> str:
        """What all of them begin with."""
        return f"{self.prefix}/{self.room}"

    def of(self, kind: str) -> str:
        """Where events of a kind go."""
        return f"{self.root}/{kind}"

    @property
    def status(self) -> str:
        """The state of the room and each stage."""
        return f"{self.root}/status"

    @property
    def availability(self) -> str:
        """`online`, or `offline` as the broker itself says when the line is lost."""
        return f"{self.root}/availability"

    @property
    def level(self) -> str:
        """How loud it is."""
        return f"{self.root}/mic/level"

    @property
    def home(self) -> str:
        """The room in plain values, as dashboards want them."""
        return f"{self.root}/home"

    @property
    def open_items(self) -> str:
        """What is still to be done."""
        return f"{self.root}/open_items"

    def last(self, kind: str) -> str:
        """The latest mark of a kind, kept by the broker."""
        return f"{self.root}/last/{kind}"

    def set(self, what: str) -> str:
        """Where the room takes commands."""
        return f"{self.root}/set/{what}"


def topic_kind(event: Event) -> str:
    """The kind that an event is published under: its tag, or for a mark what it is."""
    return event.kind.value if isinstance(event, Insight) else kind_of(event)
