"""Opus packets, one a binary frame, decoded with the library that reads recordings.

libsndfile has an Opus decoder but takes it only inside of Ogg. So a few packets at a time are wrapped as a small Ogg
file, with the packets before them in front for the decoder to find its feet (RFC 7845 asks for 80 ms), and what comes
of those is left out. No further library is needed, and none that a small ARM machine lacks.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator

import numpy as np

from earmark.audio import Samples
from earmark_engine.recognizers.types import RATE

_OPUS_RATE = 48_000
_RUN_IN_SAMPLES = 9_600
_BATCH_SAMPLES = 9_600
_LONGEST_PACKET_SAMPLES = 5_760
_MOST_BYTES = 61_000
"""An Ogg page holds no more; a packet has at most 1,275 bytes a frame."""


class OpusDecoder:
    """Gives 16 kHz samples of the packets so far, in batches of 200 ms."""

    def __init__(self) -> None:
        self._before: deque[tuple[bytes, int]] = deque()
        self._packets: list[tuple[bytes, int]] = []

    def feed(self, data: bytes) -> Samples:
        """Take one packet; raises `ValueError` where it is none."""
        if data:
            self._packets.append((data, packet_samples(data)))
        if sum(length for _, length in self._packets) < _BATCH_SAMPLES:
            return np.empty(0, np.int16)
        return self.flush()

    def flush(self) -> Samples:
        """The samples of all packets so far."""
        if not self._packets:
            return np.empty(0, np.int16)
        import soundfile

        run_in = sum(length for _, length in self._before)
        packets, self._packets = self._packets, []
        try:
            file = ogg([*self._before, *packets], skip=run_in)
            samples: Samples = soundfile.read(io.BytesIO(file), dtype="int16")[0]
        except (soundfile.SoundFileError, OSError) as error:
            raise ValueError(f"the Opus packet cannot be decoded: {error}") from error
        self._remember(packets)
        return samples

    def _remember(self, packets: list[tuple[bytes, int]]) -> None:
        self._before.extend(packets)
        while sum(length for _, length in self._before) - self._before[0][1] >= _RUN_IN_SAMPLES:
            self._before.popleft()


def packet_samples(packet: bytes) -> int:
    """How long a packet is, in samples of 48 kHz, as its first byte tells; raises `ValueError` where it is none."""
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    if code == 3 and len(packet) < 2:
        raise ValueError("an Opus packet ends after its first byte")
    frames = (1, 2, 2, packet[1] & 0x3F if code == 3 else 0)[code]
    if not 0 < frame * frames <= _LONGEST_PACKET_SAMPLES or len(packet) > 1_275 * frames + 100:
        raise ValueError("an Opus packet is longer than 120 ms or empty")
    return frame * frames


def ogg(packets: list[tuple[bytes, int]], *, skip: int) -> bytes:
    """An Ogg Opus file of the packets, of which the first `skip` samples are for the decoder only."""
    head = b"OpusHead" + bytes([1, 1]) + skip.to_bytes(2, "little") + RATE.to_bytes(4, "little") + bytes(3)
    tags = b"OpusTags" + bytes(8)
    pages = [_page([head], kind=2, granule=0, number=0), _page([tags], kind=0, granule=0, number=1)]
    pages += _audio_pages(packets)
    return b"".join(pages)


def _audio_pages(packets: list[tuple[bytes, int]]) -> Iterator[bytes]:
    granule, number = 0, 2
    rest = deque(packets)
    while rest:
        page: list[bytes] = []
        while rest and len(page) < 40 and sum(map(len, page)) + len(rest[0][0]) < _MOST_BYTES:
            packet, length = rest.popleft()
            page.append(packet)
            granule += length
        yield _page(page, kind=0 if rest else 4, granule=granule, number=number)
        number += 1


def _page(packets: list[bytes], *, kind: int, granule: int, number: int) -> bytes:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    head = b"OggS\x00" + bytes([kind]) + granule.to_bytes(8, "little") + b"mark" + number.to_bytes(4, "little")
    body = bytes([len(lacing)]) + lacing + b"".join(packets)
    return head + _crc32(head + bytes(4) + body).to_bytes(4, "little") + body


def _crc32(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFFFFFF) ^ _CRC32[crc >> 24 ^ byte]
    return crc


def _crc32_of(value: int) -> int:
    value <<= 24
    for _ in range(8):
        value = value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)
    return value & 0xFFFFFFFF


_CRC32 = tuple(_crc32_of(value) for value in range(256))
