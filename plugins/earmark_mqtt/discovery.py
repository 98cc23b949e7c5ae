"""How a room shows itself to Home Assistant: its entities, and the messages that announce them.

Home Assistant cuts off nothing by itself: a sensor's state of more than 255 characters makes it `unknown`, so states
are cut and the whole text is in the attributes. Event entities ignore retained messages, as they should.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

import msgspec

from earmark import __version__
from earmark.events import derived_id
from earmark_mqtt.payloads import CONFIGURED, MOST_MINUTES
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.topics import Message, Topics

ONLINE, OFFLINE = b"online", b"offline"
_MARKS: dict[str, tuple[str, str]] = {
    "action_item": ("Action item", "mdi:checkbox-marked-circle-plus-outline"),
    "question": ("Question", "mdi:help-circle-outline"),
    "follow_up": ("Follow-up", "mdi:arrow-right-circle-outline"),
}
_EVENT = "{{ dict(value_json, event_type=('amended' if value_json.revision | default(0) > 0 else 'new')) | tojson }}"
_CUT = "{{ (value_json.text or 'withheld')[:255] if value_json is defined else '' }}"
_DEFAULT_SUPPORT = "https://www.home-assistant.io/integrations/mqtt/"
_encode = msgspec.json.Encoder(order="sorted").encode

Config = dict[str, Any]


@dataclass(frozen=True)
class Announced:
    """What Home Assistant is to know of a room."""

    form: str
    """`device`, `components` or `off`."""
    messages: tuple[Message, ...]

    @property
    def topics(self) -> frozenset[str]:
        """Where it is announced."""
        return frozenset(message.topic for message in self.messages)


class Herald:
    """Makes the announcements of one room."""

    def __init__(self, settings: MqttSettings, topics: Topics) -> None:
        self._settings = settings
        self._topics = topics
        self.node = _node(topics)
        """What the room is called in topics and ids; two rooms of a broker never share it."""

    @property
    def filters(self) -> tuple[str, str]:
        """Subscriptions that show what was announced before, in either form."""
        prefix = self._settings.discovery_prefix
        return f"{prefix}/device/{self.node}/config", f"{prefix}/+/{self.node}/+/config"

    def announce(self, device: str | None) -> Announced:
        """The messages that announce every entity; `device` is the microphone that was chosen while listening."""
        form = self._settings.discovery
        if form == "off":
            return Announced(form, ())
        entities = self.entities(device)
        if form == "device":
            return Announced(form, (self._as_device(entities),))
        return Announced(form, tuple(self._as_component(name, config) for name, config in entities.items()))

    def entities(self, device: str | None) -> dict[str, Config]:
        """Every entity by its id within the room."""
        kinds = [kind for kind in _MARKS if kind in self._settings.kinds]
        entities: dict[str, Config] = {kind: self._event(kind) for kind in kinds}
        entities |= {f"last_{kind}": self._last(kind) for kind in kinds}
        if "action_item" in kinds:
            entities["open_action_items"] = self._open_items()
        entities |= self._sensors()
        if self._settings.commands:
            entities |= self._controls(device)
        return {name: self._named(name, config) for name, config in entities.items()}

    def stale(self, topic: str, payload: bytes, announced: Announced) -> list[Message]:
        """What takes back an announcement that the broker kept and that is made no more.

        A whole one goes with an empty message. Of a device that lost some components, each is named once more with
        nothing but its platform, and then the device is announced as it is.
        """
        if not payload or not self._is_ours(topic):
            return []
        if topic not in announced.topics:
            return [Message(topic, b"", retain=True)]
        if announced.form != "device":
            return []
        gone = _components(payload).items() - _components(announced.messages[0].payload).items()
        kept = _components(announced.messages[0].payload)
        leaving = {name: {"platform": platform} for name, platform in gone if name not in kept}
        if not leaving:
            return []
        payload = announced.messages[0].payload
        config: Config = msgspec.json.decode(payload)
        config["components"] = {**config["components"], **leaving}
        return [Message(topic, _encode(config), retain=True), announced.messages[0]]

    def _is_ours(self, topic: str) -> bool:
        parts = topic.removeprefix(self._settings.discovery_prefix + "/").split("/")
        return parts[1:2] == [self.node] and parts[-1] == "config"

    # -- forms --------------------------------------------------------------------------------------------------------

    def _as_device(self, entities: Mapping[str, Config]) -> Message:
        payload = {"device": self._device(), "origin": _origin(), "components": entities}
        return Message(f"{self._settings.discovery_prefix}/device/{self.node}/config", _encode(payload), retain=True)

    def _as_component(self, name: str, config: Config) -> Message:
        single = {key: value for key, value in config.items() if key != "platform"}
        payload = _encode({**single, "device": self._device(), "origin": _origin()})
        topic = f"{self._settings.discovery_prefix}/{config['platform']}/{self.node}/{name}/config"
        return Message(topic, payload, retain=True)

    def _device(self) -> Config:
        device = {
            "identifiers": [self.node],
            "name": self._settings.name or f"Earmark {self._topics.room}",
            "manufacturer": "Earmark",
            "model": "Room listener",
            "sw_version": __version__,
        }
        return device | ({"suggested_area": self._settings.area} if self._settings.area else {})

    def _named(self, name: str, config: Config) -> Config:
        entity_id = f"{self.node}_{name}"
        return config | {
            "unique_id": entity_id,
            # Versions before 2025.10 know only the first, those from 2026.4 on only the second.
            "object_id": entity_id,
            "default_entity_id": f"{config['platform']}.{_slug(entity_id)}",
            "availability_topic": self._topics.availability,
        }

    # -- entities -----------------------------------------------------------------------------------------------------

    def _event(self, kind: str) -> Config:
        name, icon = _MARKS[kind]
        return {
            "platform": "event",
            "name": name,
            "icon": icon,
            "event_types": ["new", "amended"],
            "state_topic": self._topics.of(kind),
            "value_template": _EVENT,
        }

    def _last(self, kind: str) -> Config:
        name, icon = _MARKS[kind]
        topic = self._topics.last(kind)
        return {
            "platform": "sensor",
            "name": f"Last {name.lower()}",
            "icon": icon,
            "state_topic": topic,
            "value_template": _CUT,
            "json_attributes_topic": topic,
        }

    def _open_items(self) -> Config:
        return {
            "platform": "sensor",
            "name": "Open action items today",
            "icon": "mdi:format-list-checks",
            "state_topic": self._topics.open_items,
            "value_template": "{{ value_json.today }}",
            "json_attributes_topic": self._topics.open_items,
            "state_class": "measurement",
        }

    def _sensors(self) -> dict[str, Config]:
        return {
            "conversation": self._plain("sensor", "Conversation", "state") | {"icon": "mdi:account-voice"},
            "minutes_heard": self._figure("Minutes heard", "minutes_heard"),
            "minutes_not_sent": self._figure("Minutes not sent", "minutes_not_sent"),
            "listening": self._flag("Listening", "listening") | {"icon": "mdi:ear-hearing"},
            "speaking": self._flag("Speaking", "speaking") | {"device_class": "sound"},
            "service": self._flag("Speech service", "connected")
            | {"device_class": "connectivity", "entity_category": "diagnostic"},
            "problem": self._flag("Problem", "problems")
            | {
                "device_class": "problem",
                "entity_category": "diagnostic",
                "json_attributes_topic": self._topics.home,
                "json_attributes_template": "{{ {'problems': value_json.problems} | tojson }}",
            },
        }

    def _controls(self, device: str | None) -> dict[str, Config]:
        controls = {
            "mute": self._plain("switch", "Mute", "muted")
            | {
                "icon": "mdi:microphone-off",
                "value_template": "{{ 'ON' if value_json.muted else 'OFF' }}",
                "command_topic": self._topics.set("mute"),
            },
            "mute_minutes": self._plain("number", "Mute for", "mute_minutes")
            | {
                "icon": "mdi:timer-outline",
                "command_topic": self._topics.set("mute_minutes"),
                "min": 0,
                "max": MOST_MINUTES,
                "step": 1,
                "mode": "box",
                "unit_of_measurement": "min",
            },
            "end_conversation": {
                "platform": "button",
                "name": "End conversation",
                "icon": "mdi:account-voice-off",
                "command_topic": self._topics.set("conversation"),
                "payload_press": "END",
            },
        }
        return controls | self._microphone(device)

    def _microphone(self, device: str | None) -> dict[str, Config]:
        options = [CONFIGURED, *self._settings.microphones]
        if device is not None and device not in options:
            options.append(device)
        if len(options) == 1:
            return {}
        select = {"command_topic": self._topics.set("microphone"), "options": options, "icon": "mdi:microphone"}
        return {"microphone": self._plain("select", "Microphone", "microphone") | select}

    def _plain(self, platform: str, name: str, key: str) -> Config:
        return {
            "platform": platform,
            "name": name,
            "state_topic": self._topics.home,
            "value_template": f"{{{{ value_json.{key} }}}}",
        }

    def _flag(self, name: str, key: str) -> Config:
        return self._plain("binary_sensor", name, key) | {
            "value_template": f"{{{{ 'ON' if value_json.{key} else 'OFF' }}}}"
        }

    def _figure(self, name: str, key: str) -> Config:
        return self._plain("sensor", name, key) | {
            "unit_of_measurement": "min",
            "device_class": "duration",
            "state_class": "total_increasing",
            "entity_category": "diagnostic",
        }


def _components(payload: bytes) -> dict[str, str]:
    """The platform of every component of a device's announcement; none if it is anything else."""
    try:
        found = msgspec.json.decode(payload)
    except msgspec.MsgspecError:
        return {}
    components = found.get("components") if isinstance(found, dict) else None
    if not isinstance(components, dict):
        return {}
    return {
        str(name): str(one.get("platform"))
        for name, one in components.items()
        if isinstance(one, dict) and len(one) > 1
    }


def _node(topics: Topics) -> str:
    """A name that Home Assistant takes: ASCII letters, digits, - and _, and another for every prefix and room."""
    name = f"earmark_{topics.room}" if topics.prefix == "earmark" else topics.root
    plain = re.sub(r"[^a-zA-Z0-9_-]", "_", name)
    return plain if plain == name else f"{plain}_{derived_id(name)[:6]}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")


@cache
def _origin() -> Config:
    return {"name": "Earmark", "sw_version": __version__, "support_url": _support_url(_project_urls())}


def _project_urls() -> Sequence[str]:
    try:
        return metadata("earmark").get_all("Project-URL") or ()
    except PackageNotFoundError:
        return ()


def _support_url(urls: Sequence[str]) -> str:
    """Where help is: what the distribution names, or else Home Assistant's own page on MQTT."""
    named = {label.strip().lower(): url.strip() for label, _, url in (each.partition(",") for each in urls)}
    for label in ("support", "issues", "documentation", "homepage", "source"):
        if label in named:
            return named[label]
    return _DEFAULT_SUPPORT
