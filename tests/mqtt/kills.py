"""Kill the broker and the listener at random moments, and compare what a subscriber got with what is in the journal."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from earmark.clock import SystemClock
from earmark.journal import Journal
from tests.mqtt.brokers import Broker
from tests.mqtt.rooms import ids, once, subscribed, until

ROOT = Path(__file__).parents[2]


class Victim:
    """A listener in a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.mqtt.listening", str(self._folder), str(self._port)]
        with (self._folder / "listener.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(60)


@dataclass
class Outcome:
    """What was found when all was over."""

    journaled: list[str]
    received: list[str]
    broker_kills: int
    listener_kills: int

    @property
    def repeats(self) -> int:
        return len(self.received) - len(once(self.received))


async def kill_at_random(
    broker: Broker,
    folder: Path,
    *,
    kills: int,
    rng: random.Random,
    broker_signal: signal.Signals = signal.SIGKILL,
    told: Callable[[str], None] = lambda text: None,
) -> Outcome:
    """Run a room through kills of either side, let it end in peace, and read both lists."""
    victim = Victim(folder, broker.port)
    killed = {"broker": 0, "listener": 0}
    async with subscribed(broker, "earmark/kitchen/+") as subscriber:
        victim.start()
        await until(lambda: ids(subscriber), seconds=60)
        for number in range(kills):
            await asyncio.sleep(rng.uniform(0.1, 1.2))
            whom = rng.choice(["broker", "listener"]) if number > 1 else ["broker", "listener"][number]
            killed[whom] += 1
            if whom == "broker":
                await asyncio.to_thread(broker.kill, broker_signal)
                await asyncio.sleep(rng.choice([0, 0, 0.5]))
                await asyncio.to_thread(broker.start)
            else:
                await asyncio.to_thread(victim.end, signal.SIGKILL)
                victim.start()
            told(f"{number + 1:3} {whom:8} {len(ids(subscriber))} received")
        begun = time.monotonic()
        journaled = await _recorded(folder)
        await until(lambda: len(once(ids(subscriber))) > len(journaled), seconds=60)
        await asyncio.to_thread(victim.end, signal.SIGTERM)
        told(f"stopped after {time.monotonic() - begun:.1f} s")
        journaled = await _recorded(folder)
        await _settled(lambda: set(journaled) <= set(ids(subscriber)))
        return Outcome(journaled, ids(subscriber), killed["broker"], killed["listener"])


async def _settled(true: Callable[[], bool]) -> None:
    """Wait for the last events; what is missing then is for the comparison to tell."""
    try:
        await until(true, seconds=30)
    except TimeoutError:
        return


async def _recorded(folder: Path) -> list[str]:
    path = folder / "state" / "kitchen" / "journal.db"
    async with Journal.open(path, clock=SystemClock(), read_only=True) as journal:
        entries = await journal.read(0, most=1_000_000)
    return [entry.event.id for entry in entries]
