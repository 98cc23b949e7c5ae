from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earmark.audio import Samples
from earmark_engine.recognizers.ears import PooledEars
from earmark_engine.recognizers.moonshine import MoonshineSettings
from earmark_engine.recognizers.pool import Pool, PoolLimits
from earmark_engine.recognizers.types import RATE, Final, Heard

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "plugins/earmark_file/recordings/kitchen.flac"
MOONSHINE = "earmark_engine.recognizers.moonshine:load_moonshine"
STAND_IN = "stand_in:load"


@pytest.fixture(scope="session")
def kitchen() -> Samples:
    """The bundled recording."""
    return recorded(RECORDING)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Pool]:
    """Makes a pool with one worker, of the real model unless told otherwise."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))

    def make(load: str = MOONSHINE, *, workers: int = 1, limits: PoolLimits | None = None, nice: int = 0) -> Pool:
        return Pool(
            name="test",
            languages=("en",),
            load=load,
            settings=MoonshineSettings(interim_seconds=0.5, nice=nice),
            workers=workers,
            limits=limits or PoolLimits(pause_seconds=0.01),
            log=logging.getLogger("test"),
        )

    return make


@pytest.fixture
async def pool(opened: Callable[..., Pool]) -> AsyncIterator[Pool]:
    """A pool of one worker with the real model."""
    async with opened() as made:
        yield made


def recorded(path: Path) -> Samples:
    """A recording of 16 kHz."""
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    return np.asarray(samples, np.int16)


async def feed(ears: PooledEars, samples: Samples, *, block: int = 1600) -> None:
    """Feed all of it as fast as it is taken, then finish."""
    for first in range(0, len(samples), block):
        await ears.feed(samples[first : first + block])
    await ears.finish()


async def listen(
    pool: Pool, samples: Samples, *, at_final: Callable[[Final], Awaitable[None]] | None = None
) -> list[Heard]:
    """Everything that is heard in some sound; `at_final` may do mischief meanwhile."""
    everything = []
    async with pool.stream() as ears:
        feeding = asyncio.create_task(feed(ears, samples))
        async for heard in ears:
            everything.append(heard)
            if at_final and isinstance(heard, Final):
                await at_final(heard)
        await feeding
    return everything


def text(everything: list[Heard]) -> str:
    """What was said."""
    return " ".join(heard.text for heard in everything if isinstance(heard, Final))


async def until(true: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)
