"""What the capturing process tells the listener, one message after another on its standard output.

A message is its length in four bytes, little end first, then MessagePack of one of the types below. What it is told in
turn stands on its command line, as the JSON of a `Task`.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import TypeAlias

import msgspec

HEADER = struct.Struct("<I")
MOST_BYTES = 1 << 24


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A microphone as the system knows it."""

    id: str
    """Stays the same when it is unplugged and plugged in again."""
    name: str
    host_api: str
    channels: int
    rate: int
    index: int
    """PortAudio's number for what must be opened; changes with every plug."""
    default: bool = False
    monitor: bool = False
    """Whether it is what a loudspeaker plays, and no microphone."""
    pulse_source: str | None = None
    """The sound server's name of it, where one is asked through PortAudio's `pulse`."""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sound server takes a process's sound from."""

    process: int
    source: str
    monitor: bool = False


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What microphones there are at one moment."""

    devices: list[Device]
    served: list[Served] = []


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What to capture."""

    wanted: tuple[str, ...]
    """Microphones by order of preference."""
    host_api: str | None = None
    channels: tuple[int, ...] = ()
    gain_db: float = 0.0
    room_rate: int = 16_000
    device_rate: int | None = None
    sample_format: str = "auto"
    buffer_seconds: float = 0.3
    """What the system may hold."""
    ring_seconds: float = 10.0
    """What the process holds while nobody takes its sound."""


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The device is open."""

    device: Device
    why: str
    wish: int
    """Which of the wishes it fulfils; 0 is the dearest."""
    rate: int
    channels: int
    sample_format: str
    latency_seconds: float
    refused: dict[str, str] = {}
    """Microphones, by id, that were preferred and could not be opened, and why."""


class Sound(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A stretch of the room's sound."""

    samples: bytes
    captured: float
    """The steady clock at the first sample."""
    clipped: int = 0
    invalid: int = 0


class Lost(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A stretch that was overrun."""

    length: int
    """Samples at the room's rate."""
    captured: float


class Trouble(StrEnum):
    """Why there is no sound."""

    NO_PORTAUDIO = "no_portaudio"
    NO_DEVICE = "no_device"
    NOT_OPENED = "not_opened"
    LOST = "lost"


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The end: no sound will come from this process."""

    trouble: Trouble
    message: str


Message: TypeAlias = Opened | Sound | Lost | Failed

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """A message as it is written, its length first."""
    body = _encoder.encode(message)
    return HEADER.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """A message from what follows its length; raises `msgspec.MsgspecError` on anything else."""
    return _decoder.decode(body)


def encode_task(task: Task) -> str:
    """A task as it stands on the command line."""
    return msgspec.json.encode(task).decode()
