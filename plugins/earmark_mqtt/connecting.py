"""How a line to a broker comes about, and how it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from earmark.errors import SettingsError
from earmark_mqtt.errors import BrokerAway
from earmark_mqtt.line import Handler, Line
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.tls import context_of
from earmark_mqtt.topics import Message

_FAREWELL_SECONDS = 1.0
_VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}


@asynccontextmanager
async def open_line(
    settings: MqttSettings,
    client_id: str,
    *,
    version: str,
    will: Message | None = None,
    handler: Handler = lambda message: None,
) -> AsyncIterator[Line]:
    """Connect and be welcomed; raises a `BrokerError`, which says what to do, or `SettingsError`."""
    client = _client(settings, client_id, version, will)
    line = Line(client, settings.broker, version, handler)
    try:
        async with asyncio.timeout(settings.connect_timeout + _FAREWELL_SECONDS):
            await _connect(client, settings)
            line.attach()
            await line.welcome()
    except TimeoutError:
        line.detach()
        raise BrokerAway(
            f"The broker {settings.broker} does not answer within {float(settings.connect_timeout):g} s"
        ) from None
    except BaseException:
        line.detach()
        raise
    try:
        yield line
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await line.leave()
        line.detach()


def _client(settings: MqttSettings, client_id: str, version: str, will: Message | None) -> Client:
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=True if version == "3.1.1" else None,
        protocol=_VERSIONS[version],
        transport="unix" if settings.unix_socket else settings.transport,
        reconnect_on_failure=False,
    )
    client.max_inflight_messages_set(settings.in_flight)
    client.connect_timeout = float(settings.connect_timeout)
    if settings.user is not None:
        client.username_pw_set(settings.user, settings.password.reveal() if settings.password else None)
    if settings.transport == "websockets":
        client.ws_set_options(path=settings.websocket_path)
    if settings.tls:
        client.tls_set_context(context_of(settings))
        # Python's own check of the name is on, or a fingerprint stands in for it; paho's is gone from Python 3.12.
        client.tls_insecure_set(settings.fingerprint is not None and settings.ca_file is None)
    if will is not None:
        client.will_set(will.topic, will.payload, will.qos, will.retain)
    return client


async def _connect(client: Client, settings: MqttSettings) -> None:
    """Open the socket and send CONNECT on a thread that may be left behind: names can take long to resolve."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    host = str(settings.unix_socket) if settings.unix_socket else settings.host
    clean: Any = {"clean_start": True} if client.protocol == MQTTProtocolVersion.MQTTv5 else {}

    def tell(error: Exception | None) -> None:
        if done.done():
            client.disconnect()
        elif error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def connect() -> None:
        error: Exception | None = None
        try:
            client.connect(host, settings.port_number, keepalive=int(settings.keepalive), **clean)
        except Exception as failed:  # sockets, TLS and proxies fail in many ways; all of them are told
            error = failed
        with suppress(RuntimeError):  # the loop may be gone by now
            loop.call_soon_threadsafe(tell, error)

    threading.Thread(target=connect, name="earmark mqtt connect", daemon=True).start()
    try:
        await done
    except SettingsError:
        raise
    except Exception as error:
        # paho waits for the answer of a websocket or a handshake with a time-out of its own.
        why = "nothing answers in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        raise BrokerAway(f"The broker {settings.broker} cannot be reached: {why}") from None
