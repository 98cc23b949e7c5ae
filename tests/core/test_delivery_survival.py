"""Every sink has every event, in order, at least once: whatever the sinks do and whenever the process dies."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark import Refused
from earmark.clock import SystemClock
from earmark.delivery import Delivery
from earmark.events import AnyEvent
from earmark.journal import Journal
from earmark.room import StageReport
from earmark.sink_runner import Patience
from tests.core.talk import Taker, offer_of, sentences

CLOCK = SystemClock()
QUICK = Patience(first_delay_seconds=0, longest_delay_seconds=0, breaker_failures=3, breaker_seconds=0)


def complete_and_in_order(taken: list[str], journaled: list[str]) -> bool:
    """Whether all was taken, and each jump back was only to something taken before."""
    place = {name: number for number, name in enumerate(journaled)}
    steps = [place[later] - place[earlier] for earlier, later in pairwise(taken)]
    return list(dict.fromkeys(taken)) == journaled and all(step <= 1 for step in steps)


@dataclass
class Model:
    """A room's events, and what its sinks have ever taken, over any number of lives."""

    path: Path
    chance: random.Random
    journaled: list[str] = field(default_factory=list)
    sinks: dict[str, Taker] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def sink(self, name: str) -> Taker:
        batch, failures = {"a": (0, 0.0), "b": (0, 0.3), "c": (4, 0.1)}[name]
        return Taker(lambda event: self._now_and_then(event, failures), batch=batch)

    def _now_and_then(self, event: AnyEvent, failures: float) -> None:
        if event.id in self.refused:
            raise Refused("never")
        if self.chance.random() < failures:
            raise ConnectionError("a bad line")

    async def live(self, steps: list[int], *, dies: bool) -> None:
        """Deliver while events come; then shut down in order, or leave behind only what is on disk."""
        async with Journal.open(self.path, clock=CLOCK) as journal:
            delivery = Delivery(journal, CLOCK, patience=QUICK, rng=self.chance)
            tasks = [self._start(delivery, name) for name in self.sinks]
            for amount in steps:
                first = len(self.journaled)
                entries = await journal.append(sentences(first, first + amount))
                self.journaled += [entry.event.id for entry in entries]
                await asyncio.sleep(self.chance.choice([0, 0, 0.002]))
            if dies:
                self._leave()
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            else:
                await self._caught_up(journal)
                await delivery.shutdown(10)

    def _start(self, delivery: Delivery, name: str) -> asyncio.Task[None]:
        run = delivery.run_sink(
            offer_of(name), self.sinks[name].open, target="", report=StageReport("sink", name), from_start=True
        )
        return asyncio.create_task(run)

    async def _caught_up(self, journal: Journal) -> None:
        async with asyncio.timeout(20):
            for name in self.sinks:
                while await journal.cursor(name, "") != journal.last:
                    await asyncio.sleep(0.001)

    def _leave(self) -> None:
        remains = self.path.parent / f"life-{len(self.journaled)}-{self.chance.random()}"
        remains.mkdir()
        for file in self.path.parent.glob("journal.db*"):
            shutil.copy(file, remains / file.name)
        self.path = remains / "journal.db"


LIVES = st.lists(st.lists(st.integers(0, 12), max_size=6), max_size=4)


@settings(max_examples=25, deadline=None)
@given(LIVES, st.integers(), st.sets(st.integers(0, 60), max_size=2))
def test_every_sink_has_every_event_in_order_over_any_number_of_lives(
    tmp_path_factory: pytest.TempPathFactory, lives: list[list[int]], seed: int, refused: set[int]
) -> None:
    model = Model(tmp_path_factory.mktemp("room") / "journal.db", random.Random(seed))
    model.sinks = {name: model.sink(name) for name in "abc"}
    model.refused = {f"u{number}" for number in refused}

    async def play() -> None:
        for steps in lives:
            await model.live(steps, dies=True)
        await model.live([1], dies=False)

    asyncio.run(play())
    taken = [name for name in model.journaled if name not in model.refused]
    for name, taker in model.sinks.items():
        assert complete_and_in_order(taker.taken, taken), name


_ROOM = """
import asyncio, os, sys
from contextlib import asynccontextmanager
from pathlib import Path
from earmark.clock import SystemClock
from earmark.delivery import Delivery
from earmark.journal import Journal
from earmark.room import StageReport
from tests.core.talk import offer_of, sentences

folder, rounds = Path(sys.argv[1]), int(sys.argv[2])

class Writer:
    def __init__(self, name, batch):
        self.handle = os.open(folder / name, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self.batch = batch

    @asynccontextmanager
    async def open(self):
        yield self

    async def run(self, events):
        async for batch in events.batches(self.batch):
            os.write(self.handle, "".join(f"{event.id}\\n" for event in batch).encode())

async def main():
    async with Journal.open(folder / "journal.db", clock=SystemClock()) as journal:
        delivery = Delivery(journal, SystemClock())
        sinks = [asyncio.create_task(delivery.run_sink(offer_of(name), Writer(name, batch).open, target="",
            report=StageReport("sink", name), from_start=True)) for name, batch in (("one", 1), ("ten", 10))]
        for _ in range(rounds):
            await journal.append(sentences(journal.last, journal.last + 5))
            print(journal.last, flush=True)
            await asyncio.sleep(0)
        await delivery.shutdown(20)

asyncio.run(main())
"""


def _lines_until_killed(folder: Path, lines: int) -> None:
    arguments = [sys.executable, "-c", _ROOM, str(folder), "1000000"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
    assert process.returncode == -signal.SIGKILL


def test_no_sink_of_a_killed_process_misses_an_event_after_the_restart(tmp_path: Path) -> None:
    draw = random.Random(9)
    for _ in range(6):
        _lines_until_killed(tmp_path, draw.randint(1, 150))
    subprocess.run([sys.executable, "-c", _ROOM, str(tmp_path), "1"], check=True, capture_output=True, timeout=60)

    async def journaled() -> list[str]:
        async with Journal.open(tmp_path / "journal.db", clock=CLOCK, read_only=True) as journal:
            return [entry.event.id for entry in await journal.read(0, most=1_000_000)]

    expected = asyncio.run(journaled())
    assert len(expected) > 100
    for name in ("one", "ten"):
        assert complete_and_in_order((tmp_path / name).read_text().split(), expected)
