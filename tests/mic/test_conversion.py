"""From what a device gives to the room's samples: everything that can be got wrong on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.audio import Samples, to_int16
from earmark_file.api import Converter
from earmark_mic.capture import Conversion, Plan
from earmark_mic.ring import Block
from earmark_mic.timing import SampleClock
from earmark_mic.wire import Device, Lost, Message, Sound, Task

RATE = 48_000
DEVICE = Device(id="alsa:Mic", name="Mic", host_api="ALSA", channels=1, rate=RATE, index=0)


def a_conversion(**task: Any) -> Conversion:
    plan = Plan(DEVICE, RATE, 1, "float32")
    return Conversion(plan, Task(wanted=("default",), **task))


def a_block(position: int, length: int, *, captured: float | None = None, **what: Any) -> Block:
    samples = what.pop("samples", np.full((length, 1), 0.25, np.float32))
    overflowed = what.pop("overflowed", False)
    return Block(position, samples, length, position / RATE if captured is None else captured, overflowed)


def run(conversion: Conversion, *blocks: Block) -> list[Message]:
    return [message for block in blocks for message in conversion.messages(block)]


def samples_of(messages: list[Message]) -> Samples:
    parts = [np.frombuffer(message.samples, np.int16) for message in messages if isinstance(message, Sound)]
    return np.concatenate(parts)


def naive(samples: list[float]) -> list[int]:
    """The loop that circulates for this: it leaves out the first sample, clips one end, and cuts decimals off."""
    out = [0] * len(samples)
    for index in range(len(samples) - 1, 0, -1):
        out[index] = int(np.int64(32_767 * min(1, samples[index])).astype(np.int16))
    return out


def test_both_ends_are_clipped_every_sample_is_written_and_all_are_rounded() -> None:
    samples = [0.5, 1.5, -1.5, 0.9999 / 32_768, -0.6 / 32_768]
    assert naive(samples) == [0, 32_767, 16_386, 0, 0]
    assert to_int16(np.array(samples)).tolist() == [16_384, 32_767, -32_768, 1, -1]


def test_what_is_no_number_becomes_silence_and_is_counted() -> None:
    block = np.array([[0.5], [np.nan], [np.inf], [-np.inf]], np.float32)
    converter = Converter(rate=16_000, room_rate=16_000)
    assert converter.convert(block).tolist() == [16_384, 0, 0, 0]
    assert (converter.invalid, converter.clipped) == (3, 0)


def test_no_number_never_reaches_the_resampler() -> None:
    block = np.full((4800, 1), 0.25, np.float32)
    block[2400] = np.nan
    converted = Converter(rate=RATE, room_rate=16_000).convert(block, last=True)
    assert np.abs(converted[1000:1500].astype(int) - 8192).max() < 20


def test_gain_comes_before_the_clipping() -> None:
    block = np.array([[1000], [-4000], [8000]], np.int16)
    converter = Converter(rate=16_000, room_rate=16_000, gain_db=20)
    assert converter.convert(block).tolist() == [10_000, -32_768, 32_767]
    assert converter.clipped == 2


@pytest.mark.parametrize(("channels", "heard"), [(None, 200), ([0], 100), ([1, 2], 250)])
def test_channels_are_chosen_and_mixed(channels: list[int] | None, heard: int) -> None:
    block = np.array([[100, 200, 300]], np.int16)
    assert Converter(rate=1, room_rate=1, channels=channels).convert(block).tolist() == [heard]


@given(st.lists(st.integers(-32_768, 32_767), max_size=50))
def test_16_bit_samples_come_through_unchanged(values: list[int]) -> None:
    block = np.array(values, np.int16)[:, None]
    assert Converter(rate=16_000, room_rate=16_000).convert(block).tolist() == values


def test_an_overrun_is_as_long_as_the_time_that_is_missing() -> None:
    blocks = [a_block(4800 * number, 4800) for number in range(10)]
    late = [a_block(48_000 + 4800 * number, 4800, captured=1.5 + number / 10) for number in range(5)]
    late[0] = a_block(48_000, 4800, captured=1.5, overflowed=True)
    messages = run(a_conversion(), *blocks, *late)
    lost = [message for message in messages if isinstance(message, Lost)]
    assert [message.length for message in lost] == [8000]
    assert lost[0].captured == pytest.approx(1.0)
    assert len(samples_of(messages)) == pytest.approx(16_000 * 1.5, abs=700)


def test_an_overrun_that_took_no_time_is_still_told() -> None:
    messages = run(a_conversion(), a_block(0, 4800), a_block(4800, 4800, overflowed=True))
    assert [message.length for message in messages if isinstance(message, Lost)] == [160]


def test_a_stream_that_begins_has_nothing_to_lose() -> None:
    assert [type(message) for message in run(a_conversion(), a_block(0, 4800, overflowed=True))] == [Sound]


def test_what_was_overwritten_is_lost_and_nothing_else() -> None:
    hole = a_block(4800, 4800, samples=np.empty((0, 1), np.float32))
    messages = run(a_conversion(), a_block(0, 4800), hole, a_block(9600, 4800))
    kinds = [type(message) for message in messages]
    assert kinds == [Sound, Sound, Lost, Sound]
    assert sum(message.length for message in messages if isinstance(message, Lost)) == 1600
    assert messages[-1].captured == pytest.approx(0.2)  # type: ignore[union-attr]


def test_each_stretch_knows_when_it_was_captured() -> None:
    told = run(a_conversion(), *[a_block(4800 * number, 4800, captured=7 + number / 10) for number in range(20)])
    sent = 0
    for message in told:
        assert isinstance(message, Sound)
        assert message.captured == pytest.approx(7 + sent / 16_000, abs=0.001)
        sent += len(message.samples) // 2


@given(st.lists(st.floats(0, 0.3), min_size=30, max_size=60))
def test_late_reports_do_not_move_the_clock(delays: list[float]) -> None:
    clock = SampleClock(RATE)
    for number, delay in enumerate([0.0, *delays]):
        clock.hear(number * 4800, 100 + number / 10 + delay)
    assert clock.time(0) == pytest.approx(100, abs=0.005)


def test_a_device_whose_clock_runs_late_is_followed() -> None:
    clock = SampleClock(RATE)
    for number in range(36_000):  # an hour, 100 parts in a million slow
        clock.hear(number * 4800, number / 10 * 1.0001)
    assert clock.behind(36_000 * 4800, 3600 * 1.0001) == pytest.approx(0, abs=0.01)
