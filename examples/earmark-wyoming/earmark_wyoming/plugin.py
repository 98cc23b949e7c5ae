"""A source: sound from a Wyoming satellite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import msgspec
import numpy as np

from earmark import Cause, Duration, Frame, Offer, Omitted, Room, Samples, Source, SourceError, SourceFailed, hookimpl
from earmark_wyoming.wire import Message, encoded, receive

_QUIET_SECONDS = 1.0
_LONGEST_FRAME_SECONDS = 0.25


class WyomingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which satellite."""

    host: str
    """The satellite's name or address."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 10700
    """The port that it listens on."""
    timeout: Duration = Duration("5 s")
    """How long it may take to answer."""


class Satellite:
    """Gives a satellite's sound; while it sends none, the time that passes is told as left out."""

    def __init__(
        self, settings: WyomingSettings, room: Room, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._settings, self._room = settings, room
        self._reader, self._writer = reader, writer
        self._position = 0

    async def __aiter__(self) -> AsyncIterator[Frame | Omitted]:
        self._writer.write(encoded(Message("run-satellite")))
        heard_at = self._room.clock.monotonic()
        coming = asyncio.ensure_future(receive(self._reader))
        try:
            while True:
                await asyncio.wait({coming}, timeout=_QUIET_SECONDS)
                now = self._room.clock.monotonic()
                message = self._result(coming) if coming.done() else None
                if message is None:
                    yield self._quiet(now - heard_at)
                    heard_at = now
                    continue
                coming = asyncio.ensure_future(receive(self._reader))
                if message.type == "ping":
                    self._writer.write(encoded(Message("pong", message.data)))
                elif message.type == "audio-chunk":
                    samples = self._samples(message)
                    missing = now - heard_at - len(samples) / self._room.rate
                    if missing > _QUIET_SECONDS:
                        yield self._quiet(missing)
                    heard_at = now
                    for frame in self._frame(samples).pieces(round(_LONGEST_FRAME_SECONDS * self._room.rate)):
                        yield frame
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    def _result(self, coming: asyncio.Future[Message | None]) -> Message:
        try:
            message = coming.result()
        except (OSError, EOFError, ValueError, msgspec.MsgspecError) as error:
            raise SourceError(f"The line to {self._where} broke: {error}") from error
        if message is None:
            raise SourceError(f"The satellite {self._where} has closed the line.")
        return message

    def _samples(self, message: Message) -> Samples:
        rate, width, channels = (message.data.get(key) for key in ("rate", "width", "channels"))
        if width != 2 or rate != self._room.rate or not isinstance(channels, int) or channels < 1:
            raise SourceFailed(
                f"The satellite {self._where} sends {rate} Hz, {width} bytes a sample, {channels} channels; "
                f"set it to 16-bit sound at {self._room.rate} Hz."
            )
        whole = message.payload[: len(message.payload) // (2 * channels) * 2 * channels]
        sound = np.frombuffer(whole, "<i2").reshape(-1, channels)
        return sound.mean(axis=1).round().astype(np.int16) if channels > 1 else sound[:, 0].astype(np.int16)

    def _frame(self, samples: Samples) -> Frame:
        rate = self._room.rate
        at = self._room.clock.now() - len(samples) / rate
        frame = Frame(samples=samples, rate=rate, position=self._position, at=at)
        self._position += len(samples)
        return frame

    def _quiet(self, seconds: float) -> Omitted:
        length, rate = max(1, round(seconds * self._room.rate)), self._room.rate
        omitted = Omitted(self._position, length, rate, self._room.clock.now() - seconds, Cause.GATED)
        self._position += length
        return omitted

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"


@asynccontextmanager
async def open_satellite(settings: WyomingSettings, room: Room) -> AsyncIterator[Source]:
    """Call the satellite; raises `SourceError` where it does not answer."""
    try:
        async with asyncio.timeout(settings.timeout):
            reader, writer = await asyncio.open_connection(settings.host, settings.port, limit=1 << 20)
    except (OSError, TimeoutError) as error:
        raise SourceError(
            f"The satellite {settings.host}:{settings.port} does not answer ({error or 'timeout'})."
        ) from error
    room.stage.details["satellite"] = f"{settings.host}:{settings.port}"
    try:
        yield Satellite(settings, room, reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@hookimpl
def earmark_sources() -> Iterable[Offer[Source]]:
    """What this plugin offers."""
    yield Offer("wyoming", "Hear a Wyoming satellite.", open_satellite, settings=WyomingSettings, argument="host")
