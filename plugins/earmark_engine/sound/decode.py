"""One decoder for each encoding: bytes in as they come off the socket, 16 kHz samples out."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from earmark.audio import Samples
from earmark.errors import EarmarkError
from earmark_engine.recognizers.types import RATE
from earmark_engine.sound.flac import FlacDecoder
from earmark_engine.sound.opus import OpusDecoder

LOWEST_RATE, HIGHEST_RATE = 8_000, 48_000
ENCODINGS = ("LINEAR16", "FLAC", "MULAW", "OPUS")


class EncodingRefused(EarmarkError):
    """The encoding or its rate is none that the engine knows."""


class Decoder(Protocol):
    """Turns the audio of one stream into samples."""

    def feed(self, data: bytes) -> Samples:
        """What came out of one binary frame; raises `ValueError` where it is not of this encoding."""
        ...

    def flush(self) -> Samples:
        """What was still inside."""
        ...


def open_decoder(encoding: str, rate: int) -> Decoder:
    """The decoder for an encoding, in capitals; raises `EncodingRefused`."""
    if encoding not in ENCODINGS:
        known = "LINEAR16, FLAC, MULAW and Opus"
        raise EncodingRefused(f"The encoding '{encoding}' is not supported; {known} are.")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise EncodingRefused(f"sampleRateHertz must be from {LOWEST_RATE} to {HIGHEST_RATE}; it is {rate}.")
    if encoding == "FLAC":
        return Resampled(FlacDecoder())
    if encoding == "OPUS":
        return OpusDecoder()
    return Resampled(Linear16(rate) if encoding == "LINEAR16" else MuLaw(rate))


class RawDecoder(Protocol):
    """A decoder that gives samples at a rate of its own, known once there are samples."""

    rate: int

    def feed(self, data: bytes) -> Samples:
        """What came out of one binary frame."""
        ...

    def flush(self) -> Samples:
        """What was still inside."""
        ...


class Linear16:
    """Signed 16-bit samples, the low byte first; a sample may be cut in two by a frame's end."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._rest = b""

    def feed(self, data: bytes) -> Samples:
        """The samples that are whole."""
        data = self._rest + data
        whole = len(data) & ~1
        self._rest = data[whole:]
        return np.frombuffer(data[:whole], dtype="<i2").astype(np.int16, copy=False)

    def flush(self) -> Samples:
        """Nothing: half a sample is none."""
        self._rest = b""
        return np.empty(0, np.int16)


class MuLaw:
    """Samples of 8 bits on the logarithmic scale of North American telephones (ITU-T G.711)."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        inverted = ~np.arange(256, dtype=np.uint8)
        exponent, mantissa = (inverted >> 4) & 7, inverted & 15
        loudness = ((mantissa.astype(np.int32) << 3) + 0x84 << exponent) - 0x84
        self._table = np.where(inverted & 0x80, -loudness, loudness).astype(np.int16)

    def feed(self, data: bytes) -> Samples:
        """A sample a byte."""
        return self._table[np.frombuffer(data, np.uint8)]

    def flush(self) -> Samples:
        """Nothing: no sample is kept back."""
        return np.empty(0, np.int16)


class Resampled:
    """Another decoder's samples at the recognisers' rate."""

    def __init__(self, inner: RawDecoder) -> None:
        self._inner = inner
        self._stream: Any = None

    def feed(self, data: bytes) -> Samples:
        """What came out, at 16 kHz."""
        return self._convert(self._inner.feed(data), last=False)

    def flush(self) -> Samples:
        """What was still inside, here and there."""
        rest = self._convert(self._inner.flush(), last=True)
        self._stream = None
        return rest

    def _convert(self, samples: Samples, *, last: bool) -> Samples:
        if self._inner.rate == RATE or not (len(samples) or self._stream):
            return samples
        if self._stream is None:
            import soxr

            self._stream = soxr.ResampleStream(self._inner.rate, RATE, 1, dtype="int16")
        converted: Samples = self._stream.resample_chunk(samples, last=last)
        return converted
