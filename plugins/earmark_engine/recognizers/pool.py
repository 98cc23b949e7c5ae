"""A recogniser made of worker processes, so that recognition never holds up the sockets.

A worker that crashes, hangs or is killed is replaced; its streams go on with the next one from the last settled
point and lose nothing. Workers are started as streams need them and share them evenly.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import msgspec

from earmark_engine.recognizers.ears import PooledEars
from earmark_engine.recognizers.types import LanguageUnknown, Load, RecognizerError, TooBusy, understands
from earmark_engine.recognizers.wire import Close, Open, Told
from earmark_engine.recognizers.workers import Worker, failure

MOST_WORKERS = 4
MOST_DEATHS = 3
"""How many workers may die of one segment before it is left out."""
MOST_FAILED_STARTS = 5
"""How many processes may die before they are ready until streams are told that there is no recogniser."""
MOST_PAUSE_SECONDS = 60.0
YOUNG_SECONDS = 10.0
"""A worker that dies younger than this makes the pause before the next one longer."""
WATCH_SECONDS = 0.5


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When a pool loses patience."""

    silent_seconds: float = 60.0
    """A worker that has something to do and says nothing for so long hangs, and is replaced."""
    refuse_seconds: float = 20.0
    """No stream is taken while the least burdened worker has more than so many seconds of work ahead."""
    pause_seconds: float = 0.5
    """How long to wait before another worker follows one that died young; doubled each time."""


