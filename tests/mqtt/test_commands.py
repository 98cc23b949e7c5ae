from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_mqtt.commands import Command, CommandError, command_of
from earmark_mqtt.line import Incoming
from earmark_mqtt.topics import Topics
from tests.core.talk import marked
from tests.mqtt.brokers import Broker
from tests.mqtt.rooms import at_work, latest, subscribed, until

TOPICS = Topics("earmark", "kitchen")
NOW = 1_800_000_000.0


def read(what: str, payload: str | bytes, *, retained: bool = False) -> Command:
    data = payload.encode() if isinstance(payload, str) else payload
    return command_of(Incoming(TOPICS.set(what), data, retained), TOPICS, now=NOW, age_seconds=30)


def said_at(seconds: float, value: object) -> str:
    return json.dumps({"value": value, "at": datetime.fromtimestamp(NOW + seconds, UTC).isoformat()})


@pytest.mark.parametrize(
    ("what", "payload", "meaning"),
    [
        ("mute", "ON", "mute"),
        ("mute", "off", "unmute"),
        ("mute", '{"value": true}', "mute"),
        ("mute_minutes", "15", "mute for 15 min"),
        ("mute_minutes", '{"value": 0.5}', "mute for 0.5 min"),
        ("mute_minutes", "0", "unmute"),
        ("conversation", "END", "end the conversation"),
        ("microphone", "USB Audio", "choose microphone USB Audio"),
        ("mark", "m1", "mark done"),
        ("mark", '{"mark": "m1", "change": "dismissed"}', "mark dismissed"),
        ("mark", '{"mark": "m1", "change": "amended", "text": "Buy bread"}', "mark amended"),
        ("mute", said_at(-29, "ON"), "mute"),
    ],
)
def test_a_command_is_understood(what: str, payload: str, meaning: str) -> None:
    assert read(what, payload).what == meaning


@pytest.mark.parametrize(
    ("what", "payload", "reason"),
    [
        ("mute", "", "neither ON nor OFF"),
        ("mute", "maybe", "'maybe' is neither ON nor OFF"),
        ("mute_minutes", "-1", "no number of minutes"),
        ("mute_minutes", "nan", "no number of minutes"),
        ("mute_minutes", "1e9", "no number of minutes"),
        ("mute_minutes", "true", "no number of minutes"),
        ("conversation", "START", "is not END"),
        ("microphone", "a\nb", "no name of a microphone"),
        ("mark", "", "no mark is named"),
        ("mark", '{"mark": "m1", "change": "amended"}', "amended with a text"),
        ("mark", '{"mark": "m1", "change": "eaten"}', "Invalid enum value"),
        ("mark", '{"mark": 5}', "Expected `str`"),
        ("mute", '{"value": "ON", "until": 5}', "unknown field"),
        ("mute", b"\xff\xfe", "no text"),
        ("mute", said_at(-31, "ON"), "31 s old is ignored"),
        ("mute", said_at(3600, "ON"), "in the future"),
        ("mute", b"x" * 20_000, "20000 bytes"),
        ("reboot", "now", "there is no such command"),
    ],
)
def test_what_is_no_command_is_refused_with_a_reason(what: str, payload: str | bytes, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        read(what, payload)


def test_a_retained_command_is_ignored() -> None:
    with pytest.raises(CommandError, match="retained"):
        read("mute", "ON", retained=True)


@given(
    what=st.sampled_from(["mute", "mute_minutes", "conversation", "microphone", "mark", ""]) | st.text(),
    payload=st.binary(max_size=200)
    | st.text(max_size=50).map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inner: st.dictionaries(st.sampled_from(["value", "at", "mark", "change", "text", "x"]), inner),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
    retained=st.booleans(),
)
def test_whatever_comes_is_a_command_or_refused(what: str, payload: bytes, retained: bool) -> None:
    message = Incoming(TOPICS.set(what), payload, retained)
    try:
        assert command_of(message, TOPICS, now=NOW, age_seconds=30).what
    except CommandError as error:
        assert str(error)


async def test_the_room_does_what_is_asked_and_answers_with_its_state(broker: Broker, tmp_path: Path) -> None:
    async with subscribed(broker, "earmark/kitchen/+") as anyone, at_work(tmp_path, broker.settings()) as stand:
        await anyone.come("earmark/kitchen/availability")
        anyone.publish("earmark/kitchen/set/mute", "ON")
        await until(lambda: latest(anyone, "home").get("muted") is True)
        assert stand.room.controls.muted
        anyone.publish("earmark/kitchen/set/mute", "OFF")
        await until(lambda: latest(anyone, "home").get("muted") is False)
        anyone.publish("earmark/kitchen/set/mute_minutes", "30")
        await until(lambda: latest(anyone, "home").get("mute_minutes") == 30)
        anyone.publish("earmark/kitchen/set/microphone", "USB Audio")
        await until(lambda: latest(anyone, "home").get("microphone") == "USB Audio")
        anyone.publish("earmark/kitchen/set/microphone", "configured")
        await until(lambda: stand.room.controls.device is None)
        anyone.publish("earmark/kitchen/set/conversation", "END")
        await until(lambda: stand.desk.ended == 1)
        assert stand.report.counters["commands"] == 6


async def test_an_item_is_ticked_off_over_the_broker(broker: Broker, tmp_path: Path) -> None:
    async with subscribed(broker, "earmark/kitchen/+") as anyone, at_work(tmp_path, broker.settings()) as stand:
        await stand.say(marked("m1", "Buy milk"), marked("m2", "Buy bread"))
        await until(lambda: latest(anyone, "open_items").get("total") == 2)
        anyone.publish("earmark/kitchen/set/mark", '{"mark": "m1", "change": "done"}')
        await until(lambda: latest(anyone, "open_items").get("total") == 1)
        (change,) = await anyone.come("earmark/kitchen/mark_changed")
        assert json.loads(change) | {"id": "", "at": ""} == {
            "type": "mark_changed",
            "room": "kitchen",
            "conversation": "c1",
            "mark": "m1",
            "change": "done",
            "by": "mqtt",
            "id": "",
            "at": "",
        }


async def test_a_command_that_cannot_be_done_is_counted_and_the_state_stands(mosquitto: Broker, tmp_path: Path) -> None:
    async with subscribed(mosquitto, "earmark/kitchen/+") as anyone:
        anyone.publish("earmark/kitchen/set/mute", "ON", retain=True)
        async with at_work(tmp_path, mosquitto.settings()) as stand:
            await anyone.come("earmark/kitchen/availability")
            anyone.publish("earmark/kitchen/set/mark", "nobody")
            anyone.publish("earmark/kitchen/set/mute", "perhaps")
            await until(lambda: stand.report.counters.get("commands_refused", 0) >= 3)
            assert not stand.room.controls.muted
            assert "perhaps" in stand.report.details["command"]


async def test_a_room_that_takes_no_commands_takes_none(mosquitto: Broker, tmp_path: Path) -> None:
    async with subscribed(mosquitto, "#") as anyone, at_work(tmp_path, mosquitto.settings(commands=False)) as stand:
        await anyone.come("earmark/kitchen/availability")
        anyone.publish("earmark/kitchen/set/mute", "ON")
        await stand.say(marked("m", "Buy milk"))
        await stand.delivered()
        assert not stand.room.controls.muted
        assert b"switch" not in anyone.payloads("homeassistant/device/earmark_kitchen/config")[-1]
