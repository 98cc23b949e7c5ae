"""Sound as it travels through a room: frames of 16-bit samples on one capture clock.

A position counts samples at the frame's own rate since the capture clock began, so `position / rate` is a
time on that clock whatever the device; sound that is missing between two frames is told by an `Omitted`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

FULL_SCALE = 32768.0
SILENCE_DBFS = -96.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A stretch of mono sound."""

    samples: Samples
    rate: int
    position: int
    """Index of the first sample on the capture clock, at this frame's rate."""
    at: float
    """Wall-clock seconds since 1970 at which the first sample was captured."""

    @property
    def start(self) -> float:
        """Seconds on the capture clock of the first sample."""
        return self.position / self.rate

    @property
    def end(self) -> float:
        """Seconds on the capture clock just after the last sample."""
        return (self.position + len(self.samples)) / self.rate

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate

    def pieces(self, length: int) -> Iterator[Frame]:
        """The same sound in frames of at most `length` samples."""
        for first in range(0, len(self.samples), length):
            yield self.part(first, first + length)

    def part(self, first: int, last: int | None = None) -> Frame:
        """The samples from `first` up to `last`, at their own position and time."""
        return Frame(
            samples=self.samples[first:last],
            rate=self.rate,
            position=self.position + first,
            at=self.at + first / self.rate,
        )


class Cause(StrEnum):
    """Why a stretch of sound is not there."""

    MUTED = "muted"
    GATED = "gated"
    BLOCKED = "blocked"
    OVERRUN = "overrun"
    DEVICE_LOST = "device_lost"
    RESTARTED = "restarted"
    SPOOL_FULL = "spool_full"
    SPOOL_DAMAGED = "spool_damaged"
    DROPPED = "dropped"

    @property
    def chosen(self) -> bool:
        """Whether the room's owner asked for it, so that it is no loss."""
        return self in (Cause.MUTED, Cause.GATED)


@dataclass(frozen=True, slots=True)
class Omitted:
    """Sound that is missing from the stream, and why."""

    position: int
    length: int
    rate: int
    at: float
    cause: Cause

    @property
    def start(self) -> float:
        """Seconds on the capture clock at which it begins."""
        return self.position / self.rate

    @property
    def end(self) -> float:
        """Seconds on the capture clock at which sound goes on."""
        return (self.position + self.length) / self.rate

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.length / self.rate

    def after(self, seconds: float) -> Omitted:
        """What of it lies after a moment on the capture clock; of no length, where nothing does."""
        skipped = min(self.length, max(0, round(seconds * self.rate) - self.position))
        at = self.at + skipped / self.rate
        return Omitted(self.position + skipped, self.length - skipped, self.rate, at, self.cause)


def to_int16(samples: NDArray[np.floating]) -> Samples:
    """Turn floats in −1…1 into 16-bit samples: rounded, clipped at both ends, NaN and infinity made zero."""
    finite = np.where(np.isfinite(samples), samples, 0.0)
    return np.clip(np.rint(finite * FULL_SCALE), -32768, 32767).astype(np.int16)


def peak_dbfs(samples: Samples) -> float:
    """The loudest sample in dB below full scale."""
    peak = int(np.abs(samples.astype(np.int32)).max(initial=0))
    return _dbfs(peak / FULL_SCALE)


def rms_dbfs(samples: Samples) -> float:
    """The mean loudness in dB below full scale."""
    if not len(samples):
        return SILENCE_DBFS
    return _dbfs(math.sqrt(float(np.mean(np.square(samples, dtype=np.float64)))) / FULL_SCALE)


def _dbfs(ratio: float) -> float:
    return max(SILENCE_DBFS, 20 * math.log10(ratio)) if ratio > 0 else SILENCE_DBFS
