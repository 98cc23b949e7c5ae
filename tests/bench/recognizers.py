"""Measure the recognisers: word errors, delay of interim and final text, processor time, memory.

    python -m tests.bench.recognizers [--whisper FOLDER] [--pocketsphinx FOLDER] [--meetings FOLDER --acts FILE]

The folders are unpacked sources of the packages of those names; without them the bundled recordings are used alone.
Word errors are counted as fast as the machine can; delays and processor time are taken at the pace of the room.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from earmark_engine.recognizers.moonshine import MoonshineSettings, model_folder
from earmark_engine.recognizers.pool import Pool
from earmark_engine.recognizers.types import RATE, Final, Partial
from earmark_engine.recognizers.whisper import WhisperSettings
from tests.bench import recordings
from tests.bench.recordings import Recording, errors, words

BLOCK = 1600
PACED = ("kitchen", "two_cities")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Measured:
    """What one recogniser did."""

    name: str
    wrong: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    said: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    interim: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    processor: float | None = None
    memory_mb: float | None = None
    load_seconds: float | None = None

    def count(self, recording: Recording, heard: str) -> None:
        """Compare what was heard with what was said."""
        said, understood = words(recording.said), words(heard)
        self.wrong[recording.group] += errors(said, understood)
        self.said[recording.group] += len(said)

    def row(self, groups: Iterable[str]) -> str:
        """A line of the table."""
        rates = [f"{100 * self.wrong[group] / self.said[group]:10.1f}" for group in groups if self.said[group]]
        delays = [quantiles(self.interim), quantiles(self.final)]
        rest = [f"{value:8.2f}" if value is not None else "       -" for value in (self.processor, self.load_seconds)]
        memory = f"{self.memory_mb:8.0f}" if self.memory_mb is not None else "       -"
        return " ".join([f"{self.name:18}", *rates, f"{self.wrong['noise']:6}", *delays, *rest, memory])


def quantiles(delays: list[float]) -> str:
    """Median and 95th of a hundred."""
    if not delays:
        return f"{'-':>13}"
    return f"{statistics.median(delays):6.2f} {np.quantile(delays, 0.95):6.2f}"


async def understood(pool: Pool, recording: Recording, measured: Measured | None = None) -> str:
    """What a recogniser hears; at the pace of the room, with its delays, where they are measured."""
    began, heard, seen = time.monotonic(), [], []
    async with pool.stream() as ears:
        feeding = asyncio.create_task(feed(ears, recording, began if measured else None))
        async for each in ears:
            now = time.monotonic() - began
            if isinstance(each, Partial):
                seen.append((each.end, now))
            elif isinstance(each, Final):
                heard.append(each.text)
                seen.append((each.end, now))
                if measured:
                    measured.final.append(now - each.end)
                    measured.interim += first_seen(each, seen)
                seen = []
        await feeding
    return " ".join(heard)


def first_seen(final: Final, seen: list[tuple[float, float]]) -> list[float]:
    """How long after each word was over it was first shown."""
    return [min(now for end, now in seen if end >= word.end - 0.01) - word.end for word in final.words]


async def feed(ears: Any, recording: Recording, began: float | None) -> None:
    """Feed it, block by block."""
    for first in range(0, len(recording.samples), BLOCK):
        if began is not None:
            await asyncio.sleep(max(0.0, began + (first + BLOCK) / RATE - time.monotonic()))
        await ears.feed(recording.samples[first : first + BLOCK])
    await ears.finish()


async def measure(name: str, load: str, settings: msgspec.Struct, clips: list[Recording]) -> Measured:
    """Measure one recogniser through its pool."""
    measured, log = Measured(name), logging.getLogger(name)
    began = time.monotonic()
    async with Pool(name=name, languages=("en",), load=load, settings=settings, workers=1, log=log) as pool:
        await pool.ready()
        measured.load_seconds = time.monotonic() - began
        for recording in clips:
            measured.count(recording, await understood(pool, recording))
        spent, own = processor_seconds(pool.pids[0]), time.process_time()
        paced = [recording for recording in clips if recording.name in PACED]
        for recording in paced:
            await understood(pool, recording, measured)
        used = processor_seconds(pool.pids[0]) - spent + time.process_time() - own
        measured.processor = used / sum(recording.seconds for recording in paced)
        measured.memory_mb = peak_mb(pool.pids[0])
    return measured


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mb(pid: int) -> float:
    """The most memory that a process ever held."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


