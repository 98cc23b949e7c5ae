"""Real time, kept by sound that could come faster."""

from __future__ import annotations


class Pace:
    """Says how long to wait so that sound comes no faster than it was spoken.

    Who falls behind by more than `slack_seconds` is not chased: time begins anew there.
    """

    def __init__(self, *, slack_seconds: float = 1.0, speed: float = 1.0) -> None:
        self._slack = slack_seconds
        self._speed = speed
        self._due: float | None = None

    def wait(self, seconds: float, now: float) -> float:
        """Take note of `seconds` of sound at a moment of the steady clock; gives the seconds to wait after it."""
        due = now if self._due is None else self._due
        if now - due > self._slack:
            due = now
        self._due = due + seconds / self._speed
        return max(0.0, self._due - now)
