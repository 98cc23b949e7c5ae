from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from earmark_mqtt.discovery import Herald, _support_url
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.topics import Topics
from tests.mqtt.brokers import Broker
from tests.mqtt.rooms import at_work, subscribed, until

DEVICE = "homeassistant/device/earmark_kitchen/config"


def herald(room: str = "kitchen", **settings: Any) -> Herald:
    found = MqttSettings(**settings)
    return Herald(found, Topics(found.prefix, room))


def announced(room: str = "kitchen", **settings: Any) -> dict[str, dict[str, Any]]:
    return {one.topic: json.loads(one.payload) for one in herald(room, **settings).announce(None).messages}


def test_a_device_has_every_entity() -> None:
    (payload,) = announced(microphones=("USB Audio",)).values()
    platforms: dict[str, set[str]] = {}
    for name, config in payload["components"].items():
        platforms.setdefault(config["platform"], set()).add(name)
    assert platforms == {
        "event": {"action_item", "question", "follow_up"},
        "sensor": {
            "last_action_item",
            "last_question",
            "last_follow_up",
            "open_action_items",
            "conversation",
            "minutes_heard",
            "minutes_not_sent",
        },
        "binary_sensor": {"listening", "speaking", "service", "problem"},
        "switch": {"mute"},
        "number": {"mute_minutes"},
        "button": {"end_conversation"},
        "select": {"microphone"},
    }


def test_both_forms_say_the_same() -> None:
    (device,) = announced().values()
    singles = announced(discovery="components")
    assert len(singles) == len(device["components"])
    for topic, config in singles.items():
        _, platform, node, name, _ = topic.split("/")
        assert node == "earmark_kitchen"
        assert config.pop("device") == device["device"]
        assert config.pop("origin") == device["origin"]
        assert config | {"platform": platform} == device["components"][name]


def test_it_says_where_it_comes_from() -> None:
    (device,) = announced(area="Kitchen", name="Ears").values()
    assert device["origin"]["name"] == "Earmark"
    assert device["origin"]["sw_version"] == device["device"]["sw_version"]
    assert device["origin"]["support_url"].startswith("https://")
    assert (device["device"]["suggested_area"], device["device"]["name"]) == ("Kitchen", "Ears")


def test_help_is_where_the_distribution_says() -> None:
    urls = ["Source, https://example.org/source", "Issues, https://example.org/issues"]
    assert _support_url(urls) == "https://example.org/issues"


@pytest.mark.parametrize("form", ["device", "components"])
def test_two_rooms_of_a_broker_share_nothing(form: str) -> None:
    def ids(room: str, **settings: Any) -> set[str]:
        found = announced(room, discovery=form, **settings)
        texts = json.dumps(list(found.values()))
        return {*found, *(part.split('"')[0] for part in texts.split('"unique_id": "')[1:])}

    rooms = [ids("kitchen"), ids("hall"), ids("kitchen", prefix="garden"), ids("kitchen-2"), ids("Kitchen")]
    rooms += [ids("Küche"), ids("Kache"), ids("b", prefix="a/earmark"), ids("b", prefix="a_earmark")]
    assert len(set.union(*rooms)) == sum(map(len, rooms))


@pytest.mark.parametrize("room", ["Küche", "台所", "Kitchen-2"])
def test_home_assistant_takes_the_names_of_all_rooms(room: str) -> None:
    for topic in (*announced(room), *announced(room, discovery="components")):
        assert re.fullmatch(r"homeassistant/\w+(/[a-zA-Z0-9_-]+){1,2}/config", topic, re.ASCII)
    for config in herald(room).entities(None).values():
        assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", config["default_entity_id"])


def test_kinds_and_controls_that_are_off_are_not_offered() -> None:
    names = herald(kinds=("question",), commands=False).entities(None)
    assert "question" in names
    assert not {"action_item", "open_action_items", "last_follow_up", "mute", "end_conversation"} & set(names)
    assert not herald(discovery="off").announce(None).messages


