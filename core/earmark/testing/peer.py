"""A speech service in memory that remembers every sample it was sent, and misbehaves on request."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from earmark.audio import Frame
from earmark.clock import moment
from earmark.errors import ConnectionFailed
from earmark.events import Utterance
from earmark.hookspecs import Axis, Confirmed, FromPeer, Heard, Start, Started


@dataclass
class Fault:
    """What goes wrong with one connection."""

    refuse: Exception | None = None
    """Raised instead of connecting."""
    drop_after_seconds: float | None = None
    """The line is lost once so much sound was sent on it."""
    lose_results: bool = False
    """Results that were not taken yet are lost with the line."""
    stall: bool = False
    """Sound is taken, and nothing is ever told."""


@dataclass
class Memory:
    """What the service knows of one conversation."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    samples: dict[int, int] = field(default_factory=dict)
    """Every sample that was heard, by its place on the capture clock."""
    told: float = 0.0
    """Capture seconds up to which utterances were told."""
    sequence: int = 0
    log: list[tuple[int, FromPeer]] = field(default_factory=list)
    """What was told, for whoever lost it."""


class ScriptedPeer:
    """Says one utterance for every `every_seconds` of sound; its text names the samples it came from.

    With `confirms`, it acknowledges sound and repeats lost results as Earmark's own engine does; without, it behaves as
    any other service, with times on the clock of what was sent.
    """

    def __init__(self, *, every_seconds: float = 1.0, confirms: bool = False) -> None:
        self.every_seconds = every_seconds
        self.confirms = confirms
        self.faults: deque[Fault] = deque()
        """What goes wrong with the next connections, in order; afterwards all is well."""
        self.conversations: dict[str, Memory] = {}
        self.connects = 0
        self.finished: list[str] = []
        self.paused = 0

    def connection_id(self) -> str:
        """An id for a new conversation."""
        return uuid.uuid4().hex

    @asynccontextmanager
    async def connect(self, connection_id: str) -> AsyncIterator[ScriptedConnection]:
        """Open a line, unless the script says otherwise."""
        self.connects += 1
        fault = self.faults.popleft() if self.faults else Fault()
        if fault.refuse is not None:
            raise fault.refuse
        await asyncio.sleep(0)
        yield ScriptedConnection(self, connection_id, fault)

    def forget(self) -> None:
        """Lose all memory, as a service that was restarted."""
        for memory in self.conversations.values():
            memory.id, memory.sequence, memory.told = uuid.uuid4().hex, 0, 0.0
            memory.log.clear()


class ScriptedConnection:
    """One line to a scripted peer."""

    def __init__(self, peer: ScriptedPeer, connection_id: str, fault: Fault) -> None:
        self._peer = peer
        self._id = connection_id
        self._fault = fault
        self._memory = Memory()
        self._results: asyncio.Queue[FromPeer | Exception | None] = asyncio.Queue()
        self._sent = 0.0
        self._sent_on_line = 0.0
        self._unsaid: list[Frame] = []
        self._sent_at: list[float] = []
        self._dead = False

    async def start(self, start: Start) -> Started:
        """Begin or go on."""
        self._memory = self._peer.conversations.setdefault(self._id, Memory())
        self._sent, self._unsaid = 0.0, []
        if not self._peer.confirms:
            return Started(conversation=self._memory.id)
        for sequence, item in self._memory.log:
            if sequence > start.sequence:
                self._results.put_nowait(item)
        heard = round(self._memory.told * start.rate) if self._memory.told > start.position / start.rate else None
        return Started(conversation=self._memory.id, heard=heard, confirms=True)

    async def send(self, frame: Frame) -> None:
        """Hear a frame."""
        if self._dead:
            raise ConnectionFailed("The line is lost.")
        for offset, sample in enumerate(frame.samples.tolist()):
            self._memory.samples[frame.position + offset] = sample
        self._unsaid.append(frame)
        self._sent_at.append(self._sent)
        self._sent += frame.seconds
        self._sent_on_line += frame.seconds
        if sum(part.seconds for part in self._unsaid) >= self._peer.every_seconds - 1e-9:
            self._say()
        limit = self._fault.drop_after_seconds
        if limit is not None and self._sent_on_line >= limit:
            self._lose()
        await asyncio.sleep(0)

    def hang_up_politely(self) -> None:
        """End the conversation from the service's side, as soon as anybody listens."""
        self._results.put_nowait(None)

    def _lose(self) -> None:
        self._dead = True
        if self._fault.lose_results:
            while not self._results.empty():
                self._results.get_nowait()
        self._results.put_nowait(ConnectionFailed("The line was lost."))

    def _say(self) -> None:
        if not self._unsaid or self._fault.stall:
            return
        first, last = self._unsaid[0], self._unsaid[-1]
        axis = Axis.CAPTURE if self._peer.confirms else Axis.SENT
        begin = self._sent - sum(part.seconds for part in self._unsaid)
        start, end = (first.start, last.end) if self._peer.confirms else (begin, self._sent)
        utterance = Utterance(
            id=uuid.uuid4().hex,
            at=moment(first.at),
            text=f"samples {first.position} to {last.position + len(last.samples)}",
            start=start,
            end=end,
        )
        self._unsaid = []
        self._memory.told = last.end
        self._tell(lambda n: Heard(utterance, axis, n))
        if self._peer.confirms:
            self._tell(lambda n: Confirmed(last.end, Axis.CAPTURE, n))

    def _tell(self, make: Callable[[int | None], FromPeer]) -> None:
        if not self._peer.confirms:
            self._results.put_nowait(make(None))
            return
        self._memory.sequence += 1
        item = make(self._memory.sequence)
        self._memory.log.append((self._memory.sequence, item))
        self._results.put_nowait(item)

    async def pause(self) -> None:
        """Say the rest."""
        self._peer.paused += 1
        self._say()
        await self._results.join()

    async def finish(self) -> None:
        """Say the rest, and end."""
        self._say()
        self._peer.finished.append(self._id)
        self._results.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[FromPeer]:
        """What the peer tells."""
        return self._told()

    async def _told(self) -> AsyncIterator[FromPeer]:
        while (item := await self._results.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
            self._results.task_done()
