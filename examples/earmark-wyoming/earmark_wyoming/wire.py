"""The Wyoming protocol's frames: a line of JSON, then more JSON and a payload, as long as the line says."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

_MOST_BYTES = 1 << 20


class Header(msgspec.Struct, omit_defaults=True):
    """The line that every event begins with."""

    type: str
    data: dict[str, Any] = {}
    data_length: int = 0
    payload_length: int = 0


class Message(msgspec.Struct, frozen=True):
    """One event."""

    type: str
    data: dict[str, Any] = {}
    payload: bytes = b""


async def receive(reader: asyncio.StreamReader) -> Message | None:
    """The next event, None where the other end has closed; raises `ValueError` for what is no event."""
    line = await reader.readline()
    if not line:
        return None
    header = msgspec.json.decode(line, type=Header)
    if not (0 <= header.data_length <= _MOST_BYTES and 0 <= header.payload_length <= _MOST_BYTES):
        raise ValueError(f"an event of {header.data_length} + {header.payload_length} bytes")
    more = await reader.readexactly(header.data_length)
    payload = await reader.readexactly(header.payload_length)
    data = {**header.data, **(msgspec.json.decode(more, type=dict[str, Any]) if more else {})}
    return Message(header.type, data, payload)


def encoded(message: Message) -> bytes:
    """An event as it goes over the wire."""
    header = Header(message.type, message.data, payload_length=len(message.payload))
    return msgspec.json.encode(header) + b"\n" + message.payload
