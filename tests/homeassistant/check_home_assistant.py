"""The room in a real Home Assistant: entities appear, states follow, commands come back, restarts heal.

Not part of the normal run: `tests/homeassistant/run` installs Home Assistant and starts this.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from earmark.events import Change, Insight, InsightKind, MarkChanged, Speaker
from earmark.settings import Duration, Secret
from earmark_mqtt.settings import MqttSettings
from tests.homeassistant.instance import HomeAssistant
from tests.mqtt.brokers import Mosquitto, program, running
from tests.mqtt.rooms import Stand, at_work, until

pytestmark = pytest.mark.timeout(600)

USER, PASSWORD = "homeassistant", "as-the-add-on-wants"
BLUEPRINTS = Path(__file__).parents[2] / "examples" / "homeassistant" / "blueprints"
AUTOMATIONS = [
    {
        "alias": "tasks",
        "use_blueprint": {
            "path": "earmark/action_items.yaml",
            "input": {"action_item": "event.earmark_kitchen_action_item", "list": "todo.tasks"},
        },
    },
    {
        "alias": "questions",
        "use_blueprint": {
            "path": "earmark/questions.yaml",
            "input": {
                "question": "event.earmark_kitchen_question",
                "actions": [
                    {
                        "service": "todo.add_item",
                        "target": {"entity_id": "todo.tasks"},
                        "data": {"item": "{{ who }} asks in the {{ room }}: {{ text }}"},
                    }
                ],
            },
        },
    },
]
LONG = "Somebody has to " + "really " * 60 + "call the plumber"
HASS = Path(os.environ["EARMARK_HOMEASSISTANT"]) / "bin" / "hass"
FORMS = ["components"] if "2024." in HASS.parts[-3] else ["components", "device"]
"""Devices as a whole are known from 2024.12 on."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """As Home Assistant's add-on has it: nobody without a user and password."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    passwords = folder / "passwords"
    subprocess.run([program("mosquitto_passwd"), "-b", "-c", str(passwords), USER, PASSWORD], check=True)
    passwords.chmod(0o644)
    yield from running(
        Mosquitto(folder, "listener PORT 127.0.0.1", "allow_anonymous false", f"password_file {passwords}")
    )


@pytest.fixture
async def home(request: pytest.FixtureRequest, tmp_path: Path, broker: Mosquitto) -> AsyncIterator[HomeAssistant]:
    found = HomeAssistant(HASS, tmp_path / "home")
    found.automations = getattr(request, "param", AUTOMATIONS)
    found.packages = [] if found.automations else [BLUEPRINTS.parent / "package.yaml"]
    found.configure(broker_port=broker.port, user=USER, password=PASSWORD, blueprints=BLUEPRINTS)
    await found.start()
    yield found
    await found.stop()


@pytest.fixture(params=FORMS)
def settings(request: pytest.FixtureRequest, broker: Mosquitto) -> MqttSettings:
    return broker.settings(
        user=USER,
        password=Secret(PASSWORD),
        discovery=request.param,
        microphones=("USB Audio",),
        birth_jitter=Duration(0.5),
    )


async def follows(home: HomeAssistant, entity: str, true: Callable[[str], bool] | str) -> None:
    """Wait until an entity's state is as it should be."""
    state = ""
    try:
        async with asyncio.timeout(60):
            while True:
                state = await home.state(f"{entity[: entity.index('.')]}.earmark_kitchen_{entity.partition('.')[2]}")
                if state == true or (callable(true) and true(state)):
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{entity} is {state!r}") from None


def mark(name: str, text: str, kind: InsightKind, **more: Any) -> Insight:
    return Insight(
        id=f"{name}-0", room="kitchen", conversation="c1", at=datetime.now(UTC), mark=name, kind=kind, text=text, **more
    )


async def say_three(stand: Stand) -> None:
    due = datetime.now(UTC) + timedelta(days=2)
    await stand.say(
        mark("m1", LONG, InsightKind.ACTION_ITEM, assignee=Speaker(name="Ann"), due=due),
        mark("m2", "Who has the key?", InsightKind.QUESTION, speaker=Speaker(name="Ben")),
        mark("m3", "Talk about it on Monday", InsightKind.FOLLOW_UP),
    )


def show(states: dict[str, dict[str, Any]]) -> None:
    print()
    for name, one in sorted(states.items()):
        if "earmark_kitchen" in name:
            print(f"    {name:46} {one['state'][:60]}")


