"""What the host hands to a plugin: the room it works in."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from earmark.clock import Clock

if TYPE_CHECKING:
    from earmark.events import AnyEvent, Change, Speaker, Status
    from earmark.journal_rows import Entry, Mark, Summary
    from earmark.search import Found, Query


class Controls(Protocol):
    """What may be asked of a room; every door (terminal, MQTT, HTTP) leads here."""

    @property
    def muted(self) -> bool:
        """Whether the owner closed the ears."""
        ...

    @property
    def muted_until(self) -> datetime | None:
        """When the ears open again by themselves, where a time was named."""
        ...

    @property
    def device(self) -> str | None:
        """The microphone that was chosen while listening, over the configured one."""
        ...

    async def mute(self, *, seconds: float | None = None, by: str) -> None:
        """Close the device, for good or for a time."""
        ...

    async def unmute(self, *, by: str) -> None:
        """Open the device again."""
        ...

    async def end_conversation(self, *, by: str) -> None:
        """End the conversation; the next word begins another."""
        ...

    async def choose_device(self, device: str | None, *, by: str) -> None:
        """Listen to another microphone, or to the configured one again."""
        ...

    async def change_mark(
        self,
        mark: str,
        change: Change,
        *,
        by: str,
        text: str | None = None,
        assignee: Speaker | None = None,
        due: datetime | None = None,
    ) -> None:
        """Tick off, reopen, answer, dismiss or amend a mark; raises `EarmarkError` if there is no such mark."""
        ...

    async def tune(self, stage: str, key: str, value: float, *, by: str) -> None:
        """Turn one of a stage's knobs while it runs, such as the gate's threshold."""
        ...

    def tuned(self, stage: str, key: str, default: float) -> float:
        """Where a knob stands."""
        ...

    async def restart_stage(self, stage: str, *, by: str) -> None:
        """Close a stage and open it anew, without disturbing the room."""
        ...

    def status(self) -> Status:
        """How the room is, now."""
        ...


class Watch(Protocol):
    """Gives any plugin what happens, as it happens: see `Room.watch`."""

    def __call__(self, *kinds: type[AnyEvent]) -> AsyncIterator[AnyEvent]:
        """The events of these kinds from now on."""
        ...


class Archive(Protocol):
    """What was journaled, to be read by whoever shows or serves it."""

    @property
    def last(self) -> int:
        """The highest place ever given."""
        ...

    async def read(self, after: int, *, most: int = 500) -> list[Entry]:
        """At most so many entries after a place, in order."""
        ...

    async def changed(self, after: int) -> None:
        """Return once there are entries after a place."""
        ...

    async def following(self, after: int, *, most: int = 500) -> list[Entry]:
        """At most so many entries after a place, as soon as there are any."""
        ...

    async def conversations(self, *, most: int = 50, before: int | None = None) -> list[Summary]:
        """The newest conversations first; `before` is the `first` of the last one of the page before."""
        ...

    async def of_conversation(self, conversation: str) -> list[Entry]:
        """All that is known of a conversation, in order."""
        ...

    async def search(self, query: Query, *, most: int = 50) -> list[Found]:
        """The newest entries that match, the newest first."""
        ...

    async def mark(self, mark: str) -> Mark | None:
        """A mark as it is now."""
        ...

    async def open_marks(self, *, most: int = 200) -> list[Mark]:
        """What is still to be done or answered, the newest first."""
        ...


@dataclass
class StageReport:
    """What a stage tells of itself; the host shows it in `Status`, metrics and the watchdog."""

    kind: str
    name: str
    state: str = "closed"
    """`starting`, `running`, `waiting`, `retrying`, `open` (its breaker), `failed` or `closed`."""
    failures: int = 0
    refused: int = 0
    delivered: int = 0
    lag: int = 0
    counters: dict[str, float] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    problem: str | None = None
    """A sentence on what is wrong just now and what to do; None when all is well."""
    wait_name: str | None = None
    wait_until: float = 0.0

    def count(self, counter: str, amount: float = 1) -> None:
        """Add to a counter, such as `overruns`."""
        self.counters[counter] = self.counters.get(counter, 0) + amount

    def fail(self, problem: str) -> None:
        """Count a failure and say what it was."""
        self.failures += 1
        self.state, self.problem = "retrying", problem

    def waiting(self, what: str, until_monotonic: float) -> None:
        """Say that the stage waits for something, and until when at most, on the room's steady clock."""
        self.wait_name, self.wait_until = what, until_monotonic

    def working(self) -> None:
        """Say that the wait is over."""
        self.wait_name = None


@dataclass(frozen=True)
class Room:
    """A room as one stage sees it."""

    name: str
    rate: int
    """Samples a second that a source gives."""
    folder: Path
    """A folder of the stage's own for what must survive; made when first asked for by `keep`."""
    runtime: Path
    """The room's folder in memory-backed storage; gone after a restart of the machine."""
    clock: Clock
    log: logging.Logger
    controls: Controls
    watch: Watch
    """`room.watch(Status, Level)`: the latest `Status` first, the oldest dropped when one is slow."""
    stage: StageReport
    archive: Archive
    """What was journaled."""
    people: tuple[str, ...] = ()
    """Names that the owner told: who may be called or named in this room."""
    owner: str | None = None
    """Who "I" is, where the microphone does not know who speaks."""

    def keep(self) -> Path:
        """The stage's own folder, made for the owner's eyes only."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.folder
