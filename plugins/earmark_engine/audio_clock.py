"""Where the sound of one stream lies, on three clocks: what was fed, the conversation, and the client's own."""

from __future__ import annotations

from bisect import bisect_right


class AudioClock:
    """When the sound of a leg was: sound fed to the recogniser, seconds of the conversation, the client's samples."""

    def __init__(self, seconds: float) -> None:
        self._fed = [0.0]
        self._seconds = [seconds]
        self.rate: int | None = None
        self._origin = 0.0

    def capture(self, *, position: int, rate: int, seconds: float) -> None:
        """The client has a clock of its own: this sample of it is this second of the conversation."""
        self.rate, self._origin = rate, position / rate - seconds

    def jump(self, fed: float, seconds: float) -> None:
        """From here on sound lies elsewhere: the client left some out."""
        self._fed.append(fed)
        self._seconds.append(seconds)

    def seconds(self, fed: float, *, at_end: bool = False) -> float:
        """Seconds since the conversation began; on a seam, of the end of the earlier or the start of the later."""
        place = max(0, bisect_right(self._fed, fed - 1e-6 if at_end else fed + 1e-6) - 1)
        return self._seconds[place] + fed - self._fed[place]

    def of_sample(self, position: int, rate: int) -> float:
        """Seconds of the conversation of one of the client's samples."""
        return position / rate - self._origin

    def sample(self, fed: float, *, at_end: bool = False) -> int:
        """The client's sample of this moment."""
        assert self.rate is not None
        return round((self.seconds(fed, at_end=at_end) + self._origin) * self.rate)

    def forget(self, fed: float) -> None:
        """Drop jumps that lie before this moment."""
        keep = max(0, bisect_right(self._fed, fed) - 1)
        del self._fed[:keep], self._seconds[:keep]
