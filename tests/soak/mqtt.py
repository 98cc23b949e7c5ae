"""Marks over MQTT under strain: random kills of broker and listener, and how long an event is on its way.

    python -m tests.soak.mqtt --kills 50

Brokers, listeners and sockets are real. NATS, which acknowledges what is on its disk, is killed outright; Mosquitto,
which keeps what it acknowledged in memory, is told to stop.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from earmark.events import Utterance
from tests.mqtt.brokers import Broker, Mosquitto, Nats
from tests.mqtt.kills import kill_at_random
from tests.mqtt.rooms import at_work, once, subscribed, until

BROKERS: dict[str, type[Broker]] = {"nats": Nats, "mosquitto": Mosquitto}


async def kills(name: str, count: int, seed: int, folder: Path) -> bool:
    """Whether every event of the journal reached the subscriber, in order."""
    broker = BROKERS[name](folder / "broker")
    broker.start()
    number = signal.SIGKILL if name == "nats" else signal.SIGTERM
    rng = random.Random(seed)
    try:
        outcome = await kill_at_random(broker, folder, kills=count, rng=rng, broker_signal=number, told=print)
    finally:
        broker.kill()
    same = once(outcome.received) == outcome.journaled
    print(
        f"{name}: {outcome.broker_kills} kills of the broker and {outcome.listener_kills} of the listener;"
        f" {len(outcome.journaled)} events journaled, {len(once(outcome.received))} received,"
        f" {outcome.repeats} repeats; same ids in the same order: {same}"
    )
    return same


async def latency(name: str, per_second: float, seconds: float, folder: Path) -> None:
    """Print how long events take from being said to the subscriber; the journal's fsync is on the way."""
    broker = BROKERS[name](folder / "broker")
    broker.start()
    count = max(10, round(per_second * seconds))
    sent: dict[str, float] = {}
    try:
        settings = broker.settings(kinds=("utterance",))
        async with subscribed(broker, "earmark/kitchen/utterance") as subscriber, at_work(folder, settings) as stand:
            await stand.connected()
            await asyncio.sleep(0.5)
            begun = time.monotonic()
            # Above some 100 a second events are journaled a few at a time, as a busy recorder does.
            step = max(1, round(per_second / 100))
            for first in range(0, count, step):
                await asyncio.sleep(max(0.0, begun + first / per_second - time.monotonic()))
                names = [f"e{number}" for number in range(first, min(count, first + step))]
                sent.update(dict.fromkeys(names, time.monotonic()))
                await stand.say(*map(utterance, names))
            took = time.monotonic() - begun
            await until(lambda: len(subscriber.messages) >= count, seconds=120)
        taken = sorted(at - sent[json.loads(payload)["id"]] for _, payload, _, at in subscriber.messages)
    finally:
        broker.kill()
    median, worst = statistics.median(taken), taken[int(len(taken) * 0.99)]
    print(
        f"{name}: {count} events at {count / took:.0f}/s: median {median * 1000:.1f} ms,"
        f" 99th percentile {worst * 1000:.1f} ms, longest {taken[-1] * 1000:.1f} ms"
    )


def utterance(name: str) -> Utterance:
    """An event of common size."""
    text = "Somebody should call the plumber before Friday, I think."
    return Utterance(id=name, room="kitchen", conversation="c", at=datetime.now(UTC), text=text, start=0, end=3)


async def main() -> bool:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long latency is measured at each rate")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    good = True
    for name in BROKERS:
        with tempfile.TemporaryDirectory() as folder:
            good &= await kills(name, asked.kills, asked.seed, Path(folder))
        for rate in (1, 1000):
            with tempfile.TemporaryDirectory() as folder:
                await latency(name, rate, asked.seconds, Path(folder))
    return good


if __name__ == "__main__":
    raise SystemExit(0 if asyncio.run(main()) else 1)
