"""What `earmark doctor` asks of the broker."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from earmark.errors import EarmarkError
from earmark.hookspecs import Diagnosis, Verdict
from earmark.room import Room
from earmark_mqtt.connecting import open_line
from earmark_mqtt.discovery import Herald
from earmark_mqtt.errors import BrokerError
from earmark_mqtt.line import Incoming, Line
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.topics import Message, Topics

_SUBJECT = "broker"
_RETURN_SECONDS = 3.0


@asynccontextmanager
async def open_check(settings: MqttSettings, room: Room) -> AsyncIterator[BrokerCheck]:
    """A check of the configured broker."""
    yield BrokerCheck(settings, room)


class BrokerCheck:
    """Connects under a name of its own, publishes and listens, and leaves nothing behind."""

    def __init__(self, settings: MqttSettings, room: Room) -> None:
        self._settings = settings
        self._topics = Topics(settings.prefix, room.name)
        self._herald = Herald(settings, self._topics)
        self._returned = asyncio.Event()
        self._probe = secrets.token_hex(8).encode()

    async def diagnose(self) -> list[Diagnosis]:
        """Whether it is there, lets us in, and lets us publish and listen."""
        found = self._line_is_safe()
        for version in self._versions:
            try:
                return [*found, *await self._talk(version)]
            except EarmarkError as error:
                if version == self._versions[-1] or not (isinstance(error, BrokerError) and error.too_new):
                    return [*found, Diagnosis(_SUBJECT, Verdict.FAILED, f"{error}.", self._advice())]
        return found

    @property
    def _versions(self) -> tuple[str, ...]:
        return ("5", "3.1.1") if self._settings.protocol == "auto" else (self._settings.protocol,)

    def _advice(self) -> str:
        return (
            "See host, port, user and password in the table [mqtt]. Home Assistant's Mosquitto add-on wants a user and"
            " password: any person of Home Assistant that may log in, or one from the add-on's own list."
        )

    async def _talk(self, version: str) -> list[Diagnosis]:
        client_id = f"earmark-doctor-{self._probe.decode()}"
        async with open_line(self._settings, client_id, version=version, handler=self._take) as line:
            there = Diagnosis(_SUBJECT, Verdict.OK, f"{self._settings.broker} lets us in, with MQTT {version}.")
            return [there, await self._listens(line), await self._publishes(line), await self._announces(line)]

    def _take(self, message: Incoming) -> None:
        if message.payload == self._probe:
            self._returned.set()

    async def _listens(self, line: Line) -> Diagnosis:
        refused = await line.subscribe(self._topics.set("+"), self._topics.of("doctor"), *self._herald.filters)
        if refused:
            return Diagnosis(
                _SUBJECT,
                Verdict.WARNING,
                f"It refuses subscriptions to {', '.join(refused)}.",
                "Commands, or the clearing away of old entities, will not work; let the user read these topics.",
            )
        return Diagnosis(_SUBJECT, Verdict.OK, "It lets us listen for commands.")

    async def _publishes(self, line: Line) -> Diagnosis:
        """Whether a message goes out and comes back: with MQTT 3.1.1 only that tells an ignored one."""
        topic = self._topics.of("doctor")
        answer = await line.publish(Message(topic, self._probe))
        if answer.refused:
            return self._unwritable(topic)
        try:
            async with asyncio.timeout(_RETURN_SECONDS):
                await self._returned.wait()
        except TimeoutError:
            return self._unwritable(topic)
        return Diagnosis(_SUBJECT, Verdict.OK, f"It takes messages on {self._topics.root}/#.")

    def _unwritable(self, topics: str) -> Diagnosis:
        advice = f"Let the user {self._settings.user or '(none)'} read and write {self._topics.root}/# at the broker."
        return Diagnosis(_SUBJECT, Verdict.FAILED, f"It does not take messages on {topics}.", advice)

    async def _announces(self, line: Line) -> Diagnosis:
        """Whether the room may show itself to Home Assistant: tried beside its own place, with nothing to keep."""
        subject = "Home Assistant"
        if self._settings.discovery == "off":
            return Diagnosis(subject, Verdict.SKIPPED, "Discovery is off.")
        topic = f"{self._settings.discovery_prefix}/sensor/{self._herald.node}/doctor/config"
        answer = await line.publish(Message(topic, b""))
        if answer.refused:
            advice = f"Let the user {self._settings.user or '(none)'} write {self._settings.discovery_prefix}/#."
            return Diagnosis(subject, Verdict.FAILED, f"The broker does not take announcements on {topic}.", advice)
        return Diagnosis(subject, Verdict.OK, f"The room can announce itself under {self._settings.discovery_prefix}.")

    def _line_is_safe(self) -> list[Diagnosis]:
        """Whether a password would cross the network for all to read."""
        settings = self._settings
        if settings.tls or settings.unix_socket or not settings.password or _is_here(settings.host):
            return []
        return [
            Diagnosis(
                _SUBJECT,
                Verdict.WARNING,
                f"The password goes to {settings.broker} unencrypted.",
                "That is usual at home; where you do not trust the network, set tls (port 8883 of the add-on).",
            )
        ]


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
