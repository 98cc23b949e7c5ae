"""The checks for sources."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing, suppress
from typing import Any

import numpy as np

from earmark.audio import Frame, Omitted
from earmark.host import Kind
from earmark.testing.common import Conformance, within
from earmark.testing.rooms import RATE
from earmark.testing.subject import Bench

_ITEMS = 20
_MOST_FRAME_SECONDS = 0.5


class SourceConformance(Conformance):
    """A source gives sound at the room's rate, without holes, and stops when it is told to."""

    kind = Kind.SOURCE

    async def exercise(self, opened: Any, bench: Bench) -> None:
        """Hear a little."""
        await heard(opened)

    def test_it_gives_frames_or_says_what_is_missing(self, bench: Bench) -> None:
        """Nothing else may come."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as source:
                items = await heard(source)
            assert items, "it gives nothing"
            assert all(isinstance(item, Frame | Omitted) for item in items)

        bench.run(check)

    def test_its_sound_is_16_bit_mono_at_the_rooms_rate(self, bench: Bench) -> None:
        """Whatever the device has is converted by the source."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as source:
                frames = [item for item in await heard(source) if isinstance(item, Frame)]
            assert frames, "it gives no sound"
            assert {frame.rate for frame in frames} == {RATE}
            assert all(frame.samples.dtype == np.int16 and frame.samples.ndim == 1 for frame in frames)

        bench.run(check)

    def test_positions_count_from_zero_without_holes(self, bench: Bench) -> None:
        """What is missing is an `Omitted`, not a jump."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as source:
                items = await heard(source)
            assert items[0].position == 0, f"the first position is {items[0].position}"
            for before, after in itertools.pairwise(items):
                length = len(before.samples) if isinstance(before, Frame) else before.length
                assert after.position == before.position + length, f"a hole before {after.position}"

        bench.run(check)

    def test_opened_again_it_counts_from_zero_again(self, bench: Bench) -> None:
        """The host finds its place on the capture clock."""

        async def check(bench: Bench) -> None:
            for _ in range(2):
                async with bench.opened() as source:
                    items = await heard(source, most=1)
                assert items[0].position == 0

        bench.run(check)

    def test_frames_are_short(self, bench: Bench) -> None:
        """Half a second at most: what waits in a frame is late for everyone."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as source:
                items = await heard(source)
            longest = max(item.seconds for item in items if isinstance(item, Frame))
            assert longest <= _MOST_FRAME_SECONDS, f"a frame lasts {longest:.2f} s"

        bench.run(check)

    def test_frames_are_not_empty(self, bench: Bench) -> None:
        """An empty frame says nothing."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as source:
                assert all(item.seconds > 0 for item in await heard(source))

        bench.run(check)

    def test_a_frame_is_not_changed_after_it_was_given(self, bench: Bench) -> None:
        """A buffer that is used again would garble what lies in the spool."""

        async def check(bench: Bench) -> None:
            kept: list[tuple[Frame, bytes]] = []
            async with bench.opened() as source, aclosing(_each(source)) as items:
                async for item in items:
                    if isinstance(item, Frame):
                        kept.append((item, item.samples.tobytes()))
                    if len(kept) == _ITEMS:
                        break
            assert all(frame.samples.tobytes() == before for frame, before in kept)

        bench.run(check)

    def test_its_wall_clock_goes_with_its_positions(self, bench: Bench) -> None:
        """`at` is when the first sample was captured."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as source:
                items = await heard(source)
            first = items[0]
            for item in items:
                assert abs((item.at - first.at) - (item.start - first.start)) < 0.5, "`at` and `position` disagree"

        bench.run(check)

    def test_a_slow_listener_is_told_of_everything(self, bench: Bench) -> None:
        """Where nobody takes its sound for a while it holds it, waits, or says what is lost."""

        async def check(bench: Bench) -> None:
            end = 0
            async with bench.opened() as source, aclosing(_each(source)) as items:
                for n in range(_ITEMS):
                    item = await within(10, anext(items, None), "it gives no sound")
                    if item is None:
                        break
                    assert item.position == end, f"a hole before {item.position}"
                    end = item.position + (len(item.samples) if isinstance(item, Frame) else item.length)
                    if n == 3:
                        await asyncio.sleep(0.5)

        bench.run(check)

    def test_it_stops_at_once_when_nobody_listens_any_more(self, bench: Bench) -> None:
        """Mute closes the device: at once, not after the next frame."""

        async def check(bench: Bench) -> None:
            async def listen() -> None:
                async with bench.opened() as source:
                    async for _ in source:
                        pass

            listening = asyncio.create_task(listen())
            await asyncio.wait({listening}, timeout=0.2)
            listening.cancel()
            await asyncio.wait({listening}, timeout=2)
            assert listening.done(), "it does not stop when it is cancelled"
            with suppress(asyncio.CancelledError):
                listening.result()

        bench.run(check)


async def heard(source: Any, *, most: int = _ITEMS) -> list[Frame | Omitted]:
    """The first few things that a source gives."""
    items: list[Frame | Omitted] = []
    async with aclosing(_each(source)) as each:
        while len(items) < most:
            item = await within(10, anext(each, None), "it gives no sound")
            if item is None:
                break
            items.append(item)
    return items


async def _each(source: Any) -> Any:
    async for item in source:
        yield item
