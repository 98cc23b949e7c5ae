"""Every encoding, cut into frames of any size."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.audio import Samples
from earmark_engine.sound.decode import EncodingRefused, open_decoder
from earmark_engine.sound.opus import packet_samples

RATE = 16_000
KITCHEN = Path(__file__).parents[2] / "plugins/earmark_file/recordings/kitchen.flac"


@cache
def speech() -> Samples:
    samples: Samples = soundfile.read(KITCHEN, dtype="int16", stop=3 * RATE)[0]
    return samples


def decoded(encoding: str, rate: int, frames: list[bytes]) -> Samples:
    decoder = open_decoder(encoding, rate)
    return np.concatenate([*(decoder.feed(frame) for frame in frames), decoder.flush()])


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[first : first + size] for first in range(0, len(data), size)]


def likeness(some: Samples, other: Samples) -> float:
    """The best correlation of the two, whatever delay there is between them."""
    a, b = some[: 2 * RATE].astype(float), other[: 2 * RATE].astype(float)
    size = 1 << (len(a) + len(b)).bit_length()
    crossed = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
    return float(crossed.max() / np.sqrt((a**2).sum() * (b**2).sum()))


@given(size=st.integers(1, 9_999))
@settings(max_examples=30, deadline=None)
def test_linear_samples_come_out_as_they_were(size: int) -> None:
    assert (decoded("LINEAR16", RATE, cut(speech()[:5000].tobytes(), size)) == speech()[:5000]).all()


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000])
def test_every_rate_becomes_the_recognisers_own(rate: int) -> None:
    given_ = soxr.resample(speech(), RATE, rate)
    heard = decoded("LINEAR16", rate, cut(given_.tobytes(), 4096))
    assert len(heard) == pytest.approx(len(speech()), abs=2)
    assert likeness(heard, speech()) > 0.97


def test_mu_law_is_read_as_telephones_write_it() -> None:
    samples = soxr.resample(speech(), RATE, 8_000)
    file = io.BytesIO()
    soundfile.write(file, samples, 8_000, format="RAW", subtype="ULAW")
    heard = decoded("MULAW", 8_000, cut(file.getvalue(), 160))
    assert likeness(heard, soxr.resample(samples, 8_000, RATE)) > 0.99


@given(size=st.integers(200, 9_999))
@settings(max_examples=20, deadline=None)
def test_flac_comes_out_as_it_was_however_it_is_cut(size: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, speech(), RATE, format="FLAC")
    assert (decoded("FLAC", RATE, cut(file.getvalue(), size)) == speech()).all()


def test_flac_says_itself_what_rate_and_channels_it_has() -> None:
    wide = soxr.resample(speech(), RATE, 44_100)
    file = io.BytesIO()
    soundfile.write(file, np.stack([wide, wide], axis=1), 44_100, format="FLAC")
    heard = decoded("FLAC", 16_000, cut(file.getvalue(), 1000))
    assert len(heard) == pytest.approx(len(speech()), abs=2)
    assert likeness(heard, speech()) > 0.97


def test_flac_sound_comes_before_the_stream_ends() -> None:
    file = io.BytesIO()
    soundfile.write(file, speech(), RATE, format="FLAC")
    decoder = open_decoder("FLAC", RATE)
    assert len(decoder.feed(file.getvalue())) > 2 * RATE


def opus_packets() -> list[bytes]:
    """The packets of an Ogg Opus file, without the Ogg."""
    file = io.BytesIO()
    soundfile.write(file, speech(), RATE, format="OGG", subtype="OPUS")
    data, place, packets, rest = file.getvalue(), 0, [], b""
    while place < len(data):
        count = data[place + 26]
        lengths, place = data[place + 27 : place + 27 + count], place + 27 + count
        for length in lengths:
            rest, place = rest + data[place : place + length], place + length
            if length < 255:
                packets.append(rest)
                rest = b""
    return packets[2:]


def test_opus_packets_are_decoded_without_a_seam() -> None:
    heard = decoded("OPUS", 48_000, opus_packets())
    file = io.BytesIO()
    soundfile.write(file, speech(), RATE, format="OGG", subtype="OPUS")
    file.seek(0)
    whole = soundfile.read(file, dtype="int16")[0]
    assert len(heard) == pytest.approx(len(whole), abs=RATE // 10)
    assert likeness(heard, whole) > 0.99


@pytest.mark.parametrize(("first", "length"), [(0x48, 960), (0x4B, 960), (0xFC, 960), (0x18, 2880), (0xE1, 240)])
def test_the_first_byte_of_an_opus_packet_tells_its_length(first: int, length: int) -> None:
    assert packet_samples(bytes([first, 1, 0, 0])) == length


@given(data=st.binary(min_size=1, max_size=400), encoding=st.sampled_from(["FLAC", "OPUS", "LINEAR16", "MULAW"]))
@settings(max_examples=150, deadline=None)
def test_garbage_is_refused_and_nothing_else_happens(data: bytes, encoding: str) -> None:
    decoder = open_decoder(encoding, 16_000)
    try:
        decoder.feed(data)
        decoder.flush()
    except ValueError as error:
        assert str(error)


@given(st.binary(max_size=3000))
@settings(max_examples=50, deadline=None)
def test_a_flac_stream_that_is_damaged_is_refused_or_heard_in_part(damage: bytes) -> None:
    file = io.BytesIO()
    soundfile.write(file, speech()[:20_000], RATE, format="FLAC")
    data = bytearray(file.getvalue())
    data[2000 : 2000 + len(damage)] = damage
    try:
        decoded("FLAC", RATE, [bytes(data)])
    except ValueError as error:
        assert "FLAC" in str(error)


@pytest.mark.parametrize(("encoding", "rate"), [("MP3", 16_000), ("LINEAR16", 4_000), ("LINEAR16", 96_000)])
def test_an_encoding_that_is_not_known_is_named(encoding: str, rate: int) -> None:
    with pytest.raises(EncodingRefused, match=f"{encoding}|{rate}"):
        open_decoder(encoding, rate)
