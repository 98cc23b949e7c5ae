"""Raw sound from another program on standard input.

The pipe is read at all times, and at most at the pace of speech, so that neither a microphone's program has to wait for
the room nor a file's bytes flood it. While the room is muted, what comes is thrown away: it must not be heard later.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Frame
from earmark.errors import SourceFailed
from earmark.room import Room
from earmark_file.mono import Converter, Cutter, Floats
from earmark_file.pace import Pace
from earmark_file.recording import FRAME_SAMPLES
from earmark_file.settings import StdinSettings

_READ_SECONDS = 0.064
_SPEED = 1.05
_BYTES = {"s16le": 2, "s16be": 2, "s24le": 3, "s32le": 4, "f32le": 4, "u8": 1}


class StandardInput:
    """The one standard input of the process, which outlives each time that it is opened."""

    def __init__(self) -> None:
        self._pump: Pump | None = None

    @asynccontextmanager
    async def open(self, settings: StdinSettings, room: Room) -> AsyncIterator[RawSound]:
        """Hear what comes from now on."""
        if self._pump is None:
            self._pump = Pump(_descriptor(), settings)
            self._pump.start()
        self._pump.chunks = asyncio.Queue()
        if self._pump.ended:
            self._pump.chunks.put_nowait(b"")
        try:
            yield RawSound(self._pump.chunks, settings, room)
        finally:
            self._pump.chunks = None


class Pump:
    """Reads a descriptor as sound comes, and hands it to who listens, or to nobody."""

    def __init__(self, descriptor: int, settings: StdinSettings) -> None:
        frame_bytes = _BYTES[settings.format] * settings.channels
        self.chunks: asyncio.Queue[bytes] | None = None
        self.ended = False
        self._descriptor = descriptor
        self._bytes_a_second = frame_bytes * settings.rate
        self._most = max(frame_bytes, int(_READ_SECONDS * settings.rate) * frame_bytes)
        self._pace = Pace(speed=_SPEED, slack_seconds=5.0)
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Wait for the next bytes."""
        try:
            self._loop.add_reader(self._descriptor, self._read)
        except PermissionError:  # a regular file, which cannot be waited for because it is always ready
            self._loop.call_soon(self._read)

    def _read(self) -> None:
        data = os.read(self._descriptor, self._most)
        self._loop.remove_reader(self._descriptor)
        if self.chunks is not None:
            self.chunks.put_nowait(data)
        if not data:
            self.ended = True
            return
        wait = self._pace.wait(len(data) / self._bytes_a_second, self._loop.time())
        self._loop.call_later(wait, self.start)


class RawSound:
    """The frames in raw bytes."""

    def __init__(self, chunks: asyncio.Queue[bytes], settings: StdinSettings, room: Room) -> None:
        self._chunks, self._settings, self._room = chunks, settings, room
        room.stage.details["format"] = f"{settings.format}, {settings.rate} Hz, {settings.channels} channels"

    async def __aiter__(self) -> AsyncIterator[Frame]:
        rate, clock = self._room.rate, self._room.clock
        converter = Converter(rate=self._settings.rate, room_rate=rate)
        cutter = Cutter(FRAME_SAMPLES)
        position, rest, last = 0, b"", False
        while not last:
            data = await self._chunks.get()
            last = not data
            block, rest = decode(rest + data, self._settings)
            for samples in cutter.cut(converter.convert(block, last=last), last=last):
                yield Frame(samples=samples, rate=rate, position=position, at=clock.now() - len(samples) / rate)
                position += len(samples)


def decode(data: bytes, settings: StdinSettings) -> tuple[Floats, bytes]:
    """Raw bytes as floats, a column a channel, and the bytes of a frame that has not come whole."""
    width = _BYTES[settings.format] * settings.channels
    whole = len(data) - len(data) % width
    return _floats(data[:whole], settings.format).reshape(-1, settings.channels), data[whole:]


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
