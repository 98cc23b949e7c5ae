"""A room for one stage, without a listener around it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

from earmark.clock import Clock, SystemClock
from earmark.events import AnyEvent, Change, Speaker, State, Status
from earmark.journal_rows import Entry, Mark, Summary
from earmark.room import Room, StageReport
from earmark.search import Found, Query


async def until(true: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


class Knobs:
    """Controls that remember what was asked."""

    def __init__(self, device: str | None = None) -> None:
        self.device = device
        self.muted = False
        self.muted_until: datetime | None = None
        self.values: dict[tuple[str, str], float] = {}

    async def mute(self, *, seconds: float | None = None, by: str) -> None:
        self.muted = True

    async def unmute(self, *, by: str) -> None:
        self.muted = False

    async def end_conversation(self, *, by: str) -> None: ...

    async def choose_device(self, device: str | None, *, by: str) -> None:
        self.device = device

    async def change_mark(
        self,
        mark: str,
        change: Change,
        *,
        by: str,
        text: str | None = None,
        assignee: Speaker | None = None,
        due: datetime | None = None,
    ) -> None: ...

    async def tune(self, stage: str, key: str, value: float, *, by: str) -> None:
        self.values[stage, key] = value

    def tuned(self, stage: str, key: str, default: float) -> float:
        return self.values.get((stage, key), default)

    async def restart_stage(self, stage: str, *, by: str) -> None: ...

    def status(self) -> Status:
        return Status(at=datetime.now().astimezone(), state=State.LISTENING)


class LiveEvents:
    """What a watcher sees: fill it with `put`."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[AnyEvent] = asyncio.Queue()

    async def __call__(self, *kinds: type[AnyEvent]) -> AsyncIterator[AnyEvent]:
        while True:
            event = await self.queue.get()
            if isinstance(event, kinds):
                yield event


def a_room(
    folder: Path,
    *,
    rate: int = 16_000,
    clock: Clock | None = None,
    controls: Knobs | None = None,
    watch: LiveEvents | None = None,
) -> Room:
    """A room whose stage is called `stage`."""
    return Room(
        name="test",
        rate=rate,
        folder=folder / "state",
        runtime=folder / "run",
        clock=clock or SystemClock(),
        log=logging.getLogger("earmark.test"),
        controls=controls or Knobs(),
        watch=watch or LiveEvents(),
        stage=StageReport(kind="source", name="stage"),
        archive=Nothing(),
    )


class Nothing:
    """A journal in which nothing stands."""

    last = 0

    async def read(self, after: int, *, most: int = 500) -> list[Entry]:
        return []

    async def changed(self, after: int) -> None:
        await asyncio.Event().wait()

    async def following(self, after: int, *, most: int = 500) -> list[Entry]:
        await asyncio.Event().wait()
        return []

    async def conversations(self, *, most: int = 50, before: int | None = None) -> list[Summary]:
        return []

    async def of_conversation(self, conversation: str) -> list[Entry]:
        return []

    async def search(self, query: Query, *, most: int = 50) -> list[Found]:
        return []

    async def mark(self, mark: str) -> Mark | None:
        return None

    async def open_marks(self, *, most: int = 200) -> list[Mark]:
        return []


class Script:
    """A stream of events for a sink: gives batches, and notes what was acknowledged."""

    def __init__(self, *events: AnyEvent) -> None:
        self.events = list(events)
        self.acknowledged = 0
        self._given = 0

    def __aiter__(self) -> Script:
        return self

    async def __anext__(self) -> AnyEvent:
        self.acknowledged = self._given
        if self._given == len(self.events):
            raise StopAsyncIteration
        self._given += 1
        return self.events[self._given - 1]

    async def batches(self, most: int) -> AsyncIterator[list[AnyEvent]]:
        while self._given < len(self.events):
            batch = self.events[self._given : self._given + most]
            self._given += len(batch)
            yield batch
            self.acknowledged = self._given


class ManualClock:
    """A clock that goes on only by sleeping."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return 1_700_000_000.0 + self.passed

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)
