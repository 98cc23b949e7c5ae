"""Any sound made into the room's: one channel, the room's rate, 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Samples, to_int16

Floats = NDArray[np.float32]


class Converter:
    """Turns blocks of floats, a column a channel, into the room's samples, without seams between the blocks."""

    def __init__(self, *, rate: int, room_rate: int, channel: int | None = None) -> None:
        import soxr

        self._channel = channel
        self._stream: Any = None
        if rate != room_rate:
            self._stream = soxr.ResampleStream(rate, room_rate, 1, dtype="float32")

    def convert(self, block: Floats, *, last: bool = False) -> Samples:
        """The next block; with `last`, what the resampler still holds as well."""
        mono = self._mono(block)
        if self._stream is not None:
            mono = self._stream.resample_chunk(mono, last=last)
        return to_int16(mono)

    def _mono(self, block: Floats) -> Floats:
        if self._channel is not None:
            return np.ascontiguousarray(block[:, self._channel])
        if block.shape[1] == 1:
            return np.ascontiguousarray(block[:, 0])
        mixed: Floats = block.mean(axis=1, dtype=np.float32)
        return mixed


class Cutter:
    """Cuts samples into frames' lengths, keeping the rest for the next time."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._rest: Samples = np.empty(0, np.int16)

    def cut(self, samples: Samples, *, last: bool = False) -> list[Samples]:
        """The whole pieces there are; with `last`, the remainder too."""
        held = np.concatenate([self._rest, samples])
        whole = len(held) if last else len(held) - len(held) % self._length
        self._rest = held[whole:]
        return [held[first : min(first + self._length, whole)] for first in range(0, whole, self._length)]
