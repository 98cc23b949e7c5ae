"""Sound at any rate as the windows that the detector hears, and where each of them ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.audio import FULL_SCALE, Samples
from earmark_gate.model import RATE, WINDOW


class Windows:
    """Resamples and cuts a stream of samples."""

    def __init__(self, rate: int) -> None:
        import soxr

        self._rate = rate
        self._stream: Any = soxr.ResampleStream(rate, RATE, 1, dtype="float32") if rate != RATE else None
        self._rest: NDArray[np.float32] = np.empty(0, np.float32)
        self._windows = 0

    def cut(self, samples: Samples) -> Iterator[tuple[NDArray[np.float32], int]]:
        """The windows that are full now, each with how many samples of the stream it and those before it are."""
        floats = samples.astype(np.float32) / np.float32(FULL_SCALE)
        if self._stream is not None:
            floats = self._stream.resample_chunk(floats)
        held = np.concatenate([self._rest, floats])
        whole = len(held) - len(held) % WINDOW
        self._rest = held[whole:]
        for first in range(0, whole, WINDOW):
            self._windows += 1
            yield held[first : first + WINDOW], round(self._windows * WINDOW * self._rate / RATE)
