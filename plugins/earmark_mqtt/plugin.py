"""What this plugin offers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from earmark.hookspecs import Check, Offer, Sink, hookimpl
from earmark.room import Room
from earmark_mqtt.settings import MqttSettings


@asynccontextmanager
async def _open_sink(settings: MqttSettings, room: Room) -> AsyncIterator[Sink]:
    from earmark_mqtt.publisher import Publisher

    yield Publisher(settings, room)


def _open_check(settings: MqttSettings, room: Room) -> AbstractAsyncContextManager[Check]:
    from earmark_mqtt.check import open_check

    return open_check(settings, room)


@hookimpl
def earmark_sinks() -> Iterable[Offer[Sink]]:
    """The broker, and with it Home Assistant."""
    yield Offer(
        "mqtt",
        "Publish marks to an MQTT broker, show the room in Home Assistant and take commands from there.",
        _open_sink,
        settings=MqttSettings,
        target=lambda settings: settings.target,
        argument="host",
    )


@hookimpl
def earmark_checks() -> Iterable[Offer[Check]]:
    """Whether the broker lets the room in."""
    yield Offer(
        "mqtt", "Whether the broker is there, and lets the room publish and listen.", _open_check, settings=MqttSettings
    )
