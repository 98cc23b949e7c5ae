"""Sound between PortAudio's thread and ours, without a lock.

Rules:

1. Only PortAudio's callback writes, only one reader reads. Each owns its counters; nobody waits for anybody.
2. All memory is there beforehand. The writer always writes: it overwrites what was not read in time.
3. The reader copies, and looks afterwards whether it was overtaken meanwhile; what was overwritten is a hole.
4. Every block leaves a stamp: its position, its length, the steady time of its first sample, and whether PortAudio said
   that something was lost before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STAMPS = 4096


@dataclass(frozen=True, slots=True)
class Block:
    """What one callback brought."""

    position: int
    """Frames before it since the stream began."""
    samples: NDArray[Any]
    """A row a frame, a column a channel; empty if it was overwritten."""
    length: int
    captured: float
    overflowed: bool

    @property
    def overwritten(self) -> bool:
        """Whether it was there and was not read in time."""
        return len(self.samples) < self.length


class Ring:
    """Room for some seconds of sound."""

    def __init__(self, *, frames: int, channels: int, dtype: str) -> None:
        self._memory = np.zeros((frames, channels), dtype)
        self._size = frames
        self._positions = np.zeros(_STAMPS, np.int64)
        self._lengths = np.zeros(_STAMPS, np.int64)
        self._times = np.zeros(_STAMPS, np.float64)
        self._overflows = np.zeros(_STAMPS, np.bool_)
        self._written = 0
        self._stamped = 0
        self._read = 0
        self._next = 0

    def write(self, block: NDArray[Any], captured: float, overflowed: bool) -> None:
        """Take a block; called by PortAudio's callback."""
        length = len(block)
        stamp = self._stamped % _STAMPS
        self._positions[stamp] = self._written
        self._lengths[stamp] = length
        self._times[stamp] = captured
        self._overflows[stamp] = overflowed
        block = block[-self._size :]
        first = (self._written + length - len(block)) % self._size
        until_end = min(len(block), self._size - first)
        # Told before it is done, so that a reader that is being overtaken never takes a torn block for a whole one.
        self._written += length
        self._memory[first : first + until_end] = block[:until_end]
        self._memory[: len(block) - until_end] = block[until_end:]
        self._stamped += 1

    def take(self) -> Iterator[Block]:
        """The blocks that came since the last time."""
        while self._read < self._stamped:
            if self._stamped - self._read >= _STAMPS:  # even the stamps were overwritten: one hole for all of them
                self._read = self._stamped - _STAMPS // 2
                after = int(self._positions[self._read % _STAMPS])
                yield Block(self._next, self._memory[:0], after - self._next, 0.0, True)
            block = self._block(self._read % _STAMPS)
            self._read += 1
            self._next = block.position + block.length
            yield block

    def _block(self, stamp: int) -> Block:
        position, length = int(self._positions[stamp]), int(self._lengths[stamp])
        first = position % self._size
        samples = self._memory[first : first + length].copy()
        if len(samples) < length:
            samples = np.concatenate([samples, self._memory[: length - len(samples)]])
        if self._written - position > self._size:
            samples = samples[:0]
        return Block(position, samples, length, float(self._times[stamp]), bool(self._overflows[stamp]))
