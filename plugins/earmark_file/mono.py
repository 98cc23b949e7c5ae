"""Any sound made into the room's: one channel, the room's rate, 16 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.audio import Samples, to_int16

Floats = NDArray[np.float32]
Block = NDArray[np.float32] | NDArray[np.int16] | NDArray[np.int32]

_LOUDEST = 32_767.5 / 32_768


class Converter:
    """Turns blocks of samples, a column a channel, into the room's, without seams between the blocks.

    Integers count from full scale, floats from 1. Gain comes before the clipping; NaN and infinity become silence.
    """

    def __init__(
        self, *, rate: int, room_rate: int, channels: Sequence[int] | None = None, gain_db: float = 0.0
    ) -> None:
        import soxr

        self._channels = list(channels) if channels else None
        self._gain = np.float32(10 ** (gain_db / 20))
        self._stream: Any = None
        if rate != room_rate:
            self._stream = soxr.ResampleStream(rate, room_rate, 1, dtype="float32")
        self.clipped = 0
        """How many samples were too loud for 16 bits."""
        self.invalid = 0
        """How many were no numbers."""

    def convert(self, block: Block, *, last: bool = False) -> Samples:
        """The next block; with `last`, what the resampler still holds as well."""
        mono = self._mono(self._floats(block)) * self._gain
        if self._stream is not None:
            mono = self._stream.resample_chunk(mono, last=last)
        self.clipped += int(np.count_nonzero((mono > _LOUDEST) | (mono < -1.0)))
        return to_int16(mono)

    def _floats(self, block: Block) -> Floats:
        if block.dtype.kind == "i":
            return np.divide(block, np.float32(2 ** (8 * block.itemsize - 1)), dtype=np.float32)
        valid = np.isfinite(block)
        if not valid.all():
            self.invalid += int(block.size - np.count_nonzero(valid))
            block = np.where(valid, block, 0)
        return block.astype(np.float32, copy=False)

    def _mono(self, block: Floats) -> Floats:
        chosen = block if self._channels is None else block[:, self._channels]
        if chosen.shape[1] == 1:
            return np.ascontiguousarray(chosen[:, 0])
        mixed: Floats = chosen.mean(axis=1, dtype=np.float32)
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
