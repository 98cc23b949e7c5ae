"""A room for the sink: a real journal, real delivery and real controls, without ears."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.bus import Bus
from earmark.clock import SystemClock, moment
from earmark.controls import RoomControls
from earmark.delivery import Delivery
from earmark.events import AnyEvent, Durable, State, Status
from earmark.journal import Journal
from earmark.journal_rows import Mark
from earmark.room import Room, StageReport
from earmark_mqtt.plugin import earmark_sinks
from earmark_mqtt.settings import MqttSettings
from tests.mqtt.brokers import Broker, Subscriber


async def until(true: Callable[[], Any], *, seconds: float = 20.0) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


class Desk:
    """What the controls need, over a journal."""

    def __init__(self, journal: Journal, bus: Bus, name: str) -> None:
        self.journal, self.bus, self.name = journal, bus, name
        self.state = State.LISTENING
        self.ended = 0
        self.controls: RoomControls | None = None

    async def keep(self, key: str, value: bytes) -> None:
        await self.journal.keep({key: value})

    async def record(self, events: Sequence[Durable]) -> None:
        await self.journal.append(events)

    async def find_mark(self, mark: str) -> Mark | None:
        return await self.journal.mark(mark)

    def end_conversation(self) -> None:
        self.ended += 1

    def restart_stage(self, stage: str) -> bool:
        return False

    def status(self) -> Status:
        assert self.controls is not None
        state = State.MUTED if self.controls.muted else self.state
        until_ = self.controls.muted_until
        return Status(at=moment(SystemClock().now()), room=self.name, state=state, muted_until=until_)


@dataclass
class Stand:
    """A room with the sink at work in it."""

    room: Room
    journal: Journal
    bus: Bus
    desk: Desk
    delivery: Delivery
    task: asyncio.Task[None]

    @property
    def report(self) -> StageReport:
        return self.room.stage

    async def say(self, *events: Durable) -> None:
        await self.journal.append(events)

    def show(self, event: AnyEvent) -> None:
        self.bus.publish(event)

    async def connected(self) -> None:
        await until(lambda: "MQTT" in self.report.details.get("broker", ""))

    async def delivered(self, seconds: float = 20.0) -> None:
        """Wait until everything is acknowledged."""
        await until(lambda: self.report.lag == 0 and self.report.delivered > 0, seconds=seconds)


@asynccontextmanager
async def at_work(folder: Path, settings: MqttSettings, *, name: str = "kitchen") -> AsyncIterator[Stand]:
    clock, bus = SystemClock(), Bus()
    offer = next(iter(earmark_sinks()))
    async with Journal.open(folder / "journal.db", clock=clock) as journal:
        desk = Desk(journal, bus, name)
        controls = RoomControls(
            desk, room=name, clock=clock, quiet_hours=(), changed=lambda: bus.publish(desk.status())
        )
        desk.controls = controls
        room = Room(
            name=name,
            rate=16_000,
            folder=folder / "sink-mqtt",
            runtime=folder,
            clock=clock,
            log=logging.getLogger("earmark.mqtt"),
            controls=controls,
            watch=bus.watch,
            stage=StageReport(kind="sink", name="mqtt"),
            archive=journal,
        )
        delivery = Delivery(journal, clock, rng=random.Random(1))
        assert offer.target is not None
        running = delivery.run_sink(
            offer, lambda: offer.open(settings, room), target=offer.target(settings), report=room.stage, from_start=True
        )
        task = asyncio.create_task(running)
        try:
            yield Stand(room, journal, bus, desk, delivery, task)
        finally:
            await delivery.shutdown(2)
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def subscribed(broker: Broker, *topics: str, name: str = "subscriber", **login: str) -> AsyncIterator[Subscriber]:
    subscriber = Subscriber(broker, *topics, name=name, **login)
    try:
        await until(lambda: subscriber.subscribed)
        yield subscriber
    finally:
        await asyncio.to_thread(subscriber.close)


def ids(subscriber: Subscriber, root: str = "earmark/kitchen/") -> list[str]:
    """The ids of the events that came, in order, repeats included."""
    found = []
    for topic, payload, _, _ in list(subscriber.messages):
        if topic.startswith(root) and topic.removeprefix(root).count("/") == 0 and payload.startswith(b"{"):
            event = json.loads(payload)
            if "id" in event and "type" in event:
                found.append(event["id"])
    return found


def once(names: Sequence[str]) -> list[str]:
    """Without repeats."""
    return list(dict.fromkeys(names))


def latest(subscriber: Subscriber, topic: str, *, room: str = "kitchen") -> dict[str, Any]:
    """What a topic of a room told last; nothing where it told nothing."""
    payloads = subscriber.payloads(f"earmark/{room}/{topic}")
    found: dict[str, Any] = json.loads(payloads[-1]) if payloads and payloads[-1] else {}
    return found