async def test_entities_appear_and_states_follow(home: HomeAssistant, settings: MqttSettings, tmp_path: Path) -> None:
    async with at_work(tmp_path / "room", settings) as stand:
        await follows(home, "binary_sensor.listening", "on")
        await say_three(stand)
        await follows(home, "sensor.open_action_items", "1")
        await follows(home, "sensor.last_follow_up", "Talk about it on Monday")
        await follows(home, "event.question", lambda state: state.startswith("20"))
        states = await home.states()
        show(states)
        ours = {name: one for name, one in states.items() if "earmark_kitchen" in name}
        assert len(ours) == 18
        assert [name for name, one in ours.items() if one["state"] == "unavailable"] == []
        last = ours["sensor.earmark_kitchen_last_action_item"]
        assert last["state"] == LONG[:255]
        assert last["attributes"]["text"] == LONG
        event = ours["event.earmark_kitchen_action_item"]["attributes"]
        assert (event["event_type"], event["text"], event["assignee"]["name"]) == ("new", LONG, "Ann")
        changed = MarkChanged(
            id="c", room="kitchen", at=datetime.now(UTC), mark="m1", change=Change.DONE, by="test", conversation="c1"
        )
        await stand.say(changed)
        await follows(home, "sensor.open_action_items", "0")
    await follows(home, "sensor.open_action_items", "unavailable")
    lines = home.log().splitlines()
    assert [line for line in lines if " ERROR " in line or (" WARNING " in line and "earmark" in line)] == []


async def test_the_blueprints_fill_a_list_and_tell_of_questions(
    home: HomeAssistant, settings: MqttSettings, tmp_path: Path
) -> None:
    async with at_work(tmp_path / "room", settings) as stand:
        await follows(home, "event.action_item", "unknown")
        await say_three(stand)
        await until(lambda: len(home.items()) == 2, seconds=30)
        item = next(one for one in home.items() if one.startswith("Somebody has to"))
        assert "call the plumber (Ann)" in item
        assert f"by {datetime.now(UTC) + timedelta(days=2):%d %B}" in item
        assert "Ben asks in the kitchen: Who has the key?" in home.items()


@pytest.mark.parametrize("home", [[]], indirect=True, ids=["package"])
async def test_the_package_fills_a_list_for_all_rooms(
    home: HomeAssistant, settings: MqttSettings, tmp_path: Path
) -> None:
    async with at_work(tmp_path / "room", settings) as stand:
        await follows(home, "event.action_item", "unknown")
        await say_three(stand)
        await until(lambda: home.items() == [f"{LONG} (kitchen)"], seconds=30)
        async with asyncio.timeout(30):
            while await home.state("input_text.earmark_last_question") != "m2-0":
                await asyncio.sleep(0.1)


async def test_home_assistant_controls_the_room(home: HomeAssistant, settings: MqttSettings, tmp_path: Path) -> None:
    async with at_work(tmp_path / "room", settings) as stand:
        await follows(home, "switch.mute", "off")
        await home.call("switch.turn_on", entity_id="switch.earmark_kitchen_mute")
        await follows(home, "switch.mute", "on")
        assert stand.room.controls.muted
        await follows(home, "binary_sensor.listening", "off")
        await home.call("switch.turn_off", entity_id="switch.earmark_kitchen_mute")
        await follows(home, "switch.mute", "off")
        await home.call("number.set_value", entity_id="number.earmark_kitchen_mute_minutes", value=15)
        await follows(home, "number.mute_minutes", "15")
        await home.call("select.select_option", entity_id="select.earmark_kitchen_microphone", option="USB Audio")
        await follows(home, "select.microphone", "USB Audio")
        assert stand.room.controls.device == "USB Audio"
        await home.call("button.press", entity_id="button.earmark_kitchen_end_conversation")
        await until(lambda: stand.desk.ended == 1)


async def test_restarts_of_either_side_and_of_the_broker_heal(
    home: HomeAssistant, broker: Mosquitto, settings: MqttSettings, tmp_path: Path
) -> None:
    async with at_work(tmp_path / "room", settings) as stand:
        await say_three(stand)
        await follows(home, "sensor.open_action_items", "1")
        stand.task.cancel()
        await follows(home, "switch.mute", "unavailable")
    async with at_work(tmp_path / "room", settings) as stand:
        await follows(home, "switch.mute", "off")
        await home.stop()
        await home.start()
        await follows(home, "switch.mute", "off")
        await follows(home, "sensor.last_question", "Who has the key?")
        await asyncio.to_thread(broker.kill)
        broker.forget()
        await follows(home, "switch.mute", "unavailable")
        await asyncio.to_thread(broker.start)
        await follows(home, "switch.mute", "off")
        await home.call("switch.turn_on", entity_id="switch.earmark_kitchen_mute")
        await follows(home, "switch.mute", "on")


async def test_what_is_offered_no_more_disappears(home: HomeAssistant, settings: MqttSettings, tmp_path: Path) -> None:

    async with at_work(tmp_path / "room", settings):
        await follows(home, "select.microphone", "configured")
    async with at_work(tmp_path / "room", replace(settings, microphones=())):
        await follows(home, "select.microphone", "")
        await follows(home, "switch.mute", "off")
    async with at_work(tmp_path / "room", replace(settings, discovery="off")):
        await follows(home, "switch.mute", "")
