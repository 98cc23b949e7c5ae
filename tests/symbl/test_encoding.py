import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.audio import Frame, Samples
from earmark_symbl.encoding import Encoder, Encoding, mulaw


def frame(samples: Samples, rate: int = 16_000) -> Frame:
    return Frame(samples=samples, rate=rate, position=0, at=0.0)


def tone(seconds: float, rate: int) -> Samples:
    return (10_000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.int16)


def encoder(encoding: Encoding = "LINEAR16", *, frame_rate: int = 16_000, rate: int | None = None) -> Encoder:
    return Encoder(encoding=encoding, frame_rate=frame_rate, rate=rate, block_samples=1024)


@given(st.lists(st.integers(0, 3000), max_size=8))
def test_every_sample_leaves_once_in_blocks_of_one_size(lengths: list[int]) -> None:
    subject = encoder()
    sound = np.arange(sum(lengths), dtype=np.int64).astype(np.int16)
    blocks, first = [], 0
    for length in lengths:
        blocks += subject.encode(frame(sound[first : first + length]))
        first += length
    assert {len(block) for block in blocks} <= {2048}
    assert b"".join(blocks + subject.flush()) == sound.astype("<i2").tobytes()
    assert subject.flush() == []


@pytest.mark.parametrize(("frame_rate", "rate"), [(16_000, 8000), (16_000, 44_100), (48_000, 16_000)])
def test_sound_is_resampled_to_the_rate_asked_for(frame_rate: int, rate: int) -> None:
    subject = encoder(frame_rate=frame_rate, rate=rate)
    data = b"".join(subject.encode(frame(tone(1.0, frame_rate), frame_rate)) + subject.flush())
    heard = np.frombuffer(data, dtype="<i2")
    assert abs(len(heard) - rate) <= 2
    spectrum = np.abs(np.fft.rfft(heard))
    assert int(np.argmax(spectrum)) == pytest.approx(440, abs=1)


def from_mulaw(data: bytes) -> Samples:
    """The inverse, as G.711 has it."""
    inverted = ~np.frombuffer(data, dtype=np.uint8).astype(np.int32) & 0xFF
    segment, mantissa = (inverted >> 4) & 7, inverted & 15
    magnitude = (((mantissa << 1) + 33) << segment) - 33
    return (np.where(inverted & 0x80, -magnitude, magnitude) * 4).astype(np.int16)


def test_mulaw_is_never_further_off_than_its_steps() -> None:
    samples = np.arange(-32_768, 32_768, dtype=np.int32).astype(np.int16)
    decoded = from_mulaw(mulaw(samples)).astype(np.int32)
    difference = np.abs(decoded - samples)
    # A step is a sixteenth of its octave; the last octave is clipped a little below full scale.
    assert np.all(difference <= np.maximum(8, np.abs(samples.astype(np.int32)) // 16))
    assert mulaw(np.array([0], dtype=np.int16)) == b"\xff"


def test_mulaw_takes_a_byte_a_sample() -> None:
    subject = encoder("MULAW", rate=8000)
    blocks = subject.encode(frame(tone(1.0, 16_000)))
    assert {len(block) for block in blocks} == {1024}
