"""A sign of life in memory-backed storage, by which a restarted listener knows how long it was away.

The steady clock goes on over restarts of the process, so a step of the wall clock in between changes nothing; after a
restart of the machine the sign is gone, and so is any conversation worth rejoining.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from earmark.clock import Clock

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """When a listener last lived, and what it knew."""

    boot: str
    monotonic: float
    capture: float
    """What its capture clock said."""
    until: float
    """Up to where on that clock everything was accounted for."""


class SignOfLife:
    """The sign of one room."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def give(self, *, capture: float, until: float) -> None:
        """Write it anew."""
        sign = Sign(boot=_boot(), monotonic=self._clock.monotonic(), capture=capture, until=until)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(sign))
        fresh.replace(self._path)

    def take(self) -> tuple[float, Sign] | None:
        """Seconds since the last sign, and the sign; None if there was none since the machine started."""
        try:
            sign = msgspec.json.decode(self._path.read_bytes(), type=Sign)
        except (OSError, msgspec.MsgspecError):
            return None
        away = self._clock.monotonic() - sign.monotonic
        return (away, sign) if sign.boot == _boot() and away >= 0 else None


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
