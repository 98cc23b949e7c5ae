"""The microphone as a source: what a capturing process tells, watched over.

Any reason not to trust it any more (it ended, it stalls, it is gone, a better one is there, it gives only zeros) ends
the process and raises `SourceError` with the reason; the host opens the microphone again.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import numpy as np

from earmark.audio import Cause, Frame, Omitted
from earmark.errors import SourceError
from earmark.room import Room
from earmark_mic.choosing import Wishes, why_reopen
from earmark_mic.looking import look
from earmark_mic.settings import MicSettings
from earmark_mic.stream import Stream, capturing
from earmark_mic.watching import ZeroWatch, hints
from earmark_mic.wire import Lost, Opened, Sound, Task

_FIRST_SOUND_SECONDS = 5.0
_SETTLE_SECONDS = 0.2
_LOOK_EVERY_SECONDS = 10.0
_FIRST_REFUSAL_SECONDS = 60.0
_MOST_REFUSAL_SECONDS = 3600.0


class Patience:
    """Remembers which microphones would not open, and for how long not to prefer them again."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[float, float]] = {}

    def refused(self, device: str, now: float) -> None:
        """Take note that one could not be opened: each time twice as long passes before it is preferred again."""
        _, seconds = self._until.get(device, (0.0, _FIRST_REFUSAL_SECONDS / 2))
        seconds = min(2 * seconds, _MOST_REFUSAL_SECONDS)
        self._until[device] = now + seconds, seconds

    def opened(self, device: str) -> None:
        """Take note that one could be opened."""
        self._until.pop(device, None)

    def unwilling(self, now: float) -> set[str]:
        """Those that are not to be preferred now."""
        return {device for device, (until, _) in self._until.items() if now < until}


class Microphones:
    """Opens the microphone, and remembers from one time to the next what it is like."""

    def __init__(self) -> None:
        self._patience = Patience()
        self._zeros: dict[str, ZeroWatch] = {}

    @asynccontextmanager
    async def open(self, settings: MicSettings, room: Room) -> AsyncIterator[Microphone]:
        """Open the microphone that is wished for; raises `SourceError` where it cannot be heard now."""
        wishes = wishes_of(settings, room.controls.device)
        async with AsyncExitStack() as stack:
            stream = await stack.enter_async_context(capturing(task_of(settings, wishes, room.rate), room.log))
            opened = stream.opened
            hint = await stack.enter_async_context(hints(server=opened.device.pulse_source is not None))
            for device in opened.refused:
                self._patience.refused(device, room.clock.monotonic())
            self._patience.opened(opened.device.id)
            zeros = self._zeros.setdefault(opened.device.id, ZeroWatch(after_seconds=settings.zeros_after))
            microphone = Microphone(stream, room, settings, zeros)
            watching = asyncio.create_task(self._watch(microphone, hint, wishes, room))
            try:
                yield microphone
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, microphone: Microphone, hint: asyncio.Event, wishes: Wishes, room: Room) -> None:
        """Look again whenever something may have changed, and end the capture where it should not go on."""
        stream, opened = microphone.stream, microphone.stream.opened
        if opened.device.pulse_source:
            hint.set()
        often = opened.wish > 0 or sys.platform != "linux"
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_SECONDS if often else None):
                    await hint.wait()
            await asyncio.sleep(_SETTLE_SECONDS)
            hint.clear()
            try:
                listing = await look()
            except (SourceError, OSError) as error:
                room.log.warning("%s", error)
                continue
            unwilling = self._patience.unwilling(room.clock.monotonic())
            why = why_reopen(listing, opened.device, process=stream.process.pid, wishes=wishes, unwilling=unwilling)
            if why:
                await stream.give_up(why)
                return


class Microphone:
    """The frames that a microphone gives."""

    def __init__(self, stream: Stream, room: Room, settings: MicSettings, zeros: ZeroWatch) -> None:
        self.stream = stream
        self._room, self._settings, self._zeros = room, settings, zeros
        self._describe(stream.opened)

    async def __aiter__(self) -> AsyncIterator[Frame | Omitted]:
        position = 0
        while True:
            patience = float(self._settings.stalled_after)
            message = await self.stream.next(patience if position else max(patience, _FIRST_SOUND_SECONDS))
            item = self._item(message, position)
            position += item.length if isinstance(item, Omitted) else len(item.samples)
            yield item
            if isinstance(item, Frame) and self._zeros.hear(item.seconds, silent=not item.samples.any()):
                raise SourceError(f"{self._only_zeros()} It is opened again.")
            self._tell()

    def _item(self, message: Sound | Lost, position: int) -> Frame | Omitted:
        clock, stage, rate = self._room.clock, self._room.stage, self._room.rate
        at = clock.now() - (clock.monotonic() - message.captured)
        if isinstance(message, Lost):
            stage.count("overruns")
            return Omitted(position=position, length=message.length, rate=rate, at=at, cause=Cause.OVERRUN)
        if message.clipped:
            stage.count("clipped_samples", message.clipped)
        if message.invalid:
            stage.count("invalid_samples", message.invalid)
        return Frame(samples=np.frombuffer(message.samples, np.int16), rate=rate, position=position, at=at)

    def _describe(self, opened: Opened) -> None:
        device = opened.device
        self._room.stage.details.update(
            device=device.name,
            device_id=device.id,
            chosen=opened.why,
            format=f"{opened.sample_format}, {opened.rate} Hz, {opened.channels} channels",
            latency=f"{1000 * opened.latency_seconds:.0f} ms",
        )
        self._room.log.info("Hearing “%s” (%s): %s", device.name, device.id, opened.why)

    def _tell(self) -> None:
        """Say what is wrong, as long as it is."""
        opened = self.stream.opened
        problem = None
        if self._zeros.suspicious:
            problem = self._only_zeros()
        elif opened.wish > 0:
            problem = f"“{self._settings.device}” is not there; “{opened.device.name}” is heard instead."
        self._room.stage.problem = problem

    def _only_zeros(self) -> str:
        name = self.stream.opened.device.name
        return f"The microphone “{name}” gives nothing but zeros; is it muted, or its plug loose?"


def wishes_of(settings: MicSettings, chosen: str | None) -> Wishes:
    """What to listen to: what was chosen while listening comes before the configuration."""
    return Wishes(wanted=(chosen or settings.device, *settings.fallback), host_api=settings.host_api)


def task_of(settings: MicSettings, wishes: Wishes, room_rate: int) -> Task:
    """What the capturing process is asked for."""
    return Task(
        wanted=wishes.wanted,
        host_api=wishes.host_api,
        channels=settings.channels,
        gain_db=settings.gain_db,
        room_rate=room_rate,
        device_rate=settings.device_rate,
        sample_format=settings.sample_format,
        buffer_seconds=float(settings.buffer),
    )
