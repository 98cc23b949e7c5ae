"""An uplink with a real journal and a real spool, talking to whatever peer it is given."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from earmark.audio import Frame, Samples
from earmark.clock import SystemClock
from earmark.config import ConversationSettings, SpoolSettings
from earmark.events import Durable, Gap, Utterance
from earmark.hookspecs import Transport
from earmark.journal import Journal
from earmark.settings import Duration
from earmark.uplink import STATE_KEY, Spool, Uplink

RATE = 16000
BLOCK = 1600


def frames(count: int, *, first: int = 0, seed: int = 1) -> list[Frame]:
    """Noise, in blocks of a tenth of a second, that is the same for the same place."""
    return [
        Frame(samples=noise(index, seed), rate=RATE, position=index * BLOCK, at=1_700_000_000 + index * 0.1)
        for index in range(first, first + count)
    ]


def noise(index: int, seed: int) -> Samples:
    return np.random.default_rng([seed, index]).integers(-3000, 3000, BLOCK).astype(np.int16)


@dataclass
class Room:
    """One uplink at work."""

    uplink: Uplink
    journal: Journal
    spool: Spool
    running: asyncio.Task[None]
    states: list[str] = field(default_factory=list)

    async def events(self) -> list[Durable]:
        return [entry.event for entry in await self.journal.read(0, most=100_000)]

    async def spans(self) -> list[tuple[int, int]]:
        """From which sample to which the journaled utterances go, in order."""
        said = [event.text.split() for event in await self.events() if isinstance(event, Utterance)]
        return sorted((int(words[1]), int(words[3])) for words in said)

    async def gaps(self) -> list[Gap]:
        return [event for event in await self.events() if isinstance(event, Gap)]

    async def hear(self, sound: Sequence[Frame]) -> None:
        for frame in sound:
            await self.uplink.take(frame)

    async def end(self, seconds: float = 20) -> None:
        self.uplink.source_ended()
        await asyncio.wait_for(self.running, seconds)

    async def leave(self) -> None:
        self.uplink.stop()
        await asyncio.wait_for(self.running, 20)


@asynccontextmanager
async def room(
    folder: Path,
    peer: Transport,
    *,
    live: bool = False,
    spool_seconds: float = 600,
    catch_up: float = 1e6,
    rejoin: bool = True,
    idle_after: float = 60,
    ends_after: float = 1200,
) -> AsyncIterator[Room]:
    clock = SystemClock()
    spooling = SpoolSettings(seconds=Duration(spool_seconds), catch_up=catch_up)
    spool = Spool(folder / "memory", folder / "disk", seconds=spool_seconds, megabytes=64)
    states: list[str] = []

    async def ready() -> None:
        return None

    async with Journal.open(folder / "journal.db", clock=clock) as journal:

        async def store(events: Sequence[Durable], state: Mapping[str, bytes | None]) -> None:
            await journal.append(events, state=state)

        uplink = Uplink(
            room="kitchen",
            transport=peer,
            ready=ready,
            spool=spool,
            store=store,
            tell=lambda event: None,
            clock=clock,
            live=live,
            conversation=ConversationSettings(idle_after=Duration(idle_after), ends_after=Duration(ends_after)),
            spooling=spooling,
            changed=lambda: states.append(str(uplink.state)),
        )
        uplink.restore(await journal.state(STATE_KEY), rejoin=rejoin)
        running = asyncio.create_task(uplink.run())
        try:
            yield Room(uplink, journal, spool, running, states)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            spool.close()


def covered(spans: Sequence[tuple[int, int]]) -> bool:
    """Whether spans follow each other without a hole and without an overlap."""
    return all(before[1] == after[0] for before, after in itertools.pairwise(spans))
