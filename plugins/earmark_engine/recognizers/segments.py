"""Where speech begins and ends: a rule over how likely each 32 ms of sound is speech.

Pure: probabilities in, segments out, counted in frames since the stream began.

1. Speech begins when a few frames in a row are likely; the segment takes in a little of what came before.
2. It ends when nothing was likely for the length of a pause; the segment keeps a little of what came after.
3. The longer somebody speaks without one, the shorter a pause is enough.
4. At the hard limit it is cut at the least likely frame of the last while, and the rest begins the next segment.
"""

from __future__ import annotations

from dataclasses import dataclass

FRAME = 512
"""Samples of one frame at 16 kHz, as the detector takes them."""
FRAME_SECONDS = FRAME / 16_000


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """The numbers of the rule; measured on read speech, meetings and the bundled recording."""

    begins_at: float = 0.5
    """How likely speech must be to begin a segment."""
    goes_on_at: float = 0.35
    """How likely it must be to go on."""
    begin_frames: int = 3
    before_frames: int = 8
    after_frames: int = 10
    pause_frames: int = 20
    """The pause that ends a segment of ordinary length."""
    least_pause_frames: int = 2
    soft_frames: int = 250
    """From this length on, shorter and shorter pauses are enough."""
    hard_frames: int = 437
    search_frames: int = 48
    """How far back from the hard limit the cut may be made."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of speech: the frames from `start` up to `end`, of which those in `voiced` were likely speech."""

    start: int
    end: int
    voiced: tuple[int, ...]


class Segmenter:
    """Follows one stream, frame by frame."""

    def __init__(self, cutting: Cutting | None = None, *, frame: int = 0) -> None:
        self._cutting = cutting or Cutting()
        self._frame = frame
        self._free_from = frame
        self._run = 0
        self._start: int | None = None
        self._probabilities: list[float] = []
        self._voiced: list[int] = []

    @property
    def frame(self) -> int:
        """The next frame that will be heard."""
        return self._frame

    @property
    def settled(self) -> int:
        """Frames before this one belong to no segment that is still to come."""
        if self._start is not None:
            return self._start
        return max(self._free_from, self._frame - self._cutting.before_frames - self._cutting.begin_frames)

    @property
    def open(self) -> Segment | None:
        """The segment that is being spoken, as it would be if nothing more were said."""
        if self._start is None:
            return None
        return Segment(start=self._start, end=self._audible_end(), voiced=tuple(self._voiced))

    @property
    def silent_frames(self) -> int:
        """How long nothing was said in the open segment."""
        return self._frame - 1 - self._voiced[-1] if self._voiced else 0

    def hear(self, probability: float) -> Segment | None:
        """Take one more frame; gives the segment that it ended."""
        self._frame += 1
        if self._start is None:
            self._wait(probability)
            return None
        self._probabilities.append(probability)
        if probability >= self._cutting.goes_on_at:
            self._voiced.append(self._frame - 1)
        if self.silent_frames >= self._pause():
            return self._end()
        if len(self._probabilities) >= self._cutting.hard_frames:
            return self._cut()
        return None

    def finish(self) -> Segment | None:
        """Give the open segment, where there is one: no more sound will come."""
        return self._end() if self._start is not None else None

    def _wait(self, probability: float) -> None:
        self._run = self._run + 1 if probability >= self._cutting.begins_at else 0
        if self._run < self._cutting.begin_frames:
            return
        first = self._frame - self._run
        self._start = max(self._free_from, first - self._cutting.before_frames)
        self._probabilities = [0.0] * (first - self._start) + [1.0] * self._run
        self._voiced = list(range(first, self._frame))
        self._run = 0

    def _pause(self) -> float:
        cutting, length = self._cutting, len(self._probabilities)
        if length < cutting.soft_frames:
            return cutting.pause_frames
        left = (cutting.hard_frames - length) / (cutting.hard_frames - cutting.soft_frames)
        return max(cutting.least_pause_frames, cutting.pause_frames * left)

    def _audible_end(self) -> int:
        return min(self._frame, self._voiced[-1] + 1 + self._cutting.after_frames)

    def _end(self) -> Segment:
        assert self._start is not None
        segment = Segment(start=self._start, end=self._audible_end(), voiced=tuple(self._voiced))
        self._free_from = segment.end
        self._start = None
        return segment

    def _cut(self) -> Segment:
        assert self._start is not None
        searched = self._probabilities[-self._cutting.search_frames :]
        least = min(range(len(searched)), key=searched.__getitem__)
        kept = len(self._probabilities) - len(searched) + least + 1
        at = self._start + kept
        segment = Segment(start=self._start, end=at, voiced=tuple(frame for frame in self._voiced if frame < at))
        self._free_from = at
        self._start = at
        self._probabilities = self._probabilities[kept:]
        self._voiced = [frame for frame in self._voiced if frame >= at] or [at]
        return segment
