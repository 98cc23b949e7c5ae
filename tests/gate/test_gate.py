from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earmark.audio import Cause, Frame, Omitted, Samples
from earmark.settings import Duration
from earmark_gate.gate import Gate
from earmark_gate.settings import GateSettings
from tests.file.rooms import Knobs, a_room

Item = Frame | Omitted
AT = 1_700_000_000.0


class LoudIsSpeech:
    """A detector that takes a window's mean for its probability."""

    def forget(self) -> None: ...

    def probability(self, window: NDArray[np.float32]) -> float:
        return float(np.abs(window).mean())


def a_gate(*, controls: Knobs | None = None, **given: Duration | float) -> Gate:
    gate_settings = GateSettings(**given)  # type: ignore[arg-type]
    return Gate(LoudIsSpeech(), gate_settings, a_room(Path("/nowhere"), controls=controls))


def frames(samples: Samples, sizes: Iterable[int], *, rate: int = 16_000) -> list[Item]:
    """The samples in frames of these sizes."""
    cut: list[Item] = []
    position = 0
    for size in sizes:
        part = samples[position : position + size]
        if len(part):
            cut.append(Frame(samples=part, rate=rate, position=position, at=AT + position / rate))
        position += size
    return cut


async def through(gate: Gate, items: Iterable[Item]) -> list[Item]:
    out: list[Item] = []
    for item in items:
        out += await gate.hear(item)
    return [*out, *await gate.finish()]


def loudness(*parts: tuple[float, float], rate: int = 16_000) -> Samples:
    """Stretches of (seconds, level)."""
    return np.concatenate([np.full(round(rate * seconds), round(32_000 * level), np.int16) for seconds, level in parts])


def passed(items: Iterable[Item]) -> list[tuple[float, float]]:
    return [(round(item.start, 3), round(item.end, 3)) for item in merged(items) if isinstance(item, Frame)]


def merged(items: Iterable[Item]) -> list[Item]:
    from earmark_gate.gate import joined

    return joined(items)


def whole(items: Iterable[Item]) -> int:
    """How far the items go without a hole or an overlap, from 0."""
    position = 0
    for item in items:
        assert item.position == position
        position += item.length if isinstance(item, Omitted) else len(item.samples)
    return position


async def test_speech_passes_with_what_came_before_and_after_it() -> None:
    gate = a_gate(pre_roll=Duration("500 ms"), hang_over=Duration("1 s"))
    sound = loudness((2.048, 0), (1.024, 0.9), (3, 0))
    out = await through(gate, frames(sound, [1024] * 100))
    assert passed(out) == [(1.612, 4.064)]  # windows of 32 ms, of which the first three open it
    assert whole(out) == len(sound)


async def test_silence_is_told_as_it_passes() -> None:
    gate = a_gate(pre_roll=Duration("100 ms"))
    out: list[Item] = []
    for item in frames(loudness((3, 0)), [1024] * 100):
        out += await gate.hear(item)
    assert {type(item) for item in out} == {Omitted}
    assert whole(out) >= 2.8 * 16_000


async def test_each_sample_that_passes_is_the_one_that_was_spoken() -> None:
    sound = np.arange(-16_000, 16_000, dtype=np.int16)
    out = await through(a_gate(threshold=0.3), frames(sound, [700] * 100))
    for item in out:
        if isinstance(item, Frame):
            assert np.array_equal(item.samples, sound[item.position : item.position + len(item.samples)])
            assert item.at == pytest.approx(AT + item.position / 16_000)


async def test_the_threshold_can_be_turned_while_it_hears() -> None:
    controls = Knobs()
    gate = a_gate(controls=controls, threshold=0.9)
    sound = loudness((10, 0.5))
    first, rest = frames(sound, [16_000, 144_000])
    await gate.hear(first)
    before = gate.speaking
    await controls.tune("gate", "threshold", 0.4, by="test")
    out = list(await gate.hear(rest))
    assert (before, gate.speaking) == (False, True)
    assert gate.speech == pytest.approx(0.5, abs=0.03)
    assert any(isinstance(item, Frame) for item in out)


async def test_what_a_source_lost_goes_on_in_its_place() -> None:
    sound = loudness((1, 0.9))
    lost = Omitted(position=16_000, length=8_000, rate=16_000, at=AT + 1, cause=Cause.OVERRUN)
    after = Frame(samples=sound, rate=16_000, position=24_000, at=AT + 1.5)
    out = await through(a_gate(), [*frames(sound, [1000] * 16), lost, after])
    assert whole(out) == 40_000
    assert lost in out
    assert passed(out) == [(0.0, 1.0), (1.5, 2.5)]


async def test_muting_leaves_out_the_pre_roll() -> None:
    gate = a_gate()
    for item in frames(loudness((0.3, 0)), [1000] * 5):
        await gate.hear(item)
    held = list(await gate.finish())
    assert [type(item) for item in held] == [Omitted]
    again = Frame(samples=loudness((0.1, 0)), rate=16_000, position=0, at=AT)
    assert whole([*await gate.hear(again), *await gate.finish()]) == 1600


async def test_it_counts_what_it_leaves_out() -> None:
    room = a_room(Path("/nowhere"))
    gate = Gate(LoudIsSpeech(), GateSettings(), room)
    await through(gate, frames(loudness((4, 0), (1, 0.9)), [1024] * 100))
    assert room.stage.counters["gated_seconds"] + room.stage.counters["passed_seconds"] == pytest.approx(5)
    assert room.stage.counters["passed_seconds"] == pytest.approx(1.54, abs=0.05)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 2), st.sampled_from([0.0, 0.3, 0.9])), min_size=1, max_size=5),
    st.lists(st.integers(1, 9000), min_size=1, max_size=40),
    st.sampled_from([8_000, 16_000, 44_100, 48_000]),
    st.floats(0, 2),
    st.integers(0, 40),
)
def test_every_sample_goes_on_once_and_in_order(
    parts: list[tuple[float, float]], sizes: list[int], rate: int, pre_roll: float, lost_after: int
) -> None:
    sound = loudness(*parts, rate=rate)
    items = frames(sound, [*sizes, len(sound)], rate=rate)
    items = with_a_loss(items, lost_after)
    out = asyncio.run(through(a_gate(pre_roll=Duration(pre_roll), hang_over=Duration("200 ms")), items))
    last = items[-1] if items else None
    assert whole(out) == (round(last.end * rate) if last else 0)
    for item in out:
        if isinstance(item, Frame):
            assert item.at == pytest.approx(AT + item.start, abs=0.002)
        else:
            assert item.cause in (Cause.GATED, Cause.OVERRUN)
    assert sum(item.length for item in out if isinstance(item, Omitted) and item.cause is Cause.OVERRUN) == (
        999 if lost_after < len(items) - 1 or (items and isinstance(items[-1], Omitted)) else 0
    )


def with_a_loss(items: list[Item], after: int) -> list[Item]:
    """The same with a stretch missing after so many."""
    if after >= len(items):
        return items
    before = items[: after + 1]
    at = before[-1]
    end = round(at.end * at.rate)
    lost = Omitted(end, 999, at.rate, at.at + at.seconds, Cause.OVERRUN)
    moved = [
        Frame(samples=item.samples, rate=item.rate, position=item.position + 999, at=item.at + 999 / item.rate)
        for item in items[after + 1 :]
        if isinstance(item, Frame)
    ]
    return [*before, lost, *moved]
