"""Measure how many live conversations an engine carries, and what each costs.

    python -m tests.bench.engine [--least 1] [--most 8] [--recognizer moonshine]

Starts `earmark serve` and lets more and more clients speak the bundled recordings at the pace of the room, all at once,
each from another place. A number of conversations is carried when 95 of 100 final texts came within 1.5 s of the end of
what was said, and when no word more was wrong than with one alone, but for a little.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import numpy as np

from earmark_engine.recognizers.types import RATE
from tests.bench.recordings import Recording, bundled, errors, words

BLOCK = 1600
CARRIED_SECONDS = 1.5
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Heard:
    """What came back for the clients of one round."""

    finals: list[float] = field(default_factory=list)
    """Seconds from the end of each segment to its final text."""
    wrong: int = 0
    said: int = 0


@asynccontextmanager
async def engine(recognizer: str) -> AsyncIterator[tuple[str, int]]:
    """A running engine: its address and its process."""
    command = [sys.executable, "-m", "earmark", "serve", "--port", "0", "--ephemeral", "--recognizer", recognizer]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    found = re.search(rb"listens on (\S+)", await process.stdout.readline())
    assert found
    try:
        yield found[1].decode(), process.pid
    finally:
        process.terminate()
        await process.communicate()


async def converse(http: aiohttp.ClientSession, url: str, name: str, recording: Recording, heard: Heard) -> None:
    """One client that says the whole recording."""
    texts: list[str] = []
    loop = asyncio.get_running_loop()
    async with http.ws_connect(f"{url}/v1/streaming/{name}") as socket:
        await socket.send_str(json.dumps({"type": "start_request", "insightTypes": ["question", "action_item"]}))
        began = loop.time()
        speaking = asyncio.create_task(speak(socket, recording, began))
        async for message in socket:
            told = json.loads(message.data)
            if told["type"] == "message_response":
                texts += [said["payload"]["content"] for said in told["messages"]]
            elif told["type"] == "message" and told["message"].get("isFinal"):
                spoken = told["message"]["payload"]["raw"]["alternatives"][0]["words"]
                end = spoken[-1]["endTime"] if spoken else {"seconds": "0", "nanos": "0"}
                at = int(end["seconds"]) + int(end["nanos"]) / 1e9
                heard.finals.append(loop.time() - began - at)
        await speaking
    said = words(recording.said)
    heard.wrong += errors(said, words(" ".join(texts)))
    heard.said += len(said)


async def speak(socket: aiohttp.ClientWebSocketResponse, recording: Recording, began: float) -> None:
    """Send sound at the pace at which it was made."""
    loop = asyncio.get_running_loop()
    samples = np.concatenate([recording.samples, np.zeros(RATE, np.int16)])
    for first in range(0, len(samples), BLOCK):
        await asyncio.sleep(max(0.0, began + (first + BLOCK) / RATE - loop.time()))
        await socket.send_bytes(samples[first : first + BLOCK].tobytes())
    await socket.send_str('{"type":"stop_request"}')


def family(pid: int) -> list[int]:
    """A process and all that came of it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cost(pid: int) -> tuple[float, float]:
    """Seconds of processor time so far, and megabytes of memory now, of the engine and its workers."""
    ticks, kilobytes = 0, 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
        found = re.search(r"Pss:\s+(\d+)", rollup)
        kilobytes += int(found[1]) if found else 0
    return ticks / TICKS, kilobytes / 1024


async def measure(recognizer: str, count: int) -> str:
    """One round, as a line of the table."""
    recordings, heard = list(bundled()), Heard()
    async with engine(recognizer) as (url, pid), aiohttp.ClientSession() as http:
        idle = cost(pid)
        await asyncio.gather(
            *(delayed(n * 1.7, converse(http, url, f"room-{n}", recordings[n % 2], heard)) for n in range(count))
        )
        processor, memory = cost(pid)
    seconds = sum(recordings[n % 2].seconds for n in range(count))
    late = statistics.quantiles(heard.finals, n=20)[-1]
    return (
        f"| {count} | {statistics.median(heard.finals):.2f} | {late:.2f} | {late <= CARRIED_SECONDS!s:5} "
        f"| {100 * heard.wrong / heard.said:.1f} | {(processor - idle[0]) / seconds:.2f} "
        f"| {(memory - idle[1]) / count:.0f} | {memory:.0f} |"
    )


async def delayed(seconds: float, work: Awaitable[None]) -> None:
    """Begin a little later than the others."""
    await asyncio.sleep(seconds)
    await work


def main() -> None:
    """Print the table; what else the machine does shows in the load, and in every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--least", type=int, default=1)
    parser.add_argument("--most", type=int, default=6)
    parser.add_argument("--recognizer", default="moonshine")
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the first round")
    print("| conversations | final, median s | final, 95 % s | carried | wrong words % | CPU s per s | MB each | MB |")
    print("|--:|--:|--:|---|--:|--:|--:|--:|")
    for count in range(asked.least, asked.most + 1):
        print(asyncio.run(measure(asked.recognizer, count)), flush=True)


if __name__ == "__main__":
    main()
