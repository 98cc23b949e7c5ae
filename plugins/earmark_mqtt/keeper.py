"""Keeps a line to the broker: connects, tells how it stands, and tries again with back-off."""

from __future__ import annotations

import random
import secrets
from collections.abc import Awaitable, Callable, Iterator

from earmark.backoff import delays
from earmark.errors import EarmarkError, SettingsError
from earmark.room import Room
from earmark_mqtt.connecting import open_line
from earmark_mqtt.errors import BrokerError, BrokerRefused
from earmark_mqtt.line import Handler, Line
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.topics import Message

_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 60.0
_HEALTHY_SECONDS = 10.0
_ID_FILE = "client-id"


class Keeper:
    """Opens one line after another."""

    def __init__(
        self, settings: MqttSettings, room: Room, *, will: Message, handler: Handler, rng: random.Random
    ) -> None:
        self._settings = settings
        self._room = room
        self._will = will
        self._handler = handler
        self._rng = rng
        self._version = "3.1.1" if settings.protocol == "3.1.1" else "5"
        self._waits = self._new_waits()
        self._problem: str | None = None
        self._lines = 0

    async def run(self, serve: Callable[[Line], Awaitable[None]]) -> None:
        """Have each line served until it is lost, for ever."""
        client_id = self._settings.client_id or client_id_of(self._room)
        while True:
            self._announce_wait(0.0)
            error: EarmarkError
            try:
                error = await self._one(client_id, serve)
            except (BrokerError, SettingsError) as failed:
                error = failed
            if not self._falls_back(error):
                await self._pause(error)

    async def _one(self, client_id: str, serve: Callable[[Line], Awaitable[None]]) -> BrokerError:
        clock = self._room.clock
        async with open_line(
            self._settings, client_id, version=self._version, will=self._will, handler=self._handler
        ) as line:
            since = clock.monotonic()
            self._well(line)
            await serve(line)
            if clock.monotonic() - since >= _HEALTHY_SECONDS:
                self._waits = self._new_waits()
            return await line.loss()

    def _well(self, line: Line) -> None:
        stage = self._room.stage
        self._lines += 1
        if self._lines > 1:
            stage.count("reconnects")
        stage.details["broker"] = f"{self._settings.broker}, MQTT {line.version}"
        stage.working()
        if self._problem is not None:
            self._room.log.warning("The broker %s is there again", self._settings.broker)
            if stage.problem == self._problem:
                stage.problem = None
            self._problem = None

    def _falls_back(self, error: EarmarkError) -> bool:
        """Whether an older MQTT is to be tried at once; a broker that hangs up without a word is tried in turns."""
        if self._settings.protocol != "auto" or not isinstance(error, BrokerError) or not error.too_new:
            return False
        self._version = "3.1.1" if self._version == "5" else "5"
        return isinstance(error, BrokerRefused) and self._version == "3.1.1"

    async def _pause(self, error: EarmarkError) -> None:
        seconds = next(self._waits)
        stage = self._room.stage
        problem = f"{error}; it is tried again, and events wait for it on disk"
        if problem != self._problem:
            self._room.log.warning("%s", problem)
        self._problem = stage.problem = problem
        stage.details["broker"] = f"{self._settings.broker}, away"
        self._announce_wait(seconds)
        await self._room.clock.sleep(seconds)

    def _announce_wait(self, seconds: float) -> None:
        """A broker that is away is no hang of this sink."""
        until = self._room.clock.monotonic() + seconds + float(self._settings.connect_timeout) + 5.0
        self._room.stage.waiting(f"the broker {self._settings.broker}", until)

    def _new_waits(self) -> Iterator[float]:
        return delays(_FIRST_SECONDS, _LONGEST_SECONDS, self._rng)


def client_id_of(room: Room) -> str:
    """What this room is called at brokers: drawn once and kept, so that no two listeners take each other's place."""
    file = room.keep() / _ID_FILE
    try:
        return file.read_text(encoding="utf-8").strip() or _draw(room)
    except FileNotFoundError:
        drawn = _draw(room)
        file.write_text(drawn, encoding="utf-8")
        return drawn


def _draw(room: Room) -> str:
    return f"earmark-{room.name}-{secrets.token_hex(4)}"
