"""When a sample was captured, told by a clock that only ever hears of it late."""

from __future__ import annotations

_DRIFT = 0.0005
_OUT_OF_STEP_SECONDS = 2.0


class SampleClock:
    """Maps positions to steady seconds.

    Reports of "this position was captured then" come with delays that differ, never early: the earliest is the truest.
    The estimate follows the lower edge of what is reported, and rises slowly for a device whose clock runs late.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._offset: float | None = None
        self._heard_at = 0

    def hear(self, position: int, captured: float) -> None:
        """Take note of a report."""
        offset = captured - position / self._rate
        if self._offset is None or abs(offset - self._offset) > _OUT_OF_STEP_SECONDS:
            self._offset = offset
        else:
            passed = max(0, position - self._heard_at) / self._rate
            self._offset = min(offset, self._offset + _DRIFT * passed)
        self._heard_at = position

    def behind(self, position: int, captured: float) -> float:
        """By how many seconds a report is later than it should be: what was lost before it, if something was."""
        return captured - self.time(position) if self._offset is not None else 0.0

    def time(self, position: float) -> float:
        """Steady seconds of a position."""
        return (self._offset or 0.0) + position / self._rate
