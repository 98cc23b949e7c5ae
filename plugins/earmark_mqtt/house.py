"""A whole house: every room that tells a broker, for who watches them."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from earmark.backoff import delays
from earmark.clock import Clock
from earmark.errors import EarmarkError
from earmark.events import AnyEvent, decode
from earmark_mqtt.connecting import open_line
from earmark_mqtt.errors import BrokerAway, BrokerError
from earmark_mqtt.line import Incoming, Line
from earmark_mqtt.payloads import Home, LastMark, OpenItems
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.topics import Message, Topics

_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 15.0
_MOST_HELD = 20_000


@dataclass(frozen=True)
class Told:
    """A room told something: an event, its state or how loud it is."""

    room: str
    event: AnyEvent
    retained: bool
    """Whether the broker had kept it from before."""


@dataclass(frozen=True)
class Shown:
    """What the broker keeps of a room: plain values, what is to be done, the latest mark of a kind."""

    room: str
    what: Home | OpenItems | LastMark


@dataclass(frozen=True)
class Present:
    """A room came, or is gone."""

    room: str
    present: bool


@dataclass(frozen=True)
class BrokerLine:
    """The line to the broker stands, or why it does not."""

    problem: str | None
    retry_seconds: float = 0.0


Tiding: TypeAlias = Told | Shown | Present | BrokerLine


class House:
    """Follows every room of a broker, through losses of the line."""

    def __init__(self, settings: MqttSettings, *, clock: Clock, rng: random.Random | None = None) -> None:
        self.dropped = 0
        """Messages that came faster than they were taken."""
        self._settings = settings
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._line: Line | None = None
        self._held: asyncio.Queue[Tiding] = asyncio.Queue(_MOST_HELD)
        self._version = "3.1.1" if settings.protocol == "3.1.1" else "5"

    async def tidings(self) -> AsyncIterator[Tiding]:
        """What happens in the house, until who asks goes away."""
        following = asyncio.create_task(self._follow(), name="mqtt house")
        try:
            while True:
                taking = asyncio.create_task(self._held.get())
                await asyncio.wait({taking, following}, return_when=asyncio.FIRST_COMPLETED)
                if following.done():
                    taking.cancel()
                    following.result()
                yield await taking
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def command(self, room: str, what: str, payload: str) -> None:
        """Ask something of a room, as the table of topics has it; raises `EarmarkError` if the broker does not take it.

        Whether the room does it is told by the state that follows.
        """
        if self._line is None or self._line.is_lost:
            raise BrokerAway(f"The broker {self._settings.broker} is away; try again when it is back")
        topic = Topics(self._settings.prefix, room).set(what)
        answer = await self._line.publish(Message(topic, payload.encode()))
        if answer.lost:
            raise BrokerAway(f"The line to the broker {self._settings.broker} was lost; try again")
        if answer.refused:
            raise EarmarkError(f"The broker {self._settings.broker} refuses commands on {topic}: {answer.text}")

    async def _follow(self) -> None:
        client_id = f"earmark-watch-{secrets.token_hex(4)}"
        waits = delays(_FIRST_SECONDS, _LONGEST_SECONDS, self._rng)
        while True:
            try:
                async with open_line(
                    self._settings, client_id, version=self._version, handler=self._take
                ) as self._line:
                    self._put(BrokerLine(None))
                    await self._subscribe(self._line)
                    waits = delays(_FIRST_SECONDS, _LONGEST_SECONDS, self._rng)
                    raise await self._line.loss()
            except EarmarkError as error:
                self._change_version(error)
                seconds = next(waits)
                self._put(BrokerLine(str(error), seconds))
            await self._clock.sleep(seconds)

    async def _subscribe(self, line: Line) -> None:
        root = f"{self._settings.prefix}/+"
        refused = await line.subscribe(f"{root}/+", f"{root}/last/+", f"{root}/mic/level")
        if refused:
            raise EarmarkError(
                f"The broker {self._settings.broker} does not let {self._settings.user or 'nobody'} read"
                f" {', '.join(refused)}; let it read {self._settings.prefix}/#"
            )

    def _change_version(self, error: EarmarkError) -> None:
        if self._settings.protocol == "auto" and isinstance(error, BrokerError) and error.too_new:
            self._version = "3.1.1" if self._version == "5" else "5"

    def _take(self, message: Incoming) -> None:
        room, _, what = message.topic.removeprefix(f"{self._settings.prefix}/").partition("/")
        tiding = read(room, what, message)
        if tiding is not None:
            self._put(tiding)

    def _put(self, tiding: Tiding) -> None:
        if self._held.full():
            self._held.get_nowait()
            self.dropped += 1
        self._held.put_nowait(tiding)


def read(room: str, what: str, message: Incoming) -> Tiding | None:
    """What a message of a room tells; None for one that a viewer has no use for, or that is none of ours."""
    if what == "availability":
        return Present(room, message.payload == b"online")
    try:
        if what == "home":
            return Shown(room, msgspec.json.decode(message.payload, type=Home))
        if what == "open_items":
            return Shown(room, msgspec.json.decode(message.payload, type=OpenItems))
        if what.startswith("last/"):
            return Shown(room, msgspec.json.decode(message.payload, type=LastMark))
        return Told(room, decode(message.payload), message.retained)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
