"""A line that stands: paho-mqtt, driven by the event loop.

Rules:

1. A line is a client of its own with a clean session. What was not acknowledged on it is the journal's to send again.
2. Only connecting, which blocks, happens on a thread (`connecting`); then the event loop alone reads and writes.
3. Nothing is called connected before a CONNACK that says so, and nothing published before its acknowledgement.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from earmark_mqtt.errors import (
    UNSUPPORTED_VERSION,
    BrokerAway,
    BrokerError,
    BrokerRefused,
    SilentlyClosed,
    lost,
)
from earmark_mqtt.topics import Message

_MISC_SECONDS = 0.5
_ACK_SECONDS = 30.0


@dataclass(frozen=True)
class Incoming:
    """What the broker brought."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True)
class Answer:
    """What came of a message."""

    code: int = 0
    text: str = ""
    lost: bool = False
    """The line was lost before there was an answer."""

    @property
    def refused(self) -> bool:
        """Whether the broker does not take it."""
        return self.code >= 0x80


_LOST = Answer(lost=True)
Handler = Callable[[Incoming], None]


class Line:
    """A line that stands, or stood."""

    def __init__(self, client: Client, broker: str, version: str, handler: Handler) -> None:
        self.version = version
        """Of MQTT."""
        self._client = client
        self._broker = broker
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._subscribed: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._welcome: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[BrokerError] = self._loop.create_future()
        self._misc: asyncio.TimerHandle | None = None
        self._content = Properties(PacketTypes.PUBLISH) if version == "5" else None  # type: ignore[no-untyped-call]
        if self._content is not None:
            self._content.ContentType = "application/json"

    # -- the event loop's side --------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Let the event loop read, write and keep the line alive."""
        client = self._client
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_socket_close = lambda client, userdata, sock: self._unwatch(sock)
        client.on_socket_register_write = lambda client, userdata, sock: self._loop.add_writer(sock, self._write)
        client.on_socket_unregister_write = self._on_written
        if (sock := client.socket()) is None:
            self._gone(SilentlyClosed(f"The broker {self._broker} closed the line"))
            return
        _hurry(sock, "TCP_NODELAY")
        self._loop.add_reader(sock, self._read)
        if client.want_write():
            self._loop.add_writer(sock, self._write)
        self._keep_alive()

    def detach(self) -> None:
        """Close the socket, whatever state the line is in."""
        if self._misc is not None:
            self._misc.cancel()
        self._gone(BrokerAway(f"The line to the broker {self._broker} was closed"))
        if (sock := self._client.socket()) is not None:
            self._unwatch(sock)
            # An orderly farewell was said in `leave`; a line that is dropped must leave the will to the broker.
            sock.close()

    def _unwatch(self, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)

    def _read(self) -> None:
        sock = self._client.socket()
        self._drive(self._client.loop_read)
        _hurry(sock, "TCP_QUICKACK")
        # What TLS and websockets have taken off the socket already does not make it readable again.
        while sock is not None and sock is self._client.socket() and _pending(sock):
            self._drive(self._client.loop_read)

    def _on_written(self, client: Client, userdata: Any, sock: Any) -> None:
        self._loop.remove_writer(sock)

    def _write(self) -> None:
        self._drive(self._client.loop_write)

    def _keep_alive(self) -> None:
        self._drive(self._client.loop_misc)
        if not self._lost.done():
            self._misc = self._loop.call_later(_MISC_SECONDS, self._keep_alive)

    def _drive(self, step: Callable[[], MQTTErrorCode]) -> None:
        try:
            code = step()
        except Exception as error:  # whatever a stranger sends must not reach the event loop
            self._gone(BrokerAway(f"The broker {self._broker} sends what is not MQTT: {type(error).__name__}: {error}"))
            return
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._gone(self._cut())

    def _cut(self) -> BrokerError:
        if not self._welcome.done():
            return SilentlyClosed(f"The broker {self._broker} closed the line without a word")
        return BrokerAway(f"The line to the broker {self._broker} was lost")

    def _gone(self, why: BrokerError) -> None:
        if self._lost.done():
            return
        self._lost.set_result(why)
        if not self._welcome.done():
            self._welcome.set_exception(why)
            self._welcome.exception()
        waiting: Iterable[asyncio.Future[Any]] = itertools.chain(self._answers.values(), self._subscribed.values())
        for future in waiting:
            if not future.done():
                future.set_result(_LOST if future in self._answers.values() else [])
        self._answers.clear()
        self._subscribed.clear()

    # -- what paho tells --------------------------------------------------------------------------------------------

    def _on_connect(self, client: Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            name = str(reason)
            code = UNSUPPORTED_VERSION if name == "Unsupported protocol version" else reason.value
            self._gone(BrokerRefused(self._broker, code, name))
            return
        most = getattr(properties, "ReceiveMaximum", None)
        if most is not None and most < client.max_inflight_messages:
            client.max_inflight_messages_set(most)
        if not self._welcome.done():
            self._welcome.set_result(None)

    def _on_disconnect(self, client: Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if not self._welcome.done() or not flags.is_disconnect_packet_from_server:
            self._gone(self._cut())
        else:
            self._gone(lost(self._broker, reason.value, str(reason)))

    def _on_publish(self, client: Client, userdata: Any, mid: int, reason: ReasonCode, properties: Any) -> None:
        future = self._answers.pop(mid, None)
        if future is not None and not future.done():
            future.set_result(Answer(reason.value, str(reason)))

    def _on_subscribe(
        self, client: Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Any
    ) -> None:
        future = self._subscribed.pop(mid, None)
        if future is not None and not future.done():
            future.set_result(reasons)

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        self._handler(Incoming(message.topic, bytes(message.payload), message.retain))

    # -- what is asked of it ----------------------------------------------------------------------------------------

    async def welcome(self) -> None:
        """Return when the broker says that we are connected; raises a `BrokerError`."""
        await self._welcome

    @property
    def is_lost(self) -> bool:
        """Whether it stands no more."""
        return self._lost.done()

    async def loss(self) -> BrokerError:
        """Return when it is lost, with the reason."""
        return await asyncio.shield(self._lost)

    def drop(self, why: BrokerError) -> None:
        """Give it up."""
        self._gone(why)

    async def publish(self, message: Message) -> Answer:
        """Send a message and wait for what the broker says to it."""
        return (await self.publish_all([message]))[0]

    async def publish_all(self, messages: Sequence[Message]) -> list[Answer]:
        """Send messages without waiting in between; an answer each, as soon as all are there or the line is lost."""
        sent = [self._send(message) for message in messages]
        try:
            # Not as long for all as for each: a slow broker that goes on acknowledging is waited for.
            for future in sent:
                async with asyncio.timeout(_ACK_SECONDS):
                    await asyncio.shield(future)
        except TimeoutError:
            self._gone(BrokerAway(f"The broker {self._broker} acknowledges nothing within {_ACK_SECONDS:g} s"))
        return [future.result() if future.done() else _LOST for future in sent]

    def _send(self, message: Message) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = self._loop.create_future()
        if self._lost.done():
            future.set_result(_LOST)
            return future
        info = self._client.publish(
            message.topic, message.payload, message.qos, message.retain, self._content if message.payload else None
        )
        if message.qos == 0:
            future.set_result(Answer())
        elif info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            future.set_result(Answer(0x80, f"not sent: {info.rc.name}"))
        else:
            self._answers[info.mid] = future
        return future

    def toss(self, message: Message) -> None:
        """Send what nobody misses, unless the line is busy."""
        if not self._lost.done() and not self._client.want_write():
            self._client.publish(message.topic, message.payload, 0, message.retain)

    async def subscribe(self, *filters: str) -> list[str]:
        """Ask for topics; the ones that the broker refuses come back."""
        if self._lost.done():
            return []
        code, mid = self._client.subscribe([(each, 1) for each in filters])
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            return []
        self._subscribed[mid] = asked = self._loop.create_future()
        async with asyncio.timeout(_ACK_SECONDS):
            reasons = await asked
        return [each for each, reason in zip(filters, reasons, strict=False) if reason.is_failure]

    async def leave(self) -> None:
        """Say farewell, so that the broker keeps the will to itself."""
        if self._lost.done():
            return
        self._client.disconnect()
        await self.loss()


def _hurry(sock: Any, option: str) -> None:
    """Have small packets, or TCP's own acknowledgements of them, sent at once where the system can.

    Brokers hold a small packet back until the one before is acknowledged by TCP, which waits up to 40 ms with that.
    """
    with suppress(OSError, AttributeError):
        sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), 1)


def _pending(sock: Any) -> bool:
    pending = getattr(sock, "pending", None)
    return bool(pending and pending())
