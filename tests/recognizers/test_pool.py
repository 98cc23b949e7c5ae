from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from earmark.audio import Samples
from earmark_engine.recognizers.ears import MOST_AHEAD_SECONDS
from earmark_engine.recognizers.pool import Pool, PoolLimits
from earmark_engine.recognizers.types import (
    RATE,
    Final,
    LanguageUnknown,
    Partial,
    Processed,
    RecognizerError,
    TooBusy,
)
from tests.bench.recordings import bundled, errors, words
from tests.recognizers.conftest import STAND_IN, feed, listen, text, until

LIBRARY_ERRORS = 7
"""Words that Moonshine's own streams get wrong in `two_cities.wav`, as `tests/bench/recognizers.py` measures."""


async def test_a_conversation_is_heard_with_its_names_and_days(pool: Pool, kitchen: Samples) -> None:
    said = text(await listen(pool, kitchen[: 24 * RATE]))
    assert "Tom, could you call the plumber on Thursday?" in said
    assert said.endswith("I will take the car to the garage tomorrow morning.")


async def test_read_speech_is_understood_no_worse_than_by_the_library_itself(pool: Pool) -> None:
    recording = next(recording for recording in bundled() if recording.name == "two_cities")
    heard = words(text(await listen(pool, recording.samples)))
    assert errors(words(recording.said), heard) <= LIBRARY_ERRORS


async def test_finals_come_in_order_and_settle_what_they_cover(pool: Pool, kitchen: Samples) -> None:
    heard = await listen(pool, kitchen[: 20 * RATE])
    finals = [each for each in heard if isinstance(each, Final)]
    assert [final.segment for final in finals] == list(range(len(finals)))
    assert all(before.end <= after.start for before, after in pairwise(finals))
    assert heard[-1] == Processed(until_seconds=20.0)
    settled = 0.0
    for each in heard:
        assert not isinstance(each, Final) or each.start >= settled
        settled = each.until_seconds if isinstance(each, Processed) else settled


async def test_words_are_placed_within_their_segment(pool: Pool, kitchen: Samples) -> None:
    for final in await listen(pool, kitchen[: 8 * RATE]):
        if isinstance(final, Final):
            assert " ".join(word.text for word in final.words) == final.text
            assert final.start == final.words[0].start < final.words[-1].end == final.end


async def test_interim_text_comes_before_somebody_has_finished(pool: Pool, kitchen: Samples) -> None:
    async with pool.stream() as ears:
        await ears.feed(kitchen[: int(2.5 * RATE)])
        first = await anext(aiter(ears))
    assert isinstance(first, Partial)
    assert first.text.startswith("Good morning")


async def test_a_killed_worker_loses_nothing(pool: Pool, kitchen: Samples) -> None:
    async def kill(final: Final) -> None:
        if final.segment in (0, 2):
            os.kill(pool.pids[0], signal.SIGKILL)

    sound = kitchen[: 16 * RATE]
    undisturbed = text(await listen(pool, sound))
    assert text(await listen(pool, sound, at_final=kill)) == undisturbed
    assert pool.load.restarts == 2


async def test_a_worker_that_hangs_is_replaced(opened: Callable[..., Pool], kitchen: Samples) -> None:
    async def stop(final: Final) -> None:
        if final.segment == 1:
            os.kill(pool.pids[0], signal.SIGSTOP)

    async with opened(limits=PoolLimits(silent_seconds=2.5)) as pool:
        said = text(await listen(pool, kitchen[: 16 * RATE], at_final=stop))
        assert pool.load.restarts >= 1
    assert said.startswith("Good morning, Tom.")
    assert "Thursday afternoon" in said


async def test_speech_that_kills_every_worker_is_left_out_and_the_rest_is_heard(
    opened: Callable[..., Pool], kitchen: Samples
) -> None:
    poisoned = kitchen[: 20 * RATE].copy()
    poisoned[5 * RATE : 5 * RATE + 800] = np.iinfo(np.int16).max
    async with opened(STAND_IN) as pool:
        whole = [heard for heard in await listen(pool, kitchen[: 20 * RATE]) if isinstance(heard, Final)]
        heard = [heard for heard in await listen(pool, poisoned) if isinstance(heard, Final)]
        assert pool.load.restarts == 3
    assert [final.text for final in heard] == [final.text for final in whole if not final.start < 5 < final.end]


async def test_streams_share_a_worker_and_are_heard_apart(pool: Pool, kitchen: Samples) -> None:
    first, second = await asyncio.gather(
        listen(pool, kitchen[: 8 * RATE]), listen(pool, kitchen[24 * RATE : 34 * RATE])
    )
    assert "sleep well" in text(first)
    assert "sleep well" not in text(second)
    assert "mother" in text(second)


