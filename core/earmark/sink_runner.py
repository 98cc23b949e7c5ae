"""One sink, opened again and again, and what is told of it. The rules stand at the top of `delivery`."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from earmark.backoff import delays
from earmark.clock import Clock
from earmark.errors import EarmarkError, Refused
from earmark.hookspecs import Sink
from earmark.journal import Journal
from earmark.room import StageReport
from earmark.streams import JournalStream, Position

OpenSink = Callable[[], AbstractAsyncContextManager[Sink]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long sinks are waited for."""

    first_delay_seconds: float = 0.5
    longest_delay_seconds: float = 60.0
    notice_seconds: float = 10.0
    """A sink that took nothing for so long while events wait is named."""
    hang_seconds: float = 120.0
    """After so long it is cancelled and opened again."""
    check_seconds: float = 1.0
    give_up_seconds: float = 2.0
    """So long a cancelled sink may take to go."""
    breaker_failures: int = 5
    """So many failures in a row open the breaker."""
    breaker_seconds: float = 60.0
    """So long an open breaker waits before it tries a single event."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What all sinks of a room share."""

    clock: Clock
    patience: Patience
    rng: random.Random
    ending: asyncio.Event
    """Set when the room shuts down."""


class _Failed(Exception):
    """A sink broke its side of the contract, in words."""


