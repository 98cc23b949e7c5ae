from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from earmark.clock import SystemClock, moment
from earmark.events import Change, Hearing, InsightKind, Level, State, Status, decode
from earmark.forgetting import Selection
from earmark.journal import Journal
from earmark_mqtt.payloads import home_of, open_items_of
from tests.core.talk import changed, marked
from tests.mqtt.brokers import Broker, Mosquitto, Subscriber
from tests.mqtt.rooms import at_work, latest, subscribed, until

NOW = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)


def test_minutes_of_a_timed_mute_are_counted_down_to_the_last() -> None:
    def left(seconds: float, *, muted: bool = True) -> int:
        status = Status(at=NOW, state=State.MUTED, muted_until=NOW + timedelta(seconds=seconds))
        return home_of(status, muted=muted, microphone=None, spoke_seconds_ago=9, now=NOW).mute_minutes

    assert [left(600), left(599), left(1), left(0), left(-5)] == [10, 10, 1, 0, 0]
    assert left(10 * 86_400) == 1440
    assert left(600, muted=False) == 0


def test_the_ears_are_open_unless_the_room_is_muted_or_stopped() -> None:
    def told(state: State, *, muted: bool = False) -> tuple[bool, bool]:
        home = home_of(Status(at=NOW, state=state), muted=muted, microphone=None, spoke_seconds_ago=9, now=NOW)
        return home.listening, home.connected

    assert told(State.LISTENING) == told(State.PAUSED) == told(State.IDLE) == (True, True)
    assert told(State.RECONNECTING) == (True, False)
    assert told(State.LISTENING, muted=True) == (False, True)
    assert told(State.STOPPED) == (False, False)


async def test_items_of_today_are_counted_by_the_clock_on_the_wall(mosquitto: Broker, tmp_path: Path) -> None:
    async with at_work(tmp_path, mosquitto.settings()) as stand:
        await stand.say(marked("m1", "Buy milk"), marked("q", "Who?", kind=InsightKind.QUESTION))
        marks = await stand.journal.open_marks()
    said_at = marks[0].insight.at
    assert open_items_of(marks, now=said_at, text=True).today == 1
    after_midnight = open_items_of(marks, now=said_at + timedelta(days=1), text=True)
    assert (after_midnight.today, after_midnight.total) == (0, 1)


async def test_the_broker_says_offline_when_the_room_is_gone_in_any_way(mosquitto: Broker, tmp_path: Path) -> None:
    async with subscribed(mosquitto, "earmark/kitchen/availability") as anyone:
        async with at_work(tmp_path, mosquitto.settings()):
            await anyone.come("earmark/kitchen/availability")
        assert await anyone.come("earmark/kitchen/availability", count=2) == [b"online", b"offline"]
        async with at_work(tmp_path, mosquitto.settings()) as stand:
            await anyone.come("earmark/kitchen/availability", count=3)
            stand.task.cancel()
            await anyone.come("earmark/kitchen/availability", count=4)
        assert anyone.payloads("earmark/kitchen/availability")[2:] == [b"online", b"offline"]


async def test_who_comes_later_finds_the_state_of_the_room(broker: Broker, tmp_path: Path) -> None:
    def knows(subscriber: Subscriber) -> bool:
        items, mark = latest(subscriber, "open_items"), latest(subscriber, "last/action_item")
        return latest(subscriber, "home").get("muted") is True and items.get("total") == 1 and mark != {}

    async with (
        subscribed(broker, "earmark/kitchen/#", name="early") as early,
        at_work(tmp_path, broker.settings()) as stand,
    ):
        await stand.say(marked("m1", "Buy milk"))
        await stand.room.controls.mute(by="test")
        await until(lambda: knows(early))
        async with subscribed(broker, "earmark/kitchen/#", name="late") as late:
            await until(lambda: knows(late))
            assert latest(late, "last/action_item")["text"] == "Buy milk"
            assert isinstance(decode((await late.come("earmark/kitchen/status"))[-1]), Status)
            assert not late.payloads("earmark/kitchen/action_item")


async def test_the_room_leaves_its_state_as_it_was_at_the_end(mosquitto: Broker, tmp_path: Path) -> None:
    async with subscribed(mosquitto, "earmark/kitchen/+") as anyone:
        async with at_work(tmp_path, mosquitto.settings()) as stand:
            await anyone.come("earmark/kitchen/availability")
            await stand.say(*(marked(f"m{n}", "Buy milk") for n in range(7)))
        await anyone.come("earmark/kitchen/availability", count=2)
        assert latest(anyone, "open_items")["total"] == 7
        assert anyone.messages[-1][:2] == ("earmark/kitchen/availability", b"offline")


