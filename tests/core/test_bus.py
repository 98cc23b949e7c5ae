"""What watchers see, as it happens."""

from __future__ import annotations

import asyncio
import gc
import weakref

from earmark.bus import Bus, Watcher
from earmark.events import AnyEvent, Level, State, Status, Utterance
from tests.core.talk import BEGAN, said


def status(state: State) -> Status:
    return Status(room="kitchen", at=BEGAN, state=state)


def level(peak: float) -> Level:
    return Level(room="kitchen", at=BEGAN, peak_dbfs=peak, rms_dbfs=peak)


async def rest(watcher: Watcher) -> list[AnyEvent]:
    return [event async for event in watcher]


async def test_a_watcher_sees_the_latest_status_first_and_then_what_happens() -> None:
    bus = Bus()
    for state in (State.IDLE, State.LISTENING):
        bus.publish(status(state))
    watcher = bus.watch(Status, Utterance)
    bus.publish(level(-20))
    bus.publish(said("u1"))
    bus.close()
    assert await rest(watcher) == [status(State.LISTENING), said("u1")]


async def test_a_watcher_of_no_kind_in_particular_sees_all() -> None:
    bus = Bus()
    watcher = bus.watch()
    bus.publish(level(-20))
    bus.publish(said("u1"))
    bus.close()
    assert await rest(watcher) == [level(-20), said("u1")]


async def test_a_slow_watcher_loses_the_oldest_and_holds_nobody_up() -> None:
    bus = Bus()
    slow, quick = bus.watch(Level, size=3), bus.watch(Level)
    for number in range(10):
        bus.publish(level(-number))
    bus.close()
    assert [event.peak_dbfs for event in await rest(slow) if isinstance(event, Level)] == [-7, -8, -9]
    assert slow.dropped == 7
    assert len(await rest(quick)) == 10


async def test_a_watcher_waits_for_what_comes() -> None:
    bus = Bus()
    watcher = bus.watch(Utterance)
    waiting = asyncio.create_task(anext(watcher))
    await asyncio.sleep(0)
    bus.publish(said("u1"))
    assert await waiting == said("u1")


async def test_a_cancelled_wait_loses_nothing() -> None:
    bus = Bus()
    watcher = bus.watch(Utterance)
    waiting = asyncio.create_task(anext(watcher))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    bus.publish(said("u1"))
    assert await anext(watcher) == said("u1")


async def test_a_watcher_that_nobody_holds_is_gone() -> None:
    bus = Bus()
    gone = weakref.ref(bus.watch())
    gc.collect()
    assert gone() is None
    bus.publish(said("u1"))


async def test_whoever_watches_a_closed_room_sees_its_last_status_and_the_end() -> None:
    bus = Bus()
    bus.publish(status(State.STOPPED))
    bus.close()
    assert await rest(bus.watch(Status)) == [status(State.STOPPED)]
