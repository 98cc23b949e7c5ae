"""Listening to microphones without a room: levels of many at once, or a recording of one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earmark.audio import SILENCE_DBFS, Samples, peak_dbfs, rms_dbfs
from earmark.errors import EarmarkError, SourceError
from earmark_mic.choosing import Wishes
from earmark_mic.settings import MicSettings
from earmark_mic.source import task_of
from earmark_mic.stream import capturing
from earmark_mic.wire import Device, Sound

_RATE = 16_000
_PATIENCE_SECONDS = 5.0
_RECENT_SECONDS = 0.3
_GOOD_PEAK_DBFS = -9.0
_ENOUGH_DB = 6.0
_MOST_GAIN_DB = 40.0
_NOTHING_DBFS = -65.0
_TOO_LOUD_DBFS = -0.5

log = logging.getLogger("earmark.mic")


@dataclass(frozen=True)
class Reading:
    """How loud a microphone was."""

    name: str
    peak_dbfs: float
    rms_dbfs: float


class Meter:
    """How loud one microphone is, now and so far."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.problem: str | None = None
        self.total = Reading(device.name, SILENCE_DBFS, SILENCE_DBFS)
        self._recent: Samples = np.empty(0, np.int16)

    def hear(self, samples: Samples) -> None:
        """Take note of sound."""
        self._recent = np.concatenate([self._recent, samples])[-int(_RECENT_SECONDS * _RATE) :]
        self.total = Reading(
            self.device.name,
            max(self.total.peak_dbfs, peak_dbfs(samples)),
            max(self.total.rms_dbfs, rms_dbfs(self._recent)),
        )

    def recent(self) -> Reading:
        """How loud it is now."""
        return Reading(self.device.name, peak_dbfs(self._recent), rms_dbfs(self._recent))


def advice(reading: Reading, *, gain_db: float) -> str:
    """What to do about a level that was reached while somebody spoke."""
    if reading.peak_dbfs < _NOTHING_DBFS:
        return "it heard nothing: is it muted, or another one nearer to you?"
    if reading.peak_dbfs > _TOO_LOUD_DBFS:
        return f"it is too loud and clips: set gain_db = {gain_db - _ENOUGH_DB:g} in the table [mic], or turn it down."
    missing = _GOOD_PEAK_DBFS - reading.peak_dbfs
    if missing < _ENOUGH_DB:
        return "its level is good."
    gain = round(min(_MOST_GAIN_DB, gain_db + missing))
    return f"it is quiet: set gain_db = {gain} in the table [mic]."


@asynccontextmanager
async def meter(settings: MicSettings, meters: Sequence[Meter]) -> AsyncIterator[None]:
    """Measure all of them at once until left."""
    tasks = [asyncio.create_task(_measure(settings, gauge)) for gauge in meters]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _measure(settings: MicSettings, gauge: Meter) -> None:
    try:
        async with capturing(task_of(settings, Wishes((gauge.device.id,)), _RATE), log) as stream:
            while True:
                message = await stream.next(_PATIENCE_SECONDS)
                if isinstance(message, Sound):
                    gauge.hear(np.frombuffer(message.samples, np.int16))
    except SourceError as error:
        gauge.problem = str(error)


async def record(settings: MicSettings, wishes: Wishes, *, seconds: float, path: Path) -> Reading:
    """Record the microphone that would be heard to a WAV file."""
    parts: list[Samples] = []
    async with capturing(task_of(settings, wishes, _RATE), log) as stream:
        while sum(map(len, parts)) < seconds * _RATE:
            message = await stream.next(_PATIENCE_SECONDS)
            if isinstance(message, Sound):
                parts.append(np.frombuffer(message.samples, np.int16))
        name = stream.opened.device.name
    samples = np.concatenate(parts)[: round(seconds * _RATE)]
    await asyncio.to_thread(_write, path, samples)
    return Reading(name, peak_dbfs(samples), rms_dbfs(samples))


def _write(path: Path, samples: Samples) -> None:
    import soundfile

    try:
        soundfile.write(path, samples, _RATE)
    except (OSError, soundfile.LibsndfileError) as error:
        raise EarmarkError(f"{path} cannot be written ({error}); name another file with --output.") from None
