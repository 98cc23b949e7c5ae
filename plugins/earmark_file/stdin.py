"""Raw sound from another program on standard input.

Rules:

1. The pipe is read at all times, so that a microphone's program never waits for the room, and at most at the pace of
   speech, so that a file's bytes do not flood it.
2. What the room does not take at once is held, up to ten minutes; then the oldest is given up and said to be missing.
3. While the room is muted, what comes is thrown away: it must not be heard later.
4. The end of the pipe is the end of the source.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Cause, Frame, Omitted
from earmark.clock import Clock
from earmark.errors import SourceFailed
from earmark.room import Room
from earmark_file.mono import Converter, Cutter, Floats
from earmark_file.pace import Pace
from earmark_file.recording import FRAME_SAMPLES
from earmark_file.settings import StdinSettings

_READ_SECONDS = 0.064
_SPEED = 1.05
_BYTES = {"s16le": 2, "s16be": 2, "s24le": 3, "s32le": 4, "f32le": 4, "u8": 1}


@dataclass(frozen=True)
class Chunk:
    """What was read at once."""

    data: bytes
    """Empty at the end."""
    at: float
    """Wall-clock seconds since 1970 at which it was read."""
    missing: int = 0
    """Bytes that were given up before it."""


class Held:
    """Chunks that the room has not taken yet."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._chunks: deque[Chunk] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def put(self, chunk: Chunk) -> None:
        """Hold one more; the oldest is given up where there are too many."""
        self._chunks.append(chunk)
        self._bytes += len(chunk.data)
        while self._bytes > self._most and len(self._chunks) > 1:
            first, second = self._chunks.popleft(), self._chunks.popleft()
            self._bytes -= len(first.data)
            missing = first.missing + len(first.data) + second.missing
            self._chunks.appendleft(Chunk(second.data, second.at, missing))
        self._filled.set()

    async def get(self) -> Chunk:
        """The oldest, once there is one."""
        while not self._chunks:
            self._filled.clear()
            await self._filled.wait()
        chunk = self._chunks.popleft()
        self._bytes -= len(chunk.data)
        return chunk


class StandardInput:
    """The one standard input of the process, which outlives each time that it is opened."""

    def __init__(self, *, most_seconds: float = 600.0) -> None:
        self._most_seconds = most_seconds
        self._pump: Pump | None = None

    @asynccontextmanager
    async def open(self, settings: StdinSettings, room: Room) -> AsyncIterator[RawSound]:
        """Hear what comes from now on."""
        if self._pump is None:
            self._pump = Pump(_descriptor(), settings, room.clock)
            self._pump.start()
        held = Held(round(self._most_seconds * settings.rate) * _frame_bytes(settings))
        self._pump.listen(held)
        try:
            yield RawSound(held, settings, room)
        finally:
            self._pump.listen(None)


class Pump:
    """Reads a descriptor as sound comes, and hands it to who listens, or to nobody."""

    def __init__(self, descriptor: int, settings: StdinSettings, clock: Clock) -> None:
        self._descriptor, self._clock = descriptor, clock
        self._held: Held | None = None
        self._ended = False
        self._rest = b""
        self._frame_bytes = _frame_bytes(settings)
        self._bytes_a_second = self._frame_bytes * settings.rate
        self._most = max(1, int(_READ_SECONDS * settings.rate)) * self._frame_bytes
        self._pace = Pace(speed=_SPEED, slack_seconds=5.0)
        self._loop = asyncio.get_running_loop()

    def listen(self, held: Held | None) -> None:
        """From now on, hand what comes to another, or to nobody."""
        self._held = held
        if held is not None and self._ended:
            held.put(Chunk(b"", self._clock.now()))

    def start(self) -> None:
        """Wait for the next bytes."""
        try:
            self._loop.add_reader(self._descriptor, self._read)
        except PermissionError:  # a regular file, which cannot be waited for because it is always ready
            self._loop.call_soon(self._read)

    def _read(self) -> None:
        data = os.read(self._descriptor, self._most)
        self._loop.remove_reader(self._descriptor)
        self._ended = not data
        # A chunk holds whole samples, so that what is given up between two leaves the rest in step.
        data, self._rest = _whole(self._rest + data, self._frame_bytes)
        if self._held is not None and (data or self._ended):
            self._held.put(Chunk(data, self._clock.now()))
        if self._ended:
            return
        wait = self._pace.wait(len(data) / self._bytes_a_second, self._loop.time())
        self._loop.call_later(wait, self.start)


class RawSound:
    """The frames in raw bytes."""

    def __init__(self, held: Held, settings: StdinSettings, room: Room) -> None:
        self._held, self._settings, self._room = held, settings, room
        room.stage.details["format"] = f"{settings.format}, {settings.rate} Hz, {settings.channels} channels"

    async def __aiter__(self) -> AsyncIterator[Frame | Omitted]:
        rate = self._room.rate
        converter, cutter = Converter(rate=self._settings.rate, room_rate=rate), Cutter(FRAME_SAMPLES)
        position, last = 0, False
        while not last:
            chunk = await self._held.get()
            if missing := self._missing(chunk, position):
                position += missing.length
                yield missing
            last = not chunk.data
            block = decode(chunk.data, self._settings)
            for samples in cutter.cut(converter.convert(block, last=last), last=last):
                yield Frame(samples=samples, rate=rate, position=position, at=chunk.at - len(samples) / rate)
                position += len(samples)

    def _missing(self, chunk: Chunk, position: int) -> Omitted | None:
        seconds = chunk.missing / _frame_bytes(self._settings) / self._settings.rate
        length = round(seconds * self._room.rate)
        if not length:
            return None
        self._room.stage.count("overruns")
        at = chunk.at - seconds
        return Omitted(position=position, length=length, rate=self._room.rate, at=at, cause=Cause.OVERRUN)


def _frame_bytes(settings: StdinSettings) -> int:
    return _BYTES[settings.format] * settings.channels


def decode(data: bytes, settings: StdinSettings) -> Floats:
    """Raw bytes, of whole frames, as floats: a column a channel."""
    return _floats(data, settings.format).reshape(-1, settings.channels)


def _whole(data: bytes, width: int) -> tuple[bytes, bytes]:
    """As many whole frames as there are, and what is left."""
    end = len(data) - len(data) % width
    return data[:end], data[end:]


def _floats(data: bytes, form: str) -> Floats:
    if form == "f32le":
        return np.frombuffer(data, "<f4").astype(np.float32)
    if form == "u8":
        return _scaled(np.frombuffer(data, np.uint8).astype(np.int16) - 128, 7)
    if form == "s24le":
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return _scaled(padded.reshape(-1).view("<i4"), 31)
    kind, bits = {"s16le": ("<i2", 15), "s16be": (">i2", 15), "s32le": ("<i4", 31)}[form]
    return _scaled(np.frombuffer(data, kind), bits)


def _scaled(samples: NDArray[np.signedinteger], bits: int) -> Floats:
    floats: Floats = (samples.astype(np.float64) / 2**bits).astype(np.float32)
    return floats


def _descriptor() -> int:
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        raise SourceFailed("There is no standard input here; pipe sound into it, or choose another source.") from None
    if os.isatty(descriptor):
        raise SourceFailed(
            "The standard input is a terminal, not sound; pipe some into it:"
            " arecord -q -f S16_LE -r 16000 -c 1 | earmark listen --source stdin"
        )
    return descriptor