async def test_a_kind_is_kept_by_the_broker_if_that_is_set(mosquitto: Broker, tmp_path: Path) -> None:
    async with at_work(tmp_path, mosquitto.settings(retain=("action_item",))) as stand:
        await stand.say(marked("m1", "Buy milk"))
        await stand.delivered()
    async with subscribed(mosquitto, "earmark/kitchen/action_item") as late:
        await late.come("earmark/kitchen/action_item")


async def test_the_latest_mark_is_shown_as_it_is_now(mosquitto: Broker, tmp_path: Path) -> None:
    async with subscribed(mosquitto, "earmark/#") as anyone, at_work(tmp_path, mosquitto.settings()) as stand:
        await stand.say(marked("m1", "Buy milk"))
        await until(lambda: latest(anyone, "last/action_item").get("text") == "Buy milk")
        await stand.say(changed("m1", Change.AMENDED, text="Buy oat milk"))
        await until(lambda: latest(anyone, "last/action_item").get("text") == "Buy oat milk")
        await stand.say(changed("m1", Change.DONE))
        await until(lambda: latest(anyone, "last/action_item").get("state") == "done")


async def test_what_was_forgotten_does_not_stay_on_the_broker(mosquitto: Broker, tmp_path: Path) -> None:
    settings = mosquitto.settings(status_every=0.2)
    async with at_work(tmp_path, settings) as stand:
        await stand.say(marked("m1", "Buy milk"))
        await stand.delivered()
        async with subscribed(mosquitto, "earmark/kitchen/last/+") as anyone:
            await anyone.come("earmark/kitchen/last/action_item")
            await stand.journal.forget(Selection())
            await until(lambda: anyone.payloads("earmark/kitchen/last/action_item")[-1] == b"")


async def test_what_was_forgotten_while_the_room_was_off_is_taken_back(mosquitto: Broker, tmp_path: Path) -> None:
    async with at_work(tmp_path, mosquitto.settings()) as stand:
        await stand.say(marked("m1", "Buy milk"))
        await stand.delivered()
    async with Journal.open(tmp_path / "journal.db", clock=SystemClock()) as journal:
        await journal.forget(Selection())
    async with subscribed(mosquitto, "earmark/kitchen/last/+") as anyone:
        await anyone.come("earmark/kitchen/last/action_item")
        async with at_work(tmp_path, mosquitto.settings()):
            await until(lambda: anyone.payloads("earmark/kitchen/last/action_item")[-1] == b"")
    async with subscribed(mosquitto, "earmark/kitchen/last/+", name="late") as late:
        assert not late.messages


async def test_a_broker_that_lost_all_it_kept_is_told_again(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with at_work(tmp_path, mosquitto.settings()) as stand:
        await stand.connected()
        mosquitto.kill(15)
        mosquitto.forget()
        mosquitto.start()
        async with subscribed(mosquitto, "#") as anyone:
            await anyone.come("earmark/kitchen/availability")
            await anyone.come("homeassistant/device/earmark_kitchen/config")
            await anyone.come("earmark/kitchen/home")


async def test_the_level_and_who_speaks_are_shown(mosquitto: Broker, tmp_path: Path) -> None:
    def level(*, speaking: bool) -> Level:
        return Level(at=moment(SystemClock().now()), peak_dbfs=-20, rms_dbfs=-30, speaking=speaking)

    settings = mosquitto.settings(level=True)
    async with subscribed(mosquitto, "earmark/#") as anyone, at_work(tmp_path, settings) as stand:
        await anyone.come("earmark/kitchen/availability")
        stand.show(level(speaking=True))
        await until(lambda: latest(anyone, "home").get("speaking") is True)
        while not anyone.payloads("earmark/kitchen/mic/level"):
            stand.show(level(speaking=False))
            await asyncio.sleep(0.1)
        assert latest(anyone, "mic/level")["peak_dbfs"] == -20
        await until(lambda: latest(anyone, "home").get("speaking") is False)
        stand.show(Hearing(at=moment(SystemClock().now()), text="Good ev"))
        await until(lambda: latest(anyone, "home").get("speaking") is True)


async def test_the_level_stays_in_the_room_by_default(mosquitto: Broker, tmp_path: Path) -> None:
    async with subscribed(mosquitto, "earmark/#") as anyone, at_work(tmp_path, mosquitto.settings()) as stand:
        await anyone.come("earmark/kitchen/availability")
        stand.show(Level(at=NOW, peak_dbfs=-20, rms_dbfs=-30, speaking=True))
        await until(lambda: latest(anyone, "home").get("speaking") is True)
        assert not anyone.payloads("earmark/kitchen/mic/level")