class Pool:
    """Implements `Recognizer`; `load` names the function that loads a model inside a worker."""

    def __init__(
        self,
        *,
        name: str,
        languages: tuple[str, ...],
        load: str,
        settings: msgspec.Struct,
        workers: int = 0,
        limits: PoolLimits | None = None,
        log: logging.Logger,
    ) -> None:
        self.name = name
        self.languages = languages
        self._command = (load, msgspec.json.encode(settings).decode())
        self._most = workers or max(1, min(MOST_WORKERS, (os.cpu_count() or 1) - 1))
        self._limits = limits or PoolLimits()
        self._log = log
        self._workers: list[Worker] = []
        self._ears: dict[int, PooledEars] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self._died_young = 0
        self._failure: RecognizerError | None = None
        self._restarts = 0
        self._closing = False

    async def __aenter__(self) -> Self:
        self._start_worker()
        self._spawn(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def load(self) -> Load:
        """How hard the workers are pressed just now."""
        return Load(
            streams=len(self._ears),
            backlog_seconds=min((self._work_ahead(worker) for worker in self._workers), default=0.0),
            real_time_factor=max((worker.report.real_time_factor for worker in self._workers), default=0.0),
            busy=max((worker.report.busy for worker in self._workers), default=0.0),
            restarts=self._restarts,
        )

    @property
    def pids(self) -> tuple[int, ...]:
        """The worker processes that run."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    async def ready(self) -> None:
        """Return when a worker has loaded its model; raises `RecognizerError` where none can."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._failure or any(worker.ready for worker in self._workers))
        if self._failure:
            raise self._failure

    @asynccontextmanager
    async def stream(self, *, language: str = "en-US", vocabulary: tuple[str, ...] = ()) -> AsyncIterator[PooledEars]:
        """Listen to one more stream."""
        if not understands(self.languages, language):
            known = ", ".join(self.languages)
            raise LanguageUnknown(f"The recogniser {self.name} does not understand {language!r}, only: {known}.")
        if self._failure:
            raise self._failure
        worker = self._choose()
        number = next(self._numbers)
        ears = PooledEars(number, vocabulary, worker.send)
        self._ears[number] = ears
        self._give(worker, number)
        worker.send(Open(stream=number, vocabulary=vocabulary))
        try:
            yield ears
        finally:
            del self._ears[number]
            self._leave(number)
            await ears.fail(f"This stream of the recogniser {self.name} is closed.")

    def _choose(self) -> Worker:
        """The least burdened worker, or a new one while all have streams and there may be more."""
        best = min(self._workers, key=lambda worker: (self._work_ahead(worker), len(worker.streams)))
        if best.streams and len(self._workers) < self._most:
            return self._start_worker()
        ahead = self._work_ahead(best)
        if ahead > self._limits.refuse_seconds:
            raise TooBusy(
                f"The recogniser {self.name} is {ahead:.0f} seconds behind with {len(self._ears)} streams; "
                "try again later, or raise `workers` on a machine with more cores."
            )
        return best

    def _work_ahead(self, worker: Worker) -> float:
        ahead = sum(self._ears[stream].ahead_seconds for stream in worker.streams)
        return ahead * max(worker.report.real_time_factor, 0.1)

    def _give(self, worker: Worker, stream: int) -> None:
        if not worker.streams:
            worker.awaken()
        worker.streams.add(stream)

    def _leave(self, stream: int) -> None:
        for worker in self._workers:
            if stream in worker.streams:
                worker.streams.remove(stream)
                worker.send(Close(stream=stream))
        idle = [worker for worker in self._workers if not worker.streams]
        for worker in idle[1:]:
            self._workers.remove(worker)
            worker.retire()

    def _start_worker(self, *, pause_seconds: float = 0.0) -> Worker:
        worker = Worker(self._command, self._told, self._log)
        self._workers.append(worker)
        self._spawn(self._employ(worker, pause_seconds))
        return worker

    async def _employ(self, worker: Worker, pause_seconds: float) -> None:
        """Run a worker; when it dies, hand its streams to another."""
        await asyncio.sleep(pause_seconds)
        if not worker.retired:
            await worker.run(lambda: self._spawn(self._started()))
        if worker.retired or self._closing:
            return
        self._workers.remove(worker)
        young = worker.lived_seconds(time.monotonic()) < YOUNG_SECONDS
        self._died_young = self._died_young + 1 if young else 0
        if worker.ready:
            self._log.warning(
                "A process of the recogniser %s died (%s); what it was doing is done again by another.",
                self.name,
                worker.last_words(),
            )
        else:
            await self._could_not_start(worker)
        await self._replace(worker)

    async def _started(self) -> None:
        self._failure = None
        async with self._changed:
            self._changed.notify_all()

    async def _could_not_start(self, worker: Worker) -> None:
        problem = failure(self.name, worker)
        self._log.error("%s", problem)
        if worker.reason or self._died_young >= MOST_FAILED_STARTS:
            self._failure = problem
            async with self._changed:
                self._changed.notify_all()

    async def _replace(self, dead: Worker) -> None:
        """Start another worker, after a pause where they keep dying, and give it the streams."""
        self._restarts += 1
        pause = self._limits.pause_seconds * (2**self._died_young - 2) if self._died_young else 0.0
        successor = self._start_worker(pause_seconds=min(pause, MOST_PAUSE_SECONDS))
        for ears in [self._ears[number] for number in sorted(dead.streams) if number in self._ears]:
            if self._failure:
                await ears.fail(str(self._failure))
            else:
                self._give(successor, ears.stream)
                ears.again(successor.send, spoiled=self._blame(ears, dead))

    def _blame(self, ears: PooledEars, dead: Worker) -> int:
        """Count a death against the stream that was worked for; 1 where its next segment is to be left out."""
        if dead.working_for != ears.stream:
            return 0
        ears.deaths += 1
        if ears.deaths < MOST_DEATHS:
            return 0
        self._log.error("A stretch of speech ended %d processes of the recogniser; it is left out.", ears.deaths)
        return 1

    async def _told(self, told: Told) -> None:
        if ears := self._ears.get(told.stream):
            await ears.told(told)

    async def _watch(self) -> None:
        """Kill workers that hang."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = time.monotonic()
            for worker in self._workers:
                if worker.silent_seconds(now) > self._limits.silent_seconds:
                    self._log.warning("A process of the recogniser %s hangs and is replaced.", self.name)
                    worker.kill()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._log.error("The recogniser %s has a fault.", self.name, exc_info=error)