async def measure_library(clips: list[Recording], arguments: list[str]) -> Measured:
    """Measure Moonshine's own streams, in a process of their own."""
    measured = Measured("library alone")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.recognizers", "--library", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    told = json.loads(output.splitlines()[-1])
    for recording, heard in zip(clips, told["heard"], strict=True):
        measured.count(recording, heard)
    measured.processor, measured.memory_mb = told["processor"], told["memory_mb"]
    measured.load_seconds = told["load_seconds"]
    return measured


def library(clips: list[Recording]) -> None:
    """Be that process: hear everything with the package's own streams, interim text every second."""
    from moonshine_voice.moonshine_api import ModelArch
    from moonshine_voice.transcriber import LineCompleted, Transcriber

    began = time.monotonic()
    transcriber = Transcriber(model_folder(), ModelArch.TINY, options={"return_audio_data": "false"})
    told: dict[str, Any] = {"heard": [], "load_seconds": time.monotonic() - began}
    spent = sound = 0.0
    for recording in clips:
        before = time.process_time()
        lines: dict[int, str] = {}
        stream = transcriber.create_stream(update_interval=1.0)
        stream.add_listener(
            lambda event, lines=lines: (
                lines.update({event.line.line_id: event.line.text}) if isinstance(event, LineCompleted) else None
            )
        )
        stream.start()
        began = time.monotonic()
        padded = np.concatenate([recording.samples, np.zeros(RATE, np.int16)]).astype(np.float32) / 32768
        for first in range(0, len(padded), BLOCK):
            if recording.name in PACED:
                time.sleep(max(0.0, began + (first + BLOCK) / RATE - time.monotonic()))
            stream.add_audio(padded[first : first + BLOCK].tolist(), RATE)
        stream.stop()
        stream.close()
        told["heard"].append(" ".join(lines.values()))
        if recording.name in PACED:
            spent, sound = spent + time.process_time() - before, sound + recording.seconds
    print(json.dumps({**told, "processor": spent / sound, "memory_mb": peak_mb(os.getpid())}))


async def compare(clips: list[Recording], given: argparse.Namespace) -> None:
    """Measure everything and print the table."""
    moonshine = "earmark_engine.recognizers.moonshine:load_moonshine"
    table = [await measure_library(clips, sys.argv[1:])]
    table.append(await measure("moonshine", moonshine, MoonshineSettings(), clips))
    if given.whisper:
        load, settings = "earmark_engine.recognizers.whisper:load_whisper", WhisperSettings(model=given.whisper)
        table.append(await measure("whisper", load, settings, clips))
    groups = [group for group in dict.fromkeys(clip.group for clip in clips) if group != "noise"]
    print(
        f"{'':18}",
        *(f"{group:>10}" for group in groups),
        f"{'noise':>6} {'interim s':>13} {'final s':>13} {'CPU s/s':>8} {'load s':>8} {'peak MB':>8}",
    )
    for measured in table:
        print(measured.row(groups))
    print("Word errors in %; noise: words made up in 150 s of it; delays: median and 95 % since word or segment ended.")


def main() -> None:
    """Measure the recordings that are given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--whisper", help="folder of a Whisper model")
    parser.add_argument("--pocketsphinx", type=Path)
    parser.add_argument("--meetings", type=Path)
    parser.add_argument("--acts", type=Path)
    parser.add_argument("--library", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    clips = [*recordings.bundled(), *recordings.noises()]
    if given.pocketsphinx:
        clips += recordings.pocketsphinx(given.pocketsphinx)
    if given.meetings and given.acts:
        clips += recordings.meetings(given.meetings, given.acts)
    if given.library:
        library(clips)
    else:
        asyncio.run(compare(clips, given))


if __name__ == "__main__":
    main()