def test_a_microphone_that_was_chosen_elsewhere_can_be_shown() -> None:
    assert "microphone" not in herald().entities(None)
    assert herald().entities("Webcam")["microphone"]["options"] == ["configured", "Webcam"]
    options = herald(microphones=("USB Audio",)).entities("USB Audio")["microphone"]["options"]
    assert options == ["configured", "USB Audio"]


def test_what_was_announced_in_the_other_form_is_taken_back() -> None:
    old = herald(discovery="components").announce(None)
    now = herald()
    for message in old.messages:
        (removal,) = now.stale(message.topic, message.payload, now.announce(None))
        assert (removal.topic, removal.payload, removal.retain) == (message.topic, b"", True)
    foreign = "homeassistant/sensor/earmark_hall/problem/config"
    assert not now.stale(foreign, b"{}", now.announce(None))


def test_a_component_that_is_gone_is_named_once_more_by_its_platform() -> None:
    old = herald(microphones=("USB Audio",)).announce(None).messages[0]
    now = herald()
    leaving, final = now.stale(old.topic, old.payload, now.announce(None))
    assert json.loads(leaving.payload)["components"]["microphone"] == {"platform": "select"}
    assert "microphone" not in json.loads(final.payload)["components"]
    assert not now.stale(final.topic, final.payload, now.announce(None))
    assert not now.stale(final.topic, b"no json", now.announce(None))


async def test_an_announcement_stays_for_who_comes_later(broker: Broker, tmp_path: Path) -> None:
    async with at_work(tmp_path, broker.settings()) as stand:
        await stand.connected()
        async with subscribed(broker, "homeassistant/#") as anyone:
            await anyone.come(DEVICE)


async def test_a_room_shows_itself_anew_when_home_assistant_starts(broker: Broker, tmp_path: Path) -> None:
    settings = broker.settings(birth_jitter=0.2)
    async with subscribed(broker, "#") as anyone, at_work(tmp_path, settings):
        await anyone.come("earmark/kitchen/availability")
        anyone.publish("homeassistant/status", "offline")
        anyone.publish("homeassistant/status", "online")
        assert len(set(await anyone.come(DEVICE, count=2))) == 1
        await anyone.come("earmark/kitchen/home", count=2)


@pytest.mark.parametrize(("before", "after"), [("components", "device"), ("device", "components"), ("device", "off")])
async def test_a_change_of_form_leaves_nothing_of_the_old_one(
    mosquitto: Broker, tmp_path: Path, before: str, after: str
) -> None:
    def kept() -> set[str]:
        last = {topic: payload for topic, payload, _, _ in anyone.messages}
        return {topic for topic, payload in last.items() if payload}

    async with subscribed(mosquitto, "homeassistant/#") as anyone:
        for form in (before, after):
            async with at_work(tmp_path, mosquitto.settings(discovery=form)):
                expected = set(announced(discovery=form))
                await until(partial(lambda topics: kept() == topics, expected))


async def test_a_select_that_is_offered_no_more_is_removed(mosquitto: Broker, tmp_path: Path) -> None:
    async with subscribed(mosquitto, DEVICE) as anyone:
        async with at_work(tmp_path, mosquitto.settings(microphones=("USB Audio",))):
            await anyone.come(DEVICE)
        async with at_work(tmp_path, mosquitto.settings()):
            await until(lambda: any(b'"microphone":{"platform":"select"}' in each for each in anyone.payloads(DEVICE)))
            await until(lambda: b'"microphone":' not in anyone.payloads(DEVICE)[-1])


async def test_two_rooms_live_beside_each_other(broker: Broker, tmp_path: Path) -> None:
    async with (
        subscribed(broker, "#") as anyone,
        at_work(tmp_path / "k", broker.settings(), name="kitchen") as kitchen,
        at_work(tmp_path / "h", broker.settings(), name="hall") as hall,
    ):
        for room in ("kitchen", "hall"):
            await anyone.come(f"earmark/{room}/availability")
        anyone.publish("earmark/hall/set/mute", "ON")
        await until(lambda: hall.room.controls.muted)
        assert not kitchen.room.controls.muted
        assert anyone.payloads("earmark/kitchen/availability") == [b"online"]
