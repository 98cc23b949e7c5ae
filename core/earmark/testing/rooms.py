"""A room for one stage, without a listener around it."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from earmark.bus import Bus
from earmark.clock import Clock, SystemClock, moment
from earmark.events import Change, Speaker, State, Status
from earmark.journal import Journal
from earmark.room import Room, StageReport

RATE = 16_000


class NotedControls:
    """Controls that do nothing but note what was asked, in `asked`."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.muted = False
        self.muted_until: datetime | None = None
        self.device: str | None = None
        self._knobs: dict[tuple[str, str], float] = {}

    async def mute(self, *, seconds: float | None = None, by: str) -> None:
        """Note it."""
        self.muted = True
        self.asked.append(("mute", seconds, by))

    async def unmute(self, *, by: str) -> None:
        """Note it."""
        self.muted = False
        self.asked.append(("unmute", by))

    async def end_conversation(self, *, by: str) -> None:
        """Note it."""
        self.asked.append(("end_conversation", by))

    async def choose_device(self, device: str | None, *, by: str) -> None:
        """Note it."""
        self.device = device
        self.asked.append(("choose_device", device, by))

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
        """Note it."""
        self.asked.append(("change_mark", mark, change, by, text, assignee, due))

    async def tune(self, stage: str, key: str, value: float, *, by: str) -> None:
        """Note it."""
        self._knobs[stage, key] = value
        self.asked.append(("tune", stage, key, value, by))

    def tuned(self, stage: str, key: str, default: float) -> float:
        """What was asked for, or the default."""
        return self._knobs.get((stage, key), default)

    async def restart_stage(self, stage: str, *, by: str) -> None:
        """Note it."""
        self.asked.append(("restart_stage", stage, by))

    def status(self) -> Status:
        """A room that listens."""
        return Status(at=moment(0), state=State.LISTENING)


def room_for_tests(
    folder: Path,
    journal: Journal,
    *,
    kind: str = "sink",
    name: str = "test",
    rate: int = RATE,
    clock: Clock | None = None,
    controls: NotedControls | None = None,
    bus: Bus | None = None,
) -> Room:
    """The room as one stage sees it; what is published on `bus` is what it watches."""
    return Room(
        name="test-room",
        rate=rate,
        folder=folder / "state" / f"{kind}-{name}",
        runtime=folder / "run",
        clock=clock or SystemClock(),
        log=logging.getLogger(f"earmark.{name}"),
        controls=controls or NotedControls(),
        watch=(bus or Bus()).watch,
        stage=StageReport(kind=kind, name=name),
        archive=journal,
        people=("Ada", "Grace"),
    )
