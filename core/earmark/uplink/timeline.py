"""Three clocks made one: audio sent on a connection, the capture clock, and the wall.

A peer counts the audio that it was sent; with a silence gate and reconnections that is not the time in the room. What
was sent is therefore written down as spans of capture time, and wall-clock time is known at anchors, so that every word
finds its moment whatever was left out and however the machine's clock was set meanwhile.
"""

from __future__ import annotations

from bisect import bisect_right

from earmark.audio import Frame

_TOLERANCE_SECONDS = 1e-6
_STEP_SECONDS = 0.25
_MOST_ANCHORS = 2000


class SentTable:
    """Which capture time each second of sent audio was, since the latest start of a connection."""

    def __init__(self) -> None:
        self._sent: list[float] = []
        self._capture: list[float] = []
        self.sent_seconds = 0.0
        self.until = 0.0
        """Capture seconds just after the last sound that was sent."""

    def add(self, frame: Frame) -> None:
        """Take note that a frame was sent."""
        if not self._sent or abs(frame.start - self.until) > _TOLERANCE_SECONDS:
            self._sent.append(self.sent_seconds)
            self._capture.append(frame.start)
        self.sent_seconds += frame.seconds
        self.until = frame.end

    def capture(self, sent: float, *, at_end: bool = False) -> float:
        """The capture time of a moment of sent audio; on a seam, the end of the earlier or the start of the later."""
        if not self._sent:
            return sent
        nudge = -_TOLERANCE_SECONDS if at_end else _TOLERANCE_SECONDS
        place = max(0, bisect_right(self._sent, sent + nudge) - 1)
        return min(self._capture[place] + sent - self._sent[place], self.until)

    def forget(self, until: float) -> None:
        """Drop spans that ended before a capture time."""
        keep = max(0, bisect_right(self._capture, until) - 1)
        del self._sent[:keep], self._capture[:keep]


class WallTable:
    """What the wall clock said at each capture time; steps of the wall clock become anchors of their own."""

    def __init__(self) -> None:
        self._capture: list[float] = []
        self._wall: list[float] = []
        self.steps = 0

    def add(self, capture: float, wall: float) -> None:
        """Take note of what the wall clock said."""
        if self._capture and capture <= self._capture[-1]:
            return
        if self._capture and abs(self.wall(capture) - wall) < _STEP_SECONDS:
            return
        if self._capture:
            self.steps += 1
        self._capture.append(capture)
        self._wall.append(wall)
        if len(self._capture) > _MOST_ANCHORS:
            del self._capture[0], self._wall[0]

    def wall(self, capture: float) -> float:
        """Wall-clock seconds since 1970 at a capture time."""
        if not self._capture:
            return 0.0
        place = max(0, bisect_right(self._capture, capture + _TOLERANCE_SECONDS) - 1)
        return self._wall[place] + capture - self._capture[place]