class SinkRunner:
    """Gives one sink its events, whatever it does, and keeps its report."""

    def __init__(self, name: str, journal: Journal, position: Position, means: Means, report: StageReport) -> None:
        self._name = name
        self._journal = journal
        self._position = position
        self._clock = means.clock
        self._patience = means.patience
        self._means = means
        self._report = report
        self._failures = 0
        self._logged = ""
        self._delays = self._new_delays()
        self._at_work: set[asyncio.Task[None]] = set()

    async def run(self, open_sink: OpenSink, *, from_start: bool) -> None:
        """Return when the room shuts down and the sink has taken everything or failed."""
        found = False
        self._report.state = "starting"
        while True:
            try:
                if not found:
                    await self._position.find(from_start=from_start)
                    found = True
                if await self._once(open_sink):
                    break
            except Exception as error:
                if self._means.ending.is_set():
                    break
                await self._failed(error)
        self._report.state = "closed"

    async def _once(self, open_sink: OpenSink) -> bool:
        """Open the sink and give it events; True when there is no more to give."""
        stream = JournalStream(self._journal, self._position, self._clock, self._means.ending, self._acknowledged)
        stream.probing = self._failures >= self._patience.breaker_failures
        self._report.working()
        work = asyncio.create_task(self._work(open_sink, stream), name=f"sink {self._name}")
        self._at_work.add(work)
        work.add_done_callback(self._gone)
        try:
            await self._watch(work, stream)
        finally:
            await self._end(work, stream)
        try:
            await work
        except asyncio.CancelledError:
            raise _Failed("it cancelled itself") from None
        except Exception as error:
            if not await self._refused(_innermost(error), stream):
                raise
            return self._means.ending.is_set()
        if stream.ended or self._means.ending.is_set():
            return True
        raise _Failed("it returned although more events will come")

    async def _work(self, open_sink: OpenSink, stream: JournalStream) -> None:
        async with open_sink() as sink:
            if self._failures < self._patience.breaker_failures:
                self._report.state = "running"
            await sink.run(stream)

    async def _watch(self, work: asyncio.Task[None], stream: JournalStream) -> None:
        """Return when the sink is done; raise when it hangs."""
        busy_since = self._clock.monotonic()
        while not work.done():
            check = asyncio.create_task(self._clock.sleep(self._patience.check_seconds))
            try:
                await asyncio.wait({work, check}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                check.cancel()
            now = self._clock.monotonic()
            self._count_lag()
            if stream.waiting or not self._lag or self._waits_as_announced(now):
                busy_since = now
            busy_since = max(busy_since, stream.given_at)
            if not work.done():
                self._judge(now - busy_since)

    def _judge(self, quiet_seconds: float) -> None:
        if quiet_seconds < self._patience.notice_seconds:
            return
        fault = f"it has taken nothing for {quiet_seconds:.0f} s while {self._lag} events wait"
        if quiet_seconds >= self._patience.hang_seconds:
            raise _Failed(fault)
        self._report.problem = f"The sink {self._name} is slow or hangs: {fault}"

    def _waits_as_announced(self, now: float) -> bool:
        return self._report.wait_name is not None and self._report.wait_until > now

    async def _end(self, work: asyncio.Task[None], stream: JournalStream) -> None:
        if work.done():
            return
        stream.revoke()
        work.cancel()
        await asyncio.wait({work}, timeout=self._patience.give_up_seconds)
        if not work.done():
            _log.error("The sink %s does not stop when cancelled; it is left behind", self._name)

    def _gone(self, work: asyncio.Task[None]) -> None:
        self._at_work.discard(work)
        if not work.cancelled() and (error := work.exception()):
            _log.debug("The sink %s ended: %s", self._name, _in_words(error))

    async def _refused(self, error: BaseException, stream: JournalStream) -> bool:
        """Whether it was a refusal of something that was given; if so, go on past it."""
        if not isinstance(error, Refused) or not stream.given:
            return False
        newest = stream.given[-1]
        if len(stream.given) > 1:
            self._position.alone_until = newest.seq
        else:
            self._report.refused += 1
            _log.warning("The sink %s refuses event %s: %s", self._name, newest.event.id, error)
            await self._position.move(newest.seq)
        return True

    def _acknowledged(self, events: int) -> None:
        self._report.delivered += events
        self._count_lag()
        if self._failures:
            self._failures = 0
            self._delays = self._new_delays()
        if self._report.problem:
            _log.warning("The sink %s takes events again", self._name)
        self._logged = ""
        self._report.problem = None
        self._report.state = "running"

    async def _failed(self, error: BaseException) -> None:
        self._failures += 1
        self._report.failures += 1
        self._count_lag()
        broken = self._failures >= self._patience.breaker_failures
        pause = self._patience.breaker_seconds if broken else next(self._delays)
        self._report.state = "open" if broken else "retrying"
        self._report.problem = (
            f"The sink {self._name} failed: {_in_words(_innermost(error))}; it is tried again in {pause:.0f} s"
            + (f", and {self._lag} events wait for it on disk" if self._lag else "")
        )
        self._log_failure(error)
        await self._pause(pause)

    def _log_failure(self, error: BaseException) -> None:
        """Warn of a failure once, not of its every repetition while a broker is away for days."""
        words = _in_words(_innermost(error))
        if words == self._logged:
            _log.debug("%s", self._report.problem)
            return
        self._logged = words
        # An EarmarkError says all that a person can act on; anything else is a fault in the plugin's code.
        trace = None if isinstance(error, EarmarkError | _Failed | OSError) else error
        _log.warning("%s", self._report.problem, exc_info=trace)

    async def _pause(self, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        self._report.waiting("to be tried again", until)
        while not self._means.ending.is_set() and (left := until - self._clock.monotonic()) > 0:
            await self._rest(min(left, self._patience.check_seconds))
            self._count_lag()
        self._report.working()

    async def _rest(self, seconds: float) -> None:
        """Return after a while, or when the room shuts down."""
        tasks = {
            asyncio.create_task(self._clock.sleep(seconds)),
            asyncio.create_task(self._means.ending.wait()),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    @property
    def _lag(self) -> int:
        return self._journal.last - self._position.taken

    def _count_lag(self) -> None:
        self._report.lag = self._lag

    def _new_delays(self) -> Iterator[float]:
        return delays(self._patience.first_delay_seconds, self._patience.longest_delay_seconds, self._means.rng)


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _in_words(error: BaseException) -> str:
    if isinstance(error, EarmarkError | _Failed):
        return str(error)
    return f"{type(error).__name__}: {error}"
