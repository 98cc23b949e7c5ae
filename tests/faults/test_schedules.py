"""Whatever is done to the line between a real client and a real engine, every sample is told once, in its place."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import earmark.uplink
from earmark.audio import Frame
from earmark.events import ConversationEnded, ConversationStarted
from tests.faults.house import durable_ids, engine, house, misplaced
from tests.faults.numbered import PIECE, RATE, frames, merged
from tests.faults.proxy import Break, Way

BEGAN = 1_700_000_000.0
CODES = (None, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 3006, 4000, 4999)
EXAMPLES = int(os.environ.get("EARMARK_SCHEDULES", "40"))


@pytest.fixture(autouse=True, scope="module")
def _quick_tries() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(earmark.uplink, "_FIRST_DELAY_SECONDS", 0.002)
        patch.setattr(earmark.uplink, "_MOST_DELAY_SECONDS", 0.02)
        yield


breaks = st.builds(
    Break,
    way=st.sampled_from(list(Way)),
    after_bytes=st.one_of(st.integers(0, 3000), st.integers(3000, 120_000)),
    code=st.sampled_from(CODES),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(plan=st.lists(breaks, max_size=5), blocks=st.integers(5, 60), slowly=st.booleans())
def test_every_sample_is_told_once_and_in_its_place(plan: list[Break], blocks: int, slowly: bool) -> None:
    async def run(folder: Path) -> None:
        sound = frames(blocks, began=BEGAN)
        async with engine() as served, house(folder, served, plan=plan, live=True) as home:
            for frame in sound:
                await home.kitchen.uplink.take(frame)
                await asyncio.sleep(0.005 if slowly else 0)
            await home.kitchen.end(30)
            said, events = await home.said(), await home.kitchen.events()
            assert merged(await home.told()) == [(0, blocks * PIECE)]
            assert not misplaced(said, BEGAN)
            assert not await home.kitchen.gaps()
            assert home.kitchen.spool.seconds == 0
            assert len(set(durable_ids(events))) == len(events)
            kinds = [type(event) for event in events]
            assert kinds.count(ConversationStarted) == kinds.count(ConversationEnded) == 1
            for reader in served.streams:
                assert len(merged(reader.heard)) <= 1

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(run(Path(name)))


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(plan=st.lists(breaks, max_size=4), blocks=st.integers(20, 120), spool_seconds=st.floats(1.5, 4))
def test_what_does_not_fit_the_spool_is_told_as_gaps_to_the_sample(
    plan: list[Break], blocks: int, spool_seconds: float
) -> None:
    async def run(folder: Path) -> None:
        options = {"plan": [Break(Way.REFUSE), *plan], "live": True, "spool_seconds": spool_seconds}
        async with engine() as served, house(folder, served, **options) as home:
            for frame in frames(blocks, began=BEGAN):
                await home.kitchen.uplink.take(frame)
                await asyncio.sleep(0.001)
            await home.kitchen.end(30)
            told, lost = merged(await home.told()), await home.lost()
            assert merged([*told, *lost]) == [(0, blocks * PIECE)]
            assert not misplaced(await home.said(), BEGAN)
            assert home.kitchen.uplink.figures.lost_seconds == pytest.approx(sum(b - a for a, b in lost) / RATE)

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(run(Path(name)))


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(
    plan=st.lists(breaks, max_size=3),
    blocks=st.integers(20, 80),
    moves=st.lists(st.integers(1, 79), max_size=3),
)
def test_an_engine_that_has_forgotten_everything_is_told_again_and_tells_nothing_twice(
    plan: list[Break], blocks: int, moves: list[int]
) -> None:
    """A house with two engines: whoever answers may know nothing of the conversation, or only its beginning."""

    async def run(folder: Path) -> None:
        async with (
            engine() as one,
            engine(tokens=one.tokens) as other,
            house(folder, one, plan=plan, live=True) as home,
        ):
            for index, frame in enumerate(frames(blocks, began=BEGAN)):
                await home.kitchen.uplink.take(frame)
                await asyncio.sleep(0.002)
                if index in moves:
                    home.proxy.target = other.port if home.proxy.target == one.port else one.port
                    home.proxy.drop_all()
            await home.kitchen.end(30)
            assert merged(await home.told()) == [(0, blocks * PIECE)]
            assert not misplaced(await home.said(), BEGAN)
            assert not await home.kitchen.gaps()

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(run(Path(name)))


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(plan=st.lists(breaks, max_size=2), rate=st.sampled_from([8000, 44_100, 48_000]), blocks=st.integers(5, 13))
def test_another_rate_in_mid_conversation_goes_on_in_the_same_one(plan: list[Break], rate: int, blocks: int) -> None:
    """A device of another rate, here a silent one, between two stretches of numbered sound."""

    async def run(folder: Path) -> None:
        silence = [
            Frame(np.zeros(rate // 10, np.int16), rate, index * rate // 10, BEGAN + index / 10)
            for index in range(blocks, 2 * blocks)
        ]
        sound = [*frames(blocks, began=BEGAN), *silence, *frames(blocks, first=2 * blocks, began=BEGAN)]
        async with engine() as served, house(folder, served, plan=plan, live=True) as home:
            for frame in sound:
                await home.kitchen.uplink.take(frame)
                await asyncio.sleep(0.002)
            await home.kitchen.end(30)
            whole = blocks * PIECE
            assert merged(await home.told()) == [(0, whole), (2 * whole, 3 * whole)]
            assert not misplaced(await home.said(), BEGAN)
            kinds = [type(event) for event in await home.kitchen.events()]
            assert kinds.count(ConversationStarted) == kinds.count(ConversationEnded) == 1

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(run(Path(name)))


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(after=st.lists(st.integers(500, 100_000), min_size=1, max_size=3), blocks=st.integers(20, 60))
def test_a_service_that_ends_the_conversation_by_itself_gets_the_rest_as_another_leg(
    after: list[int], blocks: int
) -> None:
    async def run(folder: Path) -> None:
        plan = [Break(Way.CLOSE, place, 1000) for place in after]
        async with engine() as served, house(folder, served, plan=plan, live=True) as home:
            for frame in frames(blocks, began=BEGAN):
                await home.kitchen.uplink.take(frame)
                await asyncio.sleep(0.002)
            await home.kitchen.end(30)
            assert merged(await home.told()) == [(0, blocks * PIECE)]
            assert not misplaced(await home.said(), BEGAN)
            kinds = [type(event) for event in await home.kitchen.events()]
            assert kinds.count(ConversationStarted) == kinds.count(ConversationEnded) == 1

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(run(Path(name)))
