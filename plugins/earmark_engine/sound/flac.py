"""FLAC as it arrives: whole frames are cut out of the stream and decoded a few at a time.

A FLAC frame can be decoded alone, given the stream's header. Where one ends is not written in it: it ends where the
next begins, which is found by its sync code, the check sum of its header, and a number one more than the last.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from earmark.audio import Samples

_STREAMINFO_BYTES = 34
_BLOCK_SIZES = {1: 192, **{n: 576 << n - 2 for n in range(2, 6)}, **{n: 256 << n - 8 for n in range(8, 16)}}
_MOST_PENDING_BYTES = 4_000_000
_LONGEST_HEADER = 16


@dataclass(frozen=True)
class _Header:
    number: int
    """Counts frames, or samples where their lengths vary."""
    following: int
    """The number of the frame after it."""
    samples: int


class FlacDecoder:
    """Gives samples, mixed to one channel, of the frames that are complete."""

    def __init__(self) -> None:
        self.rate = 0
        self._info = b""
        self._data = bytearray()
        self._next: int | None = None
        """The number that the next frame must have, once the present one has begun."""
        self._searched = 0
        self._begun = 0
        """How many samples the frame has that is not known to have ended."""

    def feed(self, data: bytes) -> Samples:
        """The samples of frames that have ended; raises `ValueError` where this is no FLAC."""
        self._data += data
        if len(self._data) > _MOST_PENDING_BYTES:
            raise ValueError("the audio is not FLAC: no frame begins in four megabytes")
        if not self._info and not self._read_head():
            return np.empty(0, np.int16)
        end, samples = self._last_border()
        whole = bytes(self._data[:end])
        del self._data[:end]
        self._searched = max(0, self._searched - end)
        return self._decode(whole, samples)

    def flush(self) -> Samples:
        """The samples of the last frame, which nothing follows."""
        whole, self._data = bytes(self._data), bytearray()
        samples, self._begun = self._begun, 0
        self._next, self._searched = None, 0
        return self._decode(whole, samples)

    def _read_head(self) -> bool:
        """Keep the marker and the stream's data, leave out pictures and tags; whether all of it is there."""
        if self._data[:4] != b"fLaC"[: len(self._data)]:
            raise ValueError("the audio is not FLAC: it does not begin with 'fLaC'")
        place, info = 4, b""
        while True:
            if len(self._data) < place + 4:
                return False
            length = int.from_bytes(self._data[place + 1 : place + 4])
            block = self._data[place + 4 : place + 4 + length]
            if len(block) < length:
                return False
            if self._data[place] & 0x7F == 0:
                info = bytes(block)
            last = self._data[place] & 0x80
            place += 4 + length
            if last:
                break
        if len(info) != _STREAMINFO_BYTES:
            raise ValueError("the audio is not FLAC: it does not describe itself")
        self.rate = int.from_bytes(info[10:13]) >> 4
        self._info = info
        del self._data[:place]
        return True

    def _last_border(self) -> tuple[int, int]:
        """Where the last frame that has begun begins, and how many samples are before it."""
        border, samples, place = 0, 0, self._searched
        while (place := self._data.find(b"\xff", place)) >= 0 and place + _LONGEST_HEADER <= len(self._data):
            header = _header(self._data[place : place + _LONGEST_HEADER])
            if header and (self._next is None or header.number == self._next):
                samples += self._begun
                border, self._next, self._begun = place, header.following, header.samples
            place += 1
        self._searched = place if place >= 0 else len(self._data)
        return border, samples

    def _decode(self, frames: bytes, samples: int) -> Samples:
        if not samples:
            return np.empty(0, np.int16)
        import soundfile

        # The stream's own count and check sum are of all its frames; these are some.
        count = (self._info[13] & 0xF0) << 32 | samples
        head = b"fLaC\x80\x00\x00\x22" + self._info[:13] + count.to_bytes(5) + bytes(16)
        try:
            with soundfile.SoundFile(io.BytesIO(head + frames)) as file:
                # These frames are not numbered from 0, so that there is no seeking among them.
                file.seekable = lambda: False
                decoded: Any = file.read(samples, dtype="int16", always_2d=True)
        except (soundfile.SoundFileError, OSError) as error:
            raise ValueError(f"the FLAC audio cannot be decoded: {error}") from error
        mixed: Samples = np.rint(decoded.mean(axis=1)).astype(np.int16) if decoded.shape[1] > 1 else decoded[:, 0]
        return mixed


def _header(data: bytes | bytearray) -> _Header | None:
    """The frame header that these bytes begin with, if they do."""
    if data[0] != 0xFF or data[1] & 0xFE != 0xF8 or data[2] & 0xF0 == 0 or data[2] & 0x0F == 0x0F or data[3] & 1:
        return None
    number, place = _number(data)
    size_code, rate_code = data[2] >> 4, data[2] & 0x0F
    size_bytes = {6: 1, 7: 2}.get(size_code, 0)
    rate_bytes = {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    end = place + size_bytes + rate_bytes
    if number is None or end >= len(data) or _crc8(data[:end]) != data[end]:
        return None
    size = int.from_bytes(data[place : place + size_bytes]) + 1 if size_bytes else _BLOCK_SIZES.get(size_code, 0)
    varies = data[1] & 1
    return _Header(number, number + (size if varies else 1), size) if size else None


def _number(data: bytes | bytearray) -> tuple[int | None, int]:
    """The number that is written from the fifth byte on in the manner of UTF-8, and where it ends."""
    first = data[4]
    if first < 0x80:
        return first, 5
    more = 8 - (~first & 0xFF).bit_length() - 1
    rest = data[5 : 5 + more]
    if not 1 <= more <= 6 or len(rest) < more or any(byte & 0xC0 != 0x80 for byte in rest):
        return None, 5
    number = first & (0x3F >> more)
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, 5 + more


def _crc8(data: bytes | bytearray) -> int:
    crc = 0
    for byte in data:
        crc = _CRC8[crc ^ byte]
    return crc


def _crc8_of(value: int) -> int:
    for _ in range(8):
        value = value << 1 ^ (0x07 if value & 0x80 else 0)
    return value & 0xFF


_CRC8 = bytes(_crc8_of(value) for value in range(256))
