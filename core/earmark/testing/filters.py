"""The checks for filters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from earmark.audio import Cause, Frame, Omitted
from earmark.host import Kind
from earmark.testing.common import Conformance
from earmark.testing.samples import BEGAN, noise
from earmark.testing.subject import Bench


class FilterConformance(Conformance):
    """A filter accounts for every sample: it passes it on, or says why not."""

    kind = Kind.FILTER

    async def exercise(self, opened: Any, bench: Bench) -> None:
        """Hear two seconds."""
        await through(opened, noise(2))

    def test_every_sample_goes_on_or_is_accounted_for(self, bench: Bench) -> None:
        """Noise, silence and noise again: what goes in comes out, as sound or as an `Omitted`, without a hole."""

        async def check(bench: Bench) -> None:
            sound = [*noise(2), *silence(3, first=20), *noise(2, first=50)]
            async with bench.opened() as filter_:
                out = await through(filter_, sound)
            accounted(out, 0, 7 * 16_000)

        bench.run(check)

    def test_it_gives_frames_or_says_what_is_missing(self, bench: Bench) -> None:
        """Nothing else may come."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as filter_:
                assert all(isinstance(item, Frame | Omitted) for item in await through(filter_, noise(2)))

        bench.run(check)

    def test_it_takes_frames_of_any_length(self, bench: Bench) -> None:
        """One sample, and ten seconds."""

        async def check(bench: Bench) -> None:
            whole = noise(20, block=160_000)
            sound = [*(whole[0].part(n, n + 1) for n in range(50)), whole[0].part(50), whole[1]]
            async with bench.opened() as filter_:
                accounted(await through(filter_, sound), 0, 320_000)

        bench.run(check)

    def test_what_was_lost_before_it_stays_lost(self, bench: Bench) -> None:
        """An `Omitted` that comes in goes on with its cause."""

        async def check(bench: Bench) -> None:
            lost = Omitted(32_000, 16_000, 16_000, BEGAN + 2, Cause.OVERRUN)
            async with bench.opened() as filter_:
                out = await through(filter_, [*noise(2), lost, *noise(2, first=30)])
            accounted(out, 0, 80_000)
            told = sum(item.length for item in out if isinstance(item, Omitted) and item.cause is Cause.OVERRUN)
            assert told == 16_000, "it does not tell of what was lost before it"

        bench.run(check)

    def test_it_does_not_change_what_it_is_given(self, bench: Bench) -> None:
        """Frames are immutable; others hold them too."""

        async def check(bench: Bench) -> None:
            sound = noise(2)
            before = [frame.samples.tobytes() for frame in sound]
            async with bench.opened() as filter_:
                await through(filter_, sound)
            assert [frame.samples.tobytes() for frame in sound] == before

        bench.run(check)

    def test_its_sound_stays_16_bit_mono(self, bench: Bench) -> None:
        """Whatever it computes with in between."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as filter_:
                out = [item for item in await through(filter_, noise(2)) if isinstance(item, Frame)]
            assert all(frame.samples.dtype == np.int16 and frame.samples.ndim == 1 for frame in out)

        bench.run(check)

    def test_finished_unused_it_gives_nothing(self, bench: Bench) -> None:
        """There was no sound."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as filter_:
                assert list(await filter_.finish()) == []

        bench.run(check)

    def test_it_keeps_up(self, bench: Bench) -> None:
        """Twenty seconds of sound in less than twenty."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as filter_:
                began = time.monotonic()
                await through(filter_, noise(20))
                assert time.monotonic() - began < 20, "it is slower than the sound"

        bench.run(check)

    def test_two_of_them_do_not_mix(self, bench: Bench) -> None:
        """A program may listen to two rooms."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as one, bench.opened() as other:
                outs = await asyncio.gather(through(one, noise(2)), through(other, noise(3)))
            accounted(outs[0], 0, 32_000)
            accounted(outs[1], 0, 48_000)

        bench.run(check)


def silence(seconds: float, *, first: int) -> list[Frame]:
    """Nothing to hear, in blocks of a tenth of a second."""
    return [
        Frame(np.zeros(1600, np.int16), 16_000, (first + n) * 1600, BEGAN + (first + n) / 10)
        for n in range(round(seconds * 10))
    ]


async def through(filter_: Any, sound: Sequence[Frame | Omitted]) -> list[Frame | Omitted]:
    """What a filter makes of sound."""
    out: list[Frame | Omitted] = []
    for item in sound:
        out += await filter_.hear(item)
        await asyncio.sleep(0)
    return out + list(await filter_.finish())


def accounted(items: Sequence[Frame | Omitted], first: int, last: int) -> None:
    """Fail where samples are missing or come twice."""
    place = first
    for item in items:
        assert item.position == place, f"the samples from {place} to {item.position} are missing or come twice"
        place += len(item.samples) if isinstance(item, Frame) else item.length
    assert place == last, f"the samples from {place} to {last} are not accounted for"