async def test_more_streams_start_more_workers_and_their_end_stops_them(
    opened: Callable[..., Pool], kitchen: Samples
) -> None:
    async with opened(STAND_IN, workers=2) as pool:
        async with AsyncExitStack() as streams:
            for _ in range(3):
                await streams.enter_async_context(pool.stream())
            await until(lambda: len(pool.pids) == 2)
        await until(lambda: len(pool.pids) == 1)
        assert text(await listen(pool, kitchen[: 5 * RATE]))


async def test_vocabulary_reaches_the_model(opened: Callable[..., Pool], kitchen: Samples) -> None:
    async with opened(STAND_IN) as pool, pool.stream(vocabulary=("Earmark",)) as ears:
        await feed(ears, kitchen[: 5 * RATE])
        said = [heard.text async for heard in ears if isinstance(heard, Final)]
    assert all(text.endswith("Earmark") for text in said)


async def test_a_language_it_lacks_is_refused_by_name(pool: Pool) -> None:
    with pytest.raises(LanguageUnknown, match="does not understand 'de-DE', only: en"):
        async with pool.stream(language="de-DE"):
            pass


async def test_a_stream_is_refused_while_too_much_work_is_ahead(opened: Callable[..., Pool], kitchen: Samples) -> None:
    async with opened("stand_in:load_slow", limits=PoolLimits(refuse_seconds=0.5)) as pool, pool.stream() as ears:
        await ears.feed(kitchen[: 30 * RATE])
        await until(lambda: pool.load.backlog_seconds > 1)
        with pytest.raises(TooBusy, match="seconds behind with 1 streams"):
            async with pool.stream():
                pass


async def test_feeding_waits_while_the_worker_is_behind(opened: Callable[..., Pool], kitchen: Samples) -> None:
    async with opened("stand_in:load_slow") as pool, pool.stream() as ears:
        feeding = asyncio.create_task(feed(ears, np.concatenate([kitchen] * 3)))
        await until(lambda: ears.ahead_seconds >= MOST_AHEAD_SECONDS)
        assert not feeding.done()
        assert ears.ahead_seconds < MOST_AHEAD_SECONDS + 0.2
        feeding.cancel()


async def test_a_model_that_is_missing_is_told_in_a_sentence(opened: Callable[..., Pool]) -> None:
    async with opened("stand_in:load_nothing") as pool:
        with pytest.raises(RecognizerError, match="There is no model here; put one there"):
            await pool.ready()
        with pytest.raises(RecognizerError, match="put one there"):
            async with pool.stream():
                pass


async def test_a_worker_that_never_starts_is_told_with_its_last_words(opened: Callable[..., Pool]) -> None:
    async with opened("stand_in:load_and_die", limits=PoolLimits(pause_seconds=0.001)) as pool:
        with pytest.raises(RecognizerError, match=r"does not start \(exit code 4; the model is broken\)"):
            await pool.ready()


async def test_a_stream_is_told_when_no_worker_can_be_started(opened: Callable[..., Pool], kitchen: Samples) -> None:
    async with opened("stand_in:load_nothing") as pool:
        with pytest.raises(RecognizerError, match="There is no model here"):
            await listen(pool, kitchen[: 5 * RATE])


async def test_workers_leave_the_processor_to_others(opened: Callable[..., Pool]) -> None:
    async with opened(STAND_IN, nice=7) as pool:
        await pool.ready()
        assert os.getpriority(os.PRIO_PROCESS, pool.pids[0]) >= 7


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_to_everybody_does_not_end_a_worker(pool: Pool, kitchen: Samples, stop: signal.Signals) -> None:
    await pool.ready()
    os.kill(pool.pids[0], stop)
    assert "sleep well" in text(await listen(pool, kitchen[: 5 * RATE]))
    assert pool.load.restarts == 0


async def test_a_worker_ends_when_its_engine_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "engine.py"
    script.write_text(
        "import asyncio, logging, sys\n"
        "from earmark_engine.recognizers.moonshine import MoonshineSettings\n"
        "from earmark_engine.recognizers.pool import Pool\n"
        "async def main():\n"
        f"    async with Pool(name='x', languages=('en',), load={STAND_IN!r}, settings=MoonshineSettings(),\n"
        "                    workers=1, log=logging.getLogger()) as pool:\n"
        "        await pool.ready()\n"
        "        print(pool.pids[0], flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    engine = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert engine.stdout is not None
    worker = int(await engine.stdout.readline())
    engine.kill()
    await engine.wait()
    await until(lambda: not alive(worker))


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be buried does not."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
