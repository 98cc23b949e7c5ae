"""From frames of sound to the bytes a service asked for, in blocks of an even length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from earmark.audio import Frame, Samples

if TYPE_CHECKING:
    import soxr

Encoding = Literal["LINEAR16", "MULAW"]
_BIAS, _CLIP = 33, 8158


class Encoder:
    """Resamples where asked to, encodes, and cuts into blocks; what does not fill a block waits for more."""

    def __init__(self, *, encoding: Encoding, frame_rate: int, rate: int | None, block_samples: int) -> None:
        self.rate = rate or frame_rate
        """Samples a second of what comes out."""
        self.frame_rate = frame_rate
        self._encoding = encoding
        self._block_samples = block_samples
        self._waiting: Samples = np.zeros(0, dtype=np.int16)
        self._resampler = self._open_resampler()

    def encode(self, frame: Frame) -> list[bytes]:
        """Whole blocks of what was given so far."""
        return self._blocks(self._resampled(frame.samples), flush=False)

    def flush(self) -> list[bytes]:
        """All that still waits; sound that follows need not go on from it."""
        rest = self._resampled(np.zeros(0, dtype=np.int16), last=True)
        self._resampler = self._open_resampler()
        return self._blocks(rest, flush=True)

    def _open_resampler(self) -> soxr.ResampleStream | None:
        if self.rate == self.frame_rate:
            return None
        import soxr

        return soxr.ResampleStream(self.frame_rate, self.rate, 1, dtype="int16")

    def _resampled(self, samples: Samples, *, last: bool = False) -> Samples:
        if self._resampler is None:
            return samples
        resampled: Samples = self._resampler.resample_chunk(np.ascontiguousarray(samples), last=last)
        return resampled

    def _blocks(self, samples: Samples, *, flush: bool) -> list[bytes]:
        waiting = np.concatenate((self._waiting, samples))
        whole = len(waiting) if flush else len(waiting) - len(waiting) % self._block_samples
        self._waiting = waiting[whole:]
        starts = range(0, whole, self._block_samples)
        return [self._encoded(waiting[start : min(start + self._block_samples, whole)]) for start in starts]

    def _encoded(self, samples: Samples) -> bytes:
        return mulaw(samples) if self._encoding == "MULAW" else samples.astype("<i2", copy=False).tobytes()


def mulaw(samples: Samples) -> bytes:
    """Samples as 8-bit µ-law (ITU-T G.711)."""
    sign = np.where(samples < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(samples.astype(np.int32)) >> 2, _CLIP) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    mantissa = (magnitude >> (segment + 1)) & 0x0F
    encoded: bytes = (~(sign | (segment << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()
    return encoded
