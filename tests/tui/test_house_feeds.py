"""Rooms elsewhere: over the local API of their listeners, and over a broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.clock import SystemClock
from earmark.errors import EarmarkError
from earmark.events import Change
from earmark_tui.app import Viewer
from earmark_tui.feeds import Feed
from earmark_tui.feeds.broker import BrokerFeed
from earmark_tui.feeds.remote import Address, RemoteFeed
from tests.core.talk import began, marked, said
from tests.http.house import TOKEN, house
from tests.mqtt.brokers import Mosquitto
from tests.mqtt.rooms import at_work
from tests.tui.evening import until


def watching(feed: Feed) -> Viewer:
    return Viewer(feed, clock=SystemClock(), room="", environ={}, local=False)


def marks(app: Viewer) -> dict[str, Change]:
    return {name: mark.state for name, mark in app.room.marks.items()} if app.room else {}


async def test_a_listener_elsewhere_is_watched_and_steered(tmp_path: Path) -> None:
    async with house(tmp_path) as listener:
        await listener.record([began(), said("u1"), marked("m1", "Buy milk", of=said("u1"))])
        app = watching(RemoteFeed([Address.parse(listener.url, TOKEN)], clock=SystemClock()))
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: app.room and app.room.name == "kitchen" and "m1" in marks(app), seconds=20)
            await listener.record([said("u2", "And bread.", start=5)])
            await until(pilot, lambda: app.room and app.room.talk[-1].id == "u2", seconds=20)
            await pilot.press("2", "down", "x", "m")
            await until(pilot, lambda: marks(app)["m1"] is Change.DONE, seconds=20)
            await until(pilot, lambda: app.room and app.room.status and app.room.status.state == "muted", seconds=20)
            assert "c1" in [summary.id for summary in await app.feed.conversations("kitchen")]
            assert len(await app.feed.of_conversation("kitchen", "c1")) >= 4


async def test_a_wrong_token_is_told_as_such(tmp_path: Path) -> None:
    async with house(tmp_path) as listener:
        app = watching(RemoteFeed([Address.parse(listener.url, "x" * 20)], clock=SystemClock()))
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: app.room and "token" in app.room.line.reason, seconds=20)
            await until(pilot, lambda: app.watching.has_class("-nobody"))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("kitchen.local", "http://kitchen.local:8788"),
        ("kitchen.local:80", "http://kitchen.local:80"),
        ("https://kitchen.example", "https://kitchen.example"),
        ("[::1]:8788", "http://[::1]:8788"),
        ("[::1]", "http://[::1]:8788"),
    ],
)
def test_addresses_are_taken_as_people_write_them(text: str, url: str) -> None:
    assert Address.parse(text, "").url == url


@pytest.mark.parametrize("text", ["", "ftp://x", "http://x/path"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(EarmarkError, match="is no address"):
        Address.parse(text, "")


async def test_a_house_is_watched_and_steered_over_its_broker(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    try:
        app = watching(BrokerFeed(broker.settings(), clock=SystemClock()))
        async with app.run_test(size=(120, 30)) as pilot:
            await until(pilot, lambda: app.room and "yet" in app.room.line.reason, seconds=20)
            async with (
                at_work(tmp_path / "k", broker.settings(), name="kitchen") as kitchen,
                at_work(tmp_path / "h", broker.settings(), name="hall"),
            ):
                await until(pilot, lambda: len([r for r in app.house.ordered() if r.line.attached]) == 2, seconds=20)
                app.look_at("kitchen")
                await kitchen.say(said("u1"), marked("m1", "Buy milk", of=said("u1")))
                await until(pilot, lambda: "m1" in marks(app), seconds=20)
                await pilot.press("m")
                await until(pilot, lambda: kitchen.room.controls.muted, seconds=20)
    finally:
        broker.kill()
