from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path
from typing import Any

from earmark.config import Config
from earmark.host import Host, Kind
from earmark_mqtt import plugin
from earmark_mqtt.commands import command_of
from earmark_mqtt.discovery import Herald
from earmark_mqtt.line import Incoming
from earmark_mqtt.schemas import schemas
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.topics import Topics
from tests.core.talk import marked
from tests.mqtt.brokers import Broker, program
from tests.mqtt.rooms import at_work

EXAMPLES = Path(__file__).parents[2] / "examples"
README = (EXAMPLES / "homeassistant" / "README.md").read_text()
FLOW: list[dict[str, Any]] = json.loads((EXAMPLES / "nodered" / "flow.json").read_text())
TOPICS = Topics("earmark", "kitchen")


def test_the_tables_name_every_topic_and_every_entity() -> None:
    named = set(re.findall(r"`([\w/]+)`", README))
    assert named >= {*schemas(), "availability"}
    entities = Herald(MqttSettings(microphones=("USB Audio",)), TOPICS).entities(None)
    written = set(re.findall(r"`(\w+)\.…_(\w+)`", README))
    assert written == {(config["platform"], name) for name, config in entities.items()}


def test_the_tables_tell_what_is_off_by_default() -> None:
    off = {
        kind for line in README.splitlines() if "| off:" in line for kind in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert off == {"utterance", "sentiment", "entity"}
    assert not off & set(MqttSettings().kinds)


def test_the_configuration_in_the_documents_is_one(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert found
    text = "\n".join(line.removeprefix("   ") for line in found[1].splitlines())
    (tmp_path / "earmark.toml").write_text(text)
    (tmp_path / "mqtt-password").write_text("hush")
    host = Host(plugins=[("mqtt", plugin)])
    host.load()
    config = Config.load(tmp_path / "earmark.toml", environ={})
    (chosen,) = config.chosen(host, Kind.SINK)
    assert isinstance(chosen.settings, MqttSettings)
    assert chosen.settings.broker == "homeassistant.local:1883"


def test_the_flow_is_wired_to_topics_that_there_are() -> None:
    nodes = {node["id"]: node for node in FLOW}
    assert len(nodes) == len(FLOW)
    for node in FLOW:
        assert {target for wires in node.get("wires", []) for target in wires} <= set(nodes)
        assert node.get("broker") in (None, "localhost", "earmark-broker")
    read = {node["topic"].removeprefix("earmark/+/") for node in FLOW if node["type"] == "mqtt in"}
    assert read <= set(schemas())
    out = next(node for node in FLOW if node["type"] == "mqtt out")
    press = next(node for node in FLOW if node["type"] == "inject")
    message = Incoming(out["topic"], press["payload"].encode(), False)
    assert command_of(message, TOPICS, now=0, age_seconds=30).what == "mute for 10 min"


async def test_the_line_for_the_shell_shows_what_is_to_be_done(mosquitto: Broker, tmp_path: Path) -> None:
    line = next(line.strip() for line in README.splitlines() if line.strip().startswith("mosquitto_sub"))
    line = line.replace("homeassistant.local", f"127.0.0.1 -p {mosquitto.port}").replace("mosquitto_sub", "", 1)
    shell = await asyncio.create_subprocess_exec(
        program("mosquitto_sub"), *shlex.split(line), stdout=asyncio.subprocess.PIPE
    )
    assert shell.stdout is not None
    try:
        async with at_work(tmp_path, mosquitto.settings(retain=("action_item",))) as stand:
            await stand.say(marked("m1", "Buy milk"))
            async with asyncio.timeout(20):
                told = (await shell.stdout.readline()).decode()
    finally:
        shell.terminate()
        await shell.wait()
    assert "earmark/kitchen/action_item" in told
    assert "Buy milk" in told
