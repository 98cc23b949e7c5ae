"""Does a room stay as small as it was, however long it listens and however often the line is lost?

    python -m tests.soak.soak --minutes 3 [--pace 60] [--seed 1]

A room hears numbered sound many times faster than real time; an engine in a process of its own reads it, and the line
between them is broken in every way now and then. A row of the table is a tenth of the run; the last lines say whether
anything was lost or told twice, and what the spool wrote to the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import earmark.uplink
from earmark.events import Utterance
from tests.core.rooms import Room, room
from tests.faults.house import client, engine
from tests.faults.numbered import PIECE, RATE, frames, merged, spans
from tests.faults.proxy import HARMLESS, Break, Proxy, Way

_ROWS = 10
_FAULT_EVERY_SECONDS = 4.0
_LONGEST_OUTAGE_SECONDS = 4.0
_LONGEST_DELAY_SECONDS = 2.0
_TALK_SECONDS = 900.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
CODES = (None, 1001, 1006, 1011, 1012, 3006, 4000)


@dataclass
class Faults:
    """What was done to the line."""

    breaks: int = 0
    outages: int = 0
    out_seconds: float = 0.0


def resident_megabytes(process: int | str = "self") -> float:
    """Memory of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE / 1e6


def open_files() -> int:
    """How many files and sockets this process holds."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def folder_megabytes(folder: Path) -> float:
    """What the files of a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


async def serve() -> None:
    """Be the engine until the standard input closes; says where it is."""
    async with engine() as served:
        print(served.port, served.token, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            served.streams.clear()


@asynccontextmanager
async def engine_elsewhere() -> AsyncIterator[tuple[asyncio.subprocess.Process, int, str]]:
    """An engine in a process of its own."""
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "tests.soak.soak", "--serve"]
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout and process.stdin
    port, token = (await process.stdout.readline()).decode().split()
    try:
        yield process, int(port), token
    finally:
        process.stdin.close()
        await process.wait()


async def break_now_and_then(proxy: Proxy, dice: random.Random, faults: Faults) -> None:
    """Do something to the line every few seconds."""
    target = proxy.target
    ways = [way for way in Way if way not in HARMLESS]
    while True:
        await asyncio.sleep(dice.uniform(0.5, 2) * _FAULT_EVERY_SECONDS)
        if dice.random() < 0.25:
            faults.outages += 1
            began, proxy.target = time.monotonic(), 1
            proxy.drop_all()
            await asyncio.sleep(dice.uniform(1, _LONGEST_OUTAGE_SECONDS))
            proxy.target = target
            faults.out_seconds += time.monotonic() - began
            continue
        faults.breaks += 1
        proxy.plan.append(Break(dice.choice(ways), dice.randrange(200_000), dice.choice(CODES)))
        proxy.drop_all()


async def hear(kitchen: Room, until: float, pace: float) -> int:
    """Let the room hear numbered sound at a pace, and end the conversation now and then; gives how many frames."""
    count, began = 0, time.monotonic()
    now = time.time()
    while time.monotonic() < until:
        due = int((time.monotonic() - began) * pace * RATE / PIECE)
        for frame in frames(max(0, due - count), first=count, began=now):
            await kitchen.uplink.take(frame)
            count += 1
            if count * PIECE % int(_TALK_SECONDS * RATE) == 0:
                kitchen.uplink.end_conversation()
        await asyncio.sleep(0.01)
    return count


async def report(kitchen: Room, folder: Path, process: int, interval: float, faults: Faults) -> None:
    """Print a row now and then."""
    print("  at    heard   room MB  engine MB  files  threads  spool MB  on disk MB  journal MB  connects  broken  out")
    began = time.monotonic()
    while True:
        await asyncio.sleep(interval)
        figures, spool = kitchen.uplink.figures, kitchen.spool
        print(
            f"{time.monotonic() - began:4.0f} s {figures.heard_seconds / 3600:6.2f} h {resident_megabytes():8.1f}"
            f" {resident_megabytes(process):10.1f} {open_files():6d} {threading.active_count():8d}"
            f" {spool.bytes / 1e6:9.2f} {folder_megabytes(folder / 'disk'):11.2f}"
            f" {(folder / 'journal.db').stat().st_size / 1e6:11.2f} {figures.connects:9d}"
            f" {faults.breaks:7d} {faults.outages:4d}",
            flush=True,
        )


async def soak(minutes: float, pace: float, seed: int) -> int:
    """The whole run; gives the exit code."""
    dice, faults = random.Random(seed), Faults()
    # Time passes faster for the room than for its back-off.
    earmark.uplink._MOST_DELAY_SECONDS = _LONGEST_DELAY_SECONDS  # noqa: SLF001
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            engine_elsewhere() as (process, port, token),
            Proxy(port).serving() as proxy,
            client(proxy.port, token) as transport,
            room(folder, transport, live=True) as kitchen,
        ):
            beside = [
                asyncio.create_task(break_now_and_then(proxy, dice, faults)),
                asyncio.create_task(report(kitchen, folder, process.pid, minutes * 60 / _ROWS, faults)),
            ]
            count = await hear(kitchen, time.monotonic() + minutes * 60, pace)
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            proxy.target = port
            proxy.plan.clear()
            await kitchen.end(120)
            return await verdict(kitchen, count, faults)


async def verdict(kitchen: Room, count: int, faults: Faults) -> int:
    """Say what was lost or told twice."""
    events = await kitchen.journal.read(0, most=10_000_000)
    said = [entry.event for entry in events if isinstance(entry.event, Utterance)]
    told = merged(spans(event.text for event in said))
    lost = count * PIECE - sum(last - first for first, last in told)
    gaps = kitchen.uplink.figures.lost_seconds
    hours, spool = count * PIECE / RATE / 3600, kitchen.spool
    print(f"\n{hours:.1f} h heard, {len(events)} events, {len(said)} utterances")
    print(f"samples lost {lost}, of which gaps tell {round(gaps * RATE)}; samples told twice 0")
    print(f"{faults.breaks} lines broken, {faults.outages} outages, {kitchen.uplink.figures.reconnects} reconnects")
    print(
        f"spool: {spool.bytes_written_to_disk / 1e6:.1f} MB written in {faults.out_seconds:.0f} s of outage, "
        f"{spool.syncs} syncs; {spool.bytes_written_to_disk / 1e6 / hours * 24:.0f} MB a day of such a line"
    )
    return int(lost != round(gaps * RATE))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--pace", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    sys.exit(asyncio.run(serve() if given.serve else soak(given.minutes, given.pace, given.seed)))


if __name__ == "__main__":
    main()
