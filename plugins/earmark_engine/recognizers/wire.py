"""What is said between the engine and a worker process: MessagePack, each message after its length."""

from __future__ import annotations

import asyncio
from typing import BinaryIO, TypeAlias

import msgspec

from earmark_engine.recognizers.types import Heard

LENGTH_BYTES = 4


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """What every message has: a tag."""


class Open(Message, frozen=True, kw_only=True):
    """Listen to one more stream, or go on with one that another worker had."""

    stream: int
    position: int = 0
    """Samples of the stream before the first that will come."""
    segment: int = 0
    """Number of the next segment."""
    spoiled: int = 0
    """How many segments to leave out first, because workers died of them."""
    vocabulary: tuple[str, ...] = ()


class Audio(Message, frozen=True, kw_only=True):
    """The next sound of a stream: 16-bit samples as they lie in memory."""

    stream: int
    samples: bytes


class Finish(Message, frozen=True, kw_only=True):
    """No more sound of this stream will come."""

    stream: int


class Close(Message, frozen=True, kw_only=True):
    """Nobody listens to this stream any more."""

    stream: int


class Ready(Message, frozen=True, kw_only=True):
    """The model is loaded."""


class Failed(Message, frozen=True, kw_only=True):
    """The model cannot be loaded."""

    reason: str


class Working(Message, frozen=True, kw_only=True):
    """The next thing done is for this stream; if the worker dies of it, it was this one."""

    stream: int


class Told(Message, frozen=True, kw_only=True):
    """What was heard in a stream; one message, so that a final and what it settles are never parted."""

    stream: int
    heard: tuple[Heard, ...]
    scanned_seconds: float
    waiting_seconds: float
    done: bool = False


class Report(Message, frozen=True, kw_only=True):
    """A sign of life, about once a second, and how hard the worker is pressed."""

    busy: float
    real_time_factor: float


ToWorker: TypeAlias = Open | Audio | Finish | Close
FromWorker: TypeAlias = Ready | Failed | Working | Told | Report

_to_worker = msgspec.msgpack.Decoder(ToWorker)
_from_worker = msgspec.msgpack.Decoder(FromWorker)
_encoder = msgspec.msgpack.Encoder()


def packed(message: Message) -> bytes:
    """A message as it goes over the pipe."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def read_to_worker(pipe: BinaryIO) -> ToWorker | None:
    """The next message for a worker; none when the engine has gone."""
    length = pipe.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    wanted = int.from_bytes(length, "big")
    body = pipe.read(wanted)
    if len(body) < wanted:
        return None
    message: ToWorker = _to_worker.decode(body)
    return message


async def read_from_worker(pipe: asyncio.StreamReader) -> FromWorker | None:
    """The next message of a worker; none when it has died."""
    try:
        length = await pipe.readexactly(LENGTH_BYTES)
        message: FromWorker = _from_worker.decode(await pipe.readexactly(int.from_bytes(length, "big")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return message
