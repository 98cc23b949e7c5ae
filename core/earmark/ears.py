"""The room's ears: the source, opened again and again, on one capture clock, through the filters.

The capture clock goes on whatever happens to the source: what is missing because it was muted, lost or restarted is an
`Omitted` on it. A source counts from 0 each time it is opened; here its sound finds its place.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from earmark.audio import Cause, Frame, Omitted, peak_dbfs, rms_dbfs
from earmark.backoff import delays
from earmark.clock import Clock, moment
from earmark.errors import SourceError, SourceFailed
from earmark.events import Level
from earmark.filters import Chain, Item
from earmark.hookspecs import Source
from earmark.room import Controls
from earmark.stages import Stage, describe, guarded
from earmark.tasks import at_work

_LEVELS_A_SECOND = 4
_DEAD_SECONDS = 10.0
_QUEUE_FRAMES = 64
_MUTED_TICK_SECONDS = 1.0
_FIRST_DELAY_SECONDS = 0.5
_MOST_DELAY_SECONDS = 15.0
_JITTER_SECONDS = 0.25
_EPSILON_SECONDS = 1e-3
_MOST_SAMPLES = 16384
_MOST_AGE_SECONDS = 10.0


@dataclass(frozen=True)
class _Ended:
    """The source has no more sound, or failed."""

    error: BaseException | None


class Ears:
    """Gives the room's sound, filtered, for as long as there is any."""

    def __init__(
        self,
        stage: Stage,
        chain: Chain,
        *,
        controls: Controls,
        control_changed: asyncio.Event,
        clock: Clock,
        base_seconds: float,
        heard_until_seconds: float | None,
        tell: Callable[[Level], None],
    ) -> None:
        self._stage = stage
        self._chain = chain
        self._controls = controls
        self._control_changed = control_changed
        self._clock = clock
        self._tell = tell
        self._live = stage.offer.live
        self._rate = stage.room.rate
        self._began = clock.monotonic() - base_seconds
        self._until = base_seconds if heard_until_seconds is None else heard_until_seconds
        """Capture seconds up to which everything is accounted for."""
        self._until_at = self._began + self._until
        """When that was, on the steady clock."""
        self._fresh = heard_until_seconds is None
        """Whether this is the first sound of all, and no conversation goes on with it."""
        self._base: float | None = None
        """Capture seconds at which the source was opened."""
        self._closed_by_mute = False
        self._cause = Cause.RESTARTED
        self._meter = _Meter()
        self._heard_at = clock.monotonic()
        self._stopping = asyncio.Event()

    @property
    def heard_at(self) -> float:
        """When the source last gave anything, on the steady clock."""
        return self._heard_at

    @property
    def now(self) -> float:
        """What the capture clock says."""
        return self._until + self._clock.monotonic() - self._until_at

    @property
    def until(self) -> float:
        """Capture seconds up to which everything is accounted for."""
        return self._until

    def _muted(self) -> bool:
        return self._controls.muted

    def stop(self) -> None:
        """Close the source; what was heard is still given."""
        self._stopping.set()
        self._control_changed.set()

    async def listen(self) -> AsyncIterator[Item]:
        """The room's sound from now on; raises `SourceFailed` when there can be none."""
        rng = random.Random()  # noqa: S311 # spreads retries, guards nothing
        waits = delays(_FIRST_DELAY_SECONDS, _MOST_DELAY_SECONDS, rng)
        try:
            while not self._stopping.is_set():
                if self._muted():
                    async for item in self._deaf():
                        yield item
                    continue
                ended: _Ended | None = None
                async with aclosing(self._opened()) as sound:
                    async for heard in sound:
                        if isinstance(heard, _Ended):
                            ended = heard
                            break
                        waits = delays(_FIRST_DELAY_SECONDS, _MOST_DELAY_SECONDS, rng)
                        for item in await self._through(heard):
                            yield item
                if self._stopping.is_set() or (ended and self._is_over(ended)):
                    break
                if self._closed_by_mute:
                    # The owner may have unmuted while the device was closing: what was held back is gone all the same.
                    self._closed_by_mute, self._cause = False, Cause.MUTED
                    for item in await self._chain.reset(Cause.MUTED):
                        yield item
                elif ended is not None:
                    self._cause = Cause.DEVICE_LOST
                    await self._pause(next(waits))
            for item in await self._chain.finish():
                yield item
            for item in self._missing_now():
                yield item
        finally:
            await self._chain.close()

    def _is_over(self, ended: _Ended) -> bool:
        """Whether no more sound will come; raises if there was never to be any."""
        if ended.error is None:
            if not self._live:
                return True
            ended = _Ended(SourceError("The source ended."))
        error = ended.error
        if isinstance(error, SourceFailed):
            raise error
        self._stage.report.fail(describe(error) if error else "The source ended.")
        self._stage.log.warning("%s: %s", self._stage.label, self._stage.report.problem)
        return False

    async def _pause(self, seconds: float) -> None:
        """Wait before the source is opened again, unless something is asked for meanwhile."""
        self._stage.report.waiting("reopening", self._clock.monotonic() + seconds + 1)
        await self._change(seconds)

    async def _change(self, seconds: float) -> None:
        self._control_changed.clear()
        if self._stopping.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._control_changed.wait()
        except TimeoutError:
            return

    # -- one opening ----------------------------------------------------------------------------------------------

    async def _opened(self) -> AsyncGenerator[Item | _Ended, None]:
        """What the source gives until it ends, fails, is muted, or is to be another one."""
        queue: asyncio.Queue[Item | _Ended] = asyncio.Queue(_QUEUE_FRAMES)
        device = self._controls.device
        self._base = None
        self._control_changed.clear()
        reading = asyncio.create_task(self._read(queue), name="earmark source")
        try:
            while not (self._stopping.is_set() or self._muted() or self._controls.device != device):
                if self._stage.restarts.is_set():
                    self._stage.restarts.clear()
                    return
                item = await self._next(queue)
                if item is None:
                    continue
                for placed in self._placed_with_what_is_missing(item):
                    yield placed
                if isinstance(item, _Ended):
                    return
            self._closed_by_mute = self._muted()
            if self._controls.device != device:
                self._cause = Cause.DEVICE_LOST
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        while not queue.empty() and not self._muted():
            for placed in self._placed_with_what_is_missing(queue.get_nowait()):
                yield placed

    async def _next(self, queue: asyncio.Queue[Item | _Ended]) -> Item | _Ended | None:
        """The next thing from the source; None when something was asked for meanwhile."""
        if not queue.empty():
            return queue.get_nowait()
        getting = asyncio.ensure_future(queue.get())
        asked = asyncio.ensure_future(self._control_changed.wait())
        limit = self._patience()
        try:
            done, _ = await asyncio.wait({getting, asked}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if getting in done:
                return getting.result()
            if asked in done:
                self._control_changed.clear()
                return None
            if limit is None or self._patience() == limit:
                return _Ended(SourceError(f"{self._stage.label} gives no sound."))
            return None
        finally:
            for future in (getting, asked):
                future.cancel()
            await asyncio.gather(getting, asked, return_exceptions=True)

    def _patience(self) -> float | None:
        """How long a source may give nothing: for ever if it can wait, longer if it says why."""
        if not self._live:
            return None
        report = self._stage.report
        waits = report.wait_until - self._clock.monotonic() if report.wait_name else 0.0
        return max(_DEAD_SECONDS, waits)

    async def _read(self, queue: asyncio.Queue[Item | _Ended]) -> None:
        """Open the source and hand on what it gives."""
        try:
            async with self._stage.open() as source:
                with at_work(self._stage):
                    await guarded(lambda: self._hand_on(source, queue), self._stage.label, "listening")
            await queue.put(_Ended(None))
        except Exception as error:  # whatever a plugin raises, the room goes on
            await queue.put(_Ended(error))

    async def _hand_on(self, source: Source, queue: asyncio.Queue[Item | _Ended]) -> None:
        until: float | None = None
        async for given in source:
            for item in checked(given, until, self._stage.label):
                await queue.put(item)
                until = item.end

    # -- its place on the capture clock ---------------------------------------------------------------------------

    def _placed_with_what_is_missing(self, item: Item | _Ended) -> list[Item | _Ended]:
        if isinstance(item, _Ended):
            return [item]
        missing: list[Item] = []
        if self._base is None:
            self._stage.report.working()
            missing = self._missing_before(item)
            self._base = self._until - item.start
        return [*missing, self._placed(item, self._base)]

    def _missing_before(self, item: Item) -> list[Item]:
        """What is missing between what is accounted for and the first sound of a live source."""
        if not self._live:
            return []
        start = self._clock.monotonic() - self._began - self._age(item)
        if self._fresh:
            # Nothing was heard before that what passed until the source was open could be missing from.
            self._fresh = False
            self._account(max(self._until, start))
            return []
        if start - self._until < _JITTER_SECONDS:
            return []
        return self._omit(start, item.rate, item.at)

    def _age(self, item: Item) -> float:
        """How long ago it was captured: longer than it lasts, where the program had other things to do meanwhile."""
        age = self._clock.now() - item.at
        return age if item.seconds <= age < _MOST_AGE_SECONDS else item.seconds

    def _missing_now(self) -> list[Item]:
        """What is missing up to now, if the source was away."""
        now = self._clock.monotonic() - self._began
        if not self._live or now - self._until < 2 * _JITTER_SECONDS or self._stage.report.state == "closed":
            return []
        return self._omit(now, self._rate, self._clock.now())

    def _omit(self, until: float, rate: int, at: float) -> list[Item]:
        # A sound card that runs fast is ahead of the steady clock; the capture clock never goes back.
        first, last = round(self._until * rate), round(max(until, self._until) * rate)
        cause, self._cause = self._cause, Cause.DEVICE_LOST
        self._account(last / rate)
        return [Omitted(first, last - first, rate, at - (last - first) / rate, cause)] if last > first else []

    def _placed(self, item: Item, base: float) -> Item:
        """The same sound at its place on the capture clock."""
        position = round((base + item.start) * item.rate)
        self._account((position + round(item.seconds * item.rate)) / item.rate)
        if isinstance(item, Frame):
            return Frame(samples=item.samples, rate=item.rate, position=position, at=item.at)
        return Omitted(position, item.length, item.rate, item.at, item.cause)

    def _account(self, until: float) -> None:
        self._until, self._until_at = until, self._clock.monotonic()

    # -- what is made of it ---------------------------------------------------------------------------------------

    async def _through(self, item: Item) -> list[Item]:
        self._heard_at = self._clock.monotonic()
        if isinstance(item, Frame):
            self._stage.report.count("frames")
            if level := self._meter.hear(item):
                speech, speaking = self._chain.speech
                peak, rms = level
                self._tell(
                    Level(
                        room=self._stage.room.name,
                        at=moment(item.at),
                        peak_dbfs=round(peak, 1),
                        rms_dbfs=round(rms, 1),
                        speech=speech,
                        speaking=speaking,
                    )
                )
        return await self._chain.hear(item)

    async def _deaf(self) -> AsyncIterator[Item]:
        """What there is while muted: the time that passes."""
        self._stage.report.state, self._stage.report.problem = "closed", None
        while self._muted() and not self._stopping.is_set():
            self._cause = Cause.MUTED
            for item in self._omit(self._clock.monotonic() - self._began, self._rate, self._clock.now()):
                for out in await self._chain.hear(item):
                    yield out
            await self._change(_MUTED_TICK_SECONDS)
        self._heard_at = self._clock.monotonic()
        self._cause = Cause.MUTED


def checked(item: object, until: float | None, label: str) -> list[Item]:
    """What a source gave, in pieces that the room can work with, and what it left out without a word.

    Raises `TypeError` or `ValueError` for what is neither sound nor says that there is none.
    """
    if not isinstance(item, Frame | Omitted):
        raise TypeError(f"{label} gave {type(item).__name__} instead of Frame or Omitted")
    if isinstance(item, Frame) and (getattr(item.samples, "dtype", None) != np.int16 or item.samples.ndim != 1):
        raise TypeError(f"{label} gave samples that are not one channel of int16")
    if item.rate <= 0 or not math.isfinite(item.at):
        raise ValueError(f"{label} gave sound without a rate or a time")
    if until is not None and item.start < until - _EPSILON_SECONDS:
        raise ValueError(f"{label} gave sound from before what it had given")
    pieces: list[Item] = []
    if until is not None and item.start > until + _EPSILON_SECONDS:
        first = round(until * item.rate)
        at = item.at - (item.start - until)
        pieces.append(Omitted(first, item.position - first, item.rate, at, Cause.DROPPED))
    return pieces + (list(item.pieces(_MOST_SAMPLES)) if isinstance(item, Frame) else [item])


class _Meter:
    """Measures loudness over quarters of a second."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []
        self._seconds = 0.0

    def hear(self, frame: Frame) -> tuple[float, float] | None:
        """Peak and loudness, when a quarter of a second is full."""
        self._parts.append(frame.samples)
        self._seconds += frame.seconds
        if self._seconds < 1 / _LEVELS_A_SECOND:
            return None
        samples = np.concatenate(self._parts)
        self._parts.clear()
        self._seconds = 0.0
        return peak_dbfs(samples), rms_dbfs(samples)
