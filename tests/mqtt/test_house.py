from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.clock import SystemClock
from earmark.errors import EarmarkError
from earmark.events import Insight, Status
from earmark_mqtt.api import BrokerLine, House, OpenItems, Present, Shown, Told
from earmark_mqtt.house import read
from earmark_mqtt.line import Incoming
from tests.core.talk import marked
from tests.mqtt.brokers import Broker
from tests.mqtt.rooms import at_work, until


@asynccontextmanager
async def watching(broker: Broker, **more: Any) -> AsyncIterator[tuple[House, list[object]]]:
    house = House(broker.settings(**more), clock=SystemClock())
    seen: list[object] = []

    async def watch() -> None:
        async for tiding in house.tidings():
            seen.append(tiding)  # noqa: PERF401 - seen while it grows

    task = asyncio.create_task(watch())
    try:
        yield house, seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_every_room_of_a_house_is_seen(broker: Broker, tmp_path: Path) -> None:
    async with (
        watching(broker) as (_, seen),
        at_work(tmp_path / "k", broker.settings(), name="kitchen") as kitchen,
        at_work(tmp_path / "h", broker.settings(), name="hall"),
    ):
        await until(
            lambda: {Present("kitchen", True), Present("hall", True)} <= {one for one in seen if is_present(one)}
        )
        await kitchen.say(marked("m1", "Buy milk"))
        await until(lambda: [one for one in seen if isinstance(one, Told) and isinstance(one.event, Insight)])
        await until(lambda: [one for one in seen if isinstance(one, Shown) and isinstance(one.what, OpenItems)])
        await until(lambda: [one for one in seen if isinstance(one, Told) and isinstance(one.event, Status)])


def is_present(tiding: object) -> bool:
    return isinstance(tiding, Present)


async def test_who_comes_later_sees_who_is_there_and_who_goes(mosquitto: Broker, tmp_path: Path) -> None:
    async with at_work(tmp_path, mosquitto.settings()) as stand:
        await stand.connected()
        async with watching(mosquitto) as (_, seen):
            await until(lambda: Present("kitchen", True) in seen)
            stand.task.cancel()
            await until(lambda: Present("kitchen", False) in seen)


async def test_a_house_is_muted_room_by_room(broker: Broker, tmp_path: Path) -> None:
    async with watching(broker) as (house, seen), at_work(tmp_path, broker.settings()) as stand:
        await until(lambda: Present("kitchen", True) in seen)
        await house.command("kitchen", "mute", "ON")
        await until(lambda: stand.room.controls.muted)


async def test_a_broker_that_goes_and_comes_is_told_of(mosquitto: Broker) -> None:
    async with watching(mosquitto) as (house, seen):
        await until(lambda: BrokerLine(None) in seen)
        mosquitto.kill()
        await until(lambda: isinstance(seen[-1], BrokerLine) and seen[-1].problem)
        with pytest.raises(EarmarkError, match="is away"):
            await house.command("kitchen", "mute", "ON")
        mosquitto.start()
        await until(lambda: seen.count(BrokerLine(None)) == 2)


@given(what=st.sampled_from(["home", "open_items", "last/question", "status", "action_item", "x"]), payload=st.binary())
def test_what_strangers_publish_is_passed_over(what: str, payload: bytes) -> None:
    assert read("kitchen", what, Incoming(f"earmark/kitchen/{what}", payload, False)) is None
