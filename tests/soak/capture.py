"""Hear a virtual microphone for minutes while other processes keep every core busy, and an hour of sound at once.

    python -m tests.soak.capture --minutes 10

Prints overruns, what is missing, memory of the listener and of the capturing process over time, and CPU as a share of
one core. PortAudio, the sound server and the time are real.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from earmark.audio import Frame, Omitted
from earmark.errors import SourceError
from earmark.hookspecs import Filter
from earmark_gate import plugin
from earmark_gate.settings import GateSettings
from earmark_mic.capture import Conversion, Plan
from earmark_mic.ring import Ring
from earmark_mic.settings import MicSettings
from earmark_mic.source import Microphone, Microphones
from earmark_mic.wire import Device, Sound, Task
from tests.file.rooms import a_room
from tests.mic.sound_server import RATE, SoundServer

_TICK_SECONDS = 10.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def burn(niceness: int) -> None:
    """Keep a core busy."""
    os.nice(niceness)
    number = 1
    while True:
        number = number * 48_271 % 2_147_483_647


@contextlib.contextmanager
def busy(processes: int, niceness: int) -> Iterator[None]:
    """Keep so many cores busy."""
    context = multiprocessing.get_context("spawn")
    burners = [context.Process(target=burn, args=(niceness,), daemon=True) for _ in range(processes)]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.join()


def megabytes(process: int) -> float:
    """Resident memory."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE / 1e6


def cpu_seconds(process: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass
class Tally:
    """What was heard."""

    sound_seconds: float = 0.0
    lost_seconds: float = 0.0
    passed_seconds: float = 0.0
    gated_seconds: float = 0.0
    errors: list[str] = field(default_factory=list)

    def hear(self, item: Frame | Omitted) -> None:
        """Count what the microphone gave."""
        if isinstance(item, Frame):
            self.sound_seconds += item.seconds
        else:
            self.lost_seconds += item.seconds

    def pass_on(self, item: Frame | Omitted) -> None:
        """Count what the gate gave."""
        if isinstance(item, Frame):
            self.passed_seconds += item.seconds
        else:
            self.gated_seconds += item.seconds


async def listen(microphone: Microphone, gate: Filter, tally: Tally) -> None:
    """Hear until cancelled."""
    try:
        async for item in microphone:
            tally.hear(item)
            for passed in await gate.hear(item):
                tally.pass_on(passed)
    except SourceError as error:
        tally.errors.append(str(error))


async def capture(folder: Path, minutes: float, cores: int, niceness: int) -> None:
    """The real part: so many minutes, under load."""
    server = SoundServer(folder)
    os.environ.update({name: server.environ[name] for name in ("HOME", "XDG_RUNTIME_DIR")})
    server.plug("kitchen")
    room, tally = a_room(folder), Tally()
    (offer,) = plugin.earmark_filters()
    noise = np.random.default_rng(1).normal(0, 500, round(60 * RATE * (minutes + 1))).astype(np.int16)
    try:
        async with Microphones().open(MicSettings(), room) as microphone, offer.open(GateSettings(), room) as gate:
            with server.playing("kitchen", noise), busy(cores, niceness):
                listening = asyncio.create_task(listen(microphone, gate, tally))
                await _watch(microphone.stream.process.pid, minutes, tally)
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
    finally:
        server.unplug_all()
        server.close()
    print(f"overruns {room.stage.counters.get('overruns', 0):.0f}, reopened {len(tally.errors)}: {tally.errors}")
    print(f"sound {tally.sound_seconds:.1f} s, lost {tally.lost_seconds:.3f} s")
    print(f"passed by the gate {tally.passed_seconds:.1f} s, left out {tally.gated_seconds:.1f} s")


async def _watch(process: int, minutes: float, tally: Tally) -> None:
    began, first = time.monotonic(), (cpu_seconds(os.getpid()), cpu_seconds(process))
    print("minute  heard s  missing s  listener MB  capture MB  listener CPU %  capture CPU %  load")
    while (passed := time.monotonic() - began) < 60 * minutes and not tally.errors:
        await asyncio.sleep(_TICK_SECONDS)
        passed = time.monotonic() - began
        own, its = cpu_seconds(os.getpid()) - first[0], cpu_seconds(process) - first[1]
        heard = f"{passed / 60:6.1f} {tally.sound_seconds:8.1f} {tally.lost_seconds:10.3f}"
        memory = f"{megabytes(os.getpid()):12.1f} {megabytes(process):11.1f}"
        shares = f"{100 * own / passed:15.2f} {100 * its / passed:14.2f}"
        print(f"{heard} {memory} {shares} {os.getloadavg()[0]:5.1f}", flush=True)


async def hurry(folder: Path, hours: float) -> None:
    """The other part: hours of sound through ring, conversion and gate as fast as they go."""
    device = Device(id="none", name="None", host_api="None", channels=2, rate=44_100, index=0)
    ring = Ring(frames=441_000, channels=2, dtype="float32")
    conversion = Conversion(Plan(device, 44_100, 2, "float32"), Task(wanted=("none",)))
    block = np.random.default_rng(1).normal(0, 0.1, (4410, 2)).astype(np.float32)
    (offer,) = plugin.earmark_filters()
    position, began = 0, time.process_time()
    print("hour  heard s  memory MB")
    async with offer.open(GateSettings(), a_room(folder)) as gate:
        for number in range(round(hours * 36_000)):
            ring.write(block, number / 10, False)
            for message in (message for taken in ring.take() for message in conversion.messages(taken)):
                assert isinstance(message, Sound)
                samples = np.frombuffer(message.samples, np.int16)
                await gate.hear(Frame(samples=samples, rate=16_000, position=position, at=message.captured))
                position += len(samples)
            if number % 6000 == 5999:
                print(
                    f"{(number + 1) / 36_000:4.2f} {position / 16_000:8.1f} {megabytes(os.getpid()):10.1f}", flush=True
                )
    share = (time.process_time() - began) / (hours * 3600)
    print(f"CPU of conversion and gate: {100 * share:.2f} % of a core at real time")


def main() -> int:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="how many other processes burn")
    parser.add_argument("--nice", type=int, default=0, help="how far they step back")
    parser.add_argument("--hours", type=float, default=1.0, help="how much sound is hurried through")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(hurry(Path(folder), given.hours))
        asyncio.run(capture(Path(folder), given.minutes, given.cores, given.nice))
    print(f"peak memory of the listener {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
