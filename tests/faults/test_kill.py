"""Listeners that are killed again and again in mid-conversation, as by a machine that is out of memory."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from earmark.events import AnyEvent, ConversationEnded, ConversationStarted, Gap, Utterance, decode
from tests.core.guests import install
from tests.faults.house import engine
from tests.faults.numbered import PIECE, RATE, Span, merged, spans
from tests.faults.proxy import Break, Proxy, Way

ROUNDS = int(os.environ.get("EARMARK_KILLS", "8"))
ROOT = Path(__file__).resolve().parents[2]
LOST_SAMPLES = 2 * PIECE
"""What may be in the hands of a process that is killed: a frame that the microphone gives, and one on its way."""
JITTER_SECONDS = 0.25
GUEST = "from tests.faults.ticker import earmark_detectors, earmark_recognizers, earmark_sources\n"


@dataclass
class Room:
    """A room whose listener is killed, and everything that is known of it from outside."""

    folder: Path
    arguments: list[str]
    dice: random.Random
    epoch: float = field(default_factory=time.monotonic)
    kept: set[str] = field(default_factory=set)
    """Ids of events that were in the journal when a process was killed."""
    killed: int = 0

    @property
    def log(self) -> Path:
        return self.folder / "ticker.log"

    @property
    def output(self) -> Path:
        return self.folder / "events.jsonl"

    async def start(self) -> asyncio.subprocess.Process:
        guests = self.folder / "guests"
        if not guests.exists():
            guests.mkdir()
            install(guests, "ticker", GUEST)
        told = [f"ticker.epoch={self.epoch}", f"ticker.log={self.log}", "conversation.rejoin_within=60", "room=kill"]
        words = ["listen", "--source", "ticker", "--filter", "none", "--sink", f"jsonl:{self.output}", *self.arguments]
        with (self.folder / "listen.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "earmark", *words, *(part for one in told for part in ("--set", one))),
                cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self.folder),
                    "PYTHONPATH": f"{guests}:{ROOT}",
                    "EARMARK_STATE": str(self.folder / "state"),
                    "EARMARK_RUNTIME": str(self.folder / "runtime"),
                },
            )

    async def round(self) -> None:
        """Start, wait for some moment, kill."""
        before = len(self.captured())
        process = await self.start()
        try:
            if self.dice.random() < 0.2:
                await asyncio.sleep(self.dice.uniform(0.1, 1.0))
            else:
                await self.capturing(process, before)
                await asyncio.sleep(self.dice.uniform(0.05, 1.5))
        finally:
            process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL, self.complaints()
        self.killed += 1
        self.kept |= set(self.journal())

    async def capturing(self, process: asyncio.subprocess.Process, before: int) -> None:
        """Wait until the microphone is heard."""
        async with asyncio.timeout(30):
            while len(self.captured()) == before:
                assert process.returncode is None, self.complaints()
                await asyncio.sleep(0.02)

    async def finish(self) -> None:
        """Let the last listener come to its end."""
        before = len(self.captured())
        process = await self.start()
        try:
            await self.capturing(process, before)
            await asyncio.sleep(1)
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(60):
                assert await process.wait() == 0, self.complaints()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def complaints(self) -> str:
        return (self.folder / "listen.log").read_text()[-3000:]

    def captured(self) -> list[Span]:
        if not self.log.exists():
            return []
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [(int(first), int(last)) for first, last in lines]

    def journal(self) -> list[str]:
        path = self.folder / "state" / "kill" / "journal.db"
        if not path.exists():
            return []
        with sqlite3.connect(path) as database:
            try:
                return [row[0] for row in database.execute("select id from events order by seq")]
            except sqlite3.OperationalError:
                return []  # killed before there was a table
            finally:
                database.rollback()

    def delivered(self) -> list[AnyEvent]:
        return [decode(line) for line in self.output.read_bytes().splitlines()]

    def check(self) -> str:
        """Whether nothing is missing; gives the figures."""
        events = {event.id: event for event in self.delivered()}
        ids = self.journal()
        assert self.kept <= set(ids), "something that was in the journal is gone"
        assert list(dict.fromkeys(event.id for event in self.delivered())) == ids, "the sink missed something"
        told = merged(spans(event.text for event in events.values() if isinstance(event, Utterance)))
        captured = merged(self.captured())
        missing = _without(captured, told)
        ends = [last for _, last in captured]
        for first, last in missing:
            assert any(end - LOST_SAMPLES <= first < last <= end for end in ends), (first, last, captured)
        assert not _without(told, captured)
        lost = sum(last - first for first, last in missing)
        began = min(event.at for event in events.values() if isinstance(event, Utterance))
        gaps = sum(event.seconds for event in events.values() if isinstance(event, Gap) and event.at > began)
        silent = (told[-1][1] - told[0][0] - sum(last - first for first, last in told)) / RATE
        assert abs(gaps - silent) <= JITTER_SECONDS * (self.killed + 1), (gaps, silent)
        started = sum(isinstance(event, ConversationStarted) for event in events.values())
        ended = sum(isinstance(event, ConversationEnded) for event in events.values())
        assert (started, ended) == (1, 1)
        return f"{self.killed} kills, {len(captured)} stretches heard, {lost} samples lost, {gaps:.1f} s of gaps told"


def _without(spans_: list[Span], others: list[Span]) -> list[Span]:
    """What of some spans is in none of the others."""
    left = []
    for first, last in spans_:
        at = first
        for begin, end in others:
            if end > at and begin < last:
                if begin > at:
                    left.append((at, begin))
                at = end
        if at < last:
            left.append((at, last))
    return left


async def _die_and_live_again(room: Room) -> str:
    for _ in range(ROUNDS):
        await room.round()
    await room.finish()
    return room.check()


async def _with_an_engine_elsewhere(folder: Path, dice: random.Random, *settings: str) -> str:
    async with engine() as served, Proxy(served.port).serving() as proxy:
        ways = [Way.REFUSE, Way.RESET, Way.DROP, Way.CUT_REPLIES, Way.DELAY]
        proxy.plan.extend(Break(dice.choice(ways), dice.randrange(60_000)) for _ in range(ROUNDS // 2))
        arguments = ["--transport", "symbl", "--set", f"symbl.url=ws://127.0.0.1:{proxy.port}"]
        told = [f"symbl.token={served.token}", "symbl.heartbeat=2", *settings]
        return await _die_and_live_again(
            Room(folder, [*arguments, *(part for one in told for part in ("--set", one))], dice)
        )


async def _with_an_engine_of_its_own(folder: Path, dice: random.Random) -> str:
    told = ["engine.recognizer=numbered", "engine.detector=rules"]
    arguments = ["--transport", "engine", *(part for one in told for part in ("--set", one))]
    return await _die_and_live_again(Room(folder, arguments, dice))


@pytest.mark.timeout(240)
async def test_a_listener_that_is_killed_again_and_again_loses_only_what_was_in_its_hands(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("elsewhere", "durable", "own")]
    for folder in folders:
        folder.mkdir()
    seed = os.environ.get("EARMARK_SEED", "1")
    lives = (
        _with_an_engine_elsewhere(folders[0], random.Random(f"{seed} elsewhere")),
        _with_an_engine_elsewhere(folders[1], random.Random(f"{seed} durable"), "spool.durable=true"),
        _with_an_engine_of_its_own(folders[2], random.Random(f"{seed} own")),
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(life) for life in lives]
    for folder, task in zip(folders, tasks, strict=True):
        print(f"{folder.name:10} {task.result()}")
