"""A microphone whose sound is the time: sample number n is heard n samples after an agreed moment of the steady clock.

Every frame is written to a log just before it is handed over, so that a test knows what had been captured when a
process was killed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from earmark.audio import Frame
from earmark.hookspecs import Offer, Source, hookimpl
from earmark.room import Room
from tests.faults.numbered import PIECE, RATE, Plugin, numbered

_PLUGIN = Plugin()
earmark_recognizers = _PLUGIN.earmark_recognizers
earmark_detectors = _PLUGIN.earmark_detectors


class TickerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When time began, and where it is written down."""

    epoch: float
    log: Path


class Ticker:
    """The sound of one opening."""

    def __init__(self, settings: TickerSettings, room: Room, log: int) -> None:
        self._epoch, self._clock, self._log = settings.epoch, room.clock, log

    async def __aiter__(self) -> AsyncIterator[Frame]:
        """Sound from now on, as it passes."""
        opened = number = int((self._clock.monotonic() - self._epoch) * RATE) // PIECE * PIECE + PIECE
        while True:
            await asyncio.sleep(self._epoch + (number + PIECE) / RATE - self._clock.monotonic())
            at = self._clock.now() - (self._clock.monotonic() - self._epoch - number / RATE)
            os.write(self._log, f"{number} {number + PIECE}\n".encode())
            yield Frame(samples=numbered(number, PIECE), rate=RATE, position=number - opened, at=at)
            number += PIECE


@hookimpl
def earmark_sources() -> Iterable[Offer[Source]]:
    """The microphone that hears the time."""
    yield Offer("ticker", "Hear the time.", open_ticker, settings=TickerSettings)


@asynccontextmanager
async def open_ticker(settings: TickerSettings, room: Room) -> AsyncIterator[Source]:
    """Listen."""
    log = os.open(settings.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield Ticker(settings, room, log)
    finally:
        os.close(log)
