"""The capturing process: opens one microphone and tells its sound on standard output until it is ended.

`python -m earmark_mic.capture TASK` has a process of its own because PortAudio's list of devices is made when it is
initialised, because closing a lost device can hang or crash, and because a callback must not wait for a busy listener.
To close the microphone is to end the process. It ends by itself when nobody takes its sound any more.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from earmark.audio import Samples
from earmark_file.api import Converter
from earmark_mic.choosing import Choice, choices
from earmark_mic.listing import NO_PORTAUDIO, list_now
from earmark_mic.ring import Block, Ring
from earmark_mic.timing import SampleClock
from earmark_mic.wire import Device, Failed, Lost, Message, Opened, Sound, Task, Trouble, encode

_READ_SECONDS = 0.03
_LEAST_LOSS_SECONDS = 0.01
_MOST_CHANNELS = 8
_NICE = -10
_USUAL_RATES = (48_000, 44_100, 16_000)


class NotOpened(Exception):
    """None of the microphones could be opened."""


@dataclass(frozen=True)
class Plan:
    """How a device is opened."""

    device: Device
    rate: int
    channels: int
    sample_format: str


class Conversion:
    """Turns what the callback brought into messages: the room's sound, and what is missing of it."""

    def __init__(self, plan: Plan, task: Task) -> None:
        self._plan, self._task = plan, task
        self._clock = SampleClock(plan.rate)
        self._begin(0)

    def messages(self, block: Block) -> Iterator[Message]:
        """What to tell of a block."""
        if block.overwritten:
            yield from self._hole(block.position, block.length)
            self._begin(block.position + block.length)
            return
        if block.overflowed and block.position:  # a stream that begins has nothing to lose
            late = self._clock.behind(block.position, block.captured)
            yield from self._hole(block.position, round(max(late, _LEAST_LOSS_SECONDS) * self._plan.rate))
            self._begin(block.position)
        self._clock.hear(block.position, block.captured)
        yield from self._sound(block.samples)

    def _begin(self, position: int) -> None:
        chosen = [channel - 1 for channel in self._task.channels]
        self._converter = Converter(
            rate=self._plan.rate, room_rate=self._task.room_rate, channels=chosen, gain_db=self._task.gain_db
        )
        self._segment, self._told = position, 0
        self._clipped = self._invalid = 0

    def _hole(self, position: int, frames: int) -> Iterator[Message]:
        yield from self._sound(self._nothing(), last=True)
        length = round(frames * self._task.room_rate / self._plan.rate)
        if length:
            yield Lost(length=length, captured=self._clock.time(position))

    def _nothing(self) -> Any:
        import numpy as np

        return np.zeros((0, self._plan.channels), self._plan.sample_format)

    def _sound(self, samples: Any, *, last: bool = False) -> Iterator[Message]:
        converted: Samples = self._converter.convert(samples, last=last)
        if not len(converted):
            return
        captured = self._clock.time(self._segment + self._told * self._plan.rate / self._task.room_rate)
        self._told += len(converted)
        clipped, invalid = self._converter.clipped, self._converter.invalid
        yield Sound(
            samples=converted.tobytes(),
            captured=captured,
            clipped=clipped - self._clipped,
            invalid=invalid - self._invalid,
        )
        self._clipped, self._invalid = clipped, invalid


@contextmanager
def _opened(task: Task) -> Iterator[tuple[Any, Ring, Plan, Opened]]:
    """Open the best microphone that can be; raises `NotOpened`."""
    found = choices(list_now().devices, task.wanted, host_api=task.host_api)
    refused: dict[str, str] = {}
    for choice in found:
        try:
            stream, ring, plan = _open(choice.device, task)
        except Exception as error:  # sounddevice raises of its own, and ValueError for what it has not
            refused[choice.device.id] = str(error).strip().splitlines()[0]
            continue
        try:
            stream.start()
            yield stream, ring, plan, _told(choice, plan, stream, refused)
        finally:
            stream.abort()
            stream.close()
        return
    raise NotOpened(_why_not(task, found, refused))


def _told(choice: Choice, plan: Plan, stream: Any, refused: dict[str, str]) -> Opened:
    return Opened(
        device=choice.device,
        why=choice.why,
        wish=choice.wish,
        rate=plan.rate,
        channels=plan.channels,
        sample_format=plan.sample_format,
        latency_seconds=stream.latency,
        refused=refused,
    )


def _why_not(task: Task, found: list[Choice], refused: dict[str, str]) -> str:
    if not found:
        wanted = " nor ".join(f"“{wish}”" for wish in task.wanted)
        return f"There is no microphone {wanted} here; plug it in, or choose one that `earmark devices` lists."
    said = "; ".join(f"{choice.device.name}: {refused[choice.device.id]}" for choice in found)
    return f"The microphone could not be opened ({said}); another program may hold it, or it was just unplugged."


def _open(device: Device, task: Task) -> tuple[Any, Ring, Plan]:
    import sounddevice

    _name_source(device.pulse_source)
    plan = _plan(device, task, sounddevice.check_input_settings)
    ring = Ring(frames=round(task.ring_seconds * plan.rate), channels=plan.channels, dtype=plan.sample_format)
    stream = sounddevice.InputStream(
        device=device.index,
        samplerate=plan.rate,
        channels=plan.channels,
        dtype=plan.sample_format,
        latency=task.buffer_seconds,
        callback=_callback(ring, plan.rate),
    )
    return stream, ring, plan


def _name_source(source: str | None) -> None:
    """Tell the sound server's libraries which source to take: they look for it each time that a device is opened."""
    for variable in ("PULSE_SOURCE", "PIPEWIRE_NODE"):
        if source:
            os.environ[variable] = source
        else:
            os.environ.pop(variable, None)


def _callback(ring: Ring, rate: int) -> Callable[[Any, int, Any, Any], None]:
    steady, write = time.monotonic, ring.write

    def hear(block: Any, frames: int, times: Any, status: Any) -> None:
        latest = steady() - frames / rate
        captured = times.inputBufferAdcTime
        # Some drivers leave the time out, or tell it on a clock of their own.
        write(block, captured if latest - 2 < captured <= latest + 0.5 else latest, bool(status.input_overflow))

    return hear


def _plan(device: Device, task: Task, check: Callable[..., None]) -> Plan:
    """The first way of opening that PortAudio says will do; raises its refusal of the last."""
    problem: Exception | None = None
    for rate, channels, sample_format in _ways(device, task):
        try:
            check(device=device.index, samplerate=rate, channels=channels, dtype=sample_format)
        except Exception as error:  # sounddevice raises of its own, and ValueError for what it has not
            problem = error
        else:
            return Plan(device, rate, channels, sample_format)
    raise problem or NotOpened("it has no channels")


def _ways(device: Device, task: Task) -> Iterator[tuple[int, int, str]]:
    needed = max(task.channels, default=0)
    most = device.channels if device.channels <= _MOST_CHANNELS else 1
    counts = dict.fromkeys([max(needed, most), device.channels] if needed else [most, device.channels])
    rates = dict.fromkeys([task.device_rate] if task.device_rate else [device.rate, *_USUAL_RATES])
    formats = ("int16", "float32") if task.sample_format == "auto" else (task.sample_format,)
    for rate in rates:
        for count in counts:
            for sample_format in formats:
                yield rate, count, sample_format


def capture(task: Task, tell: Callable[[Message], None]) -> Failed:
    """Tell of a microphone's sound for as long as there is any."""
    listener = os.getppid()
    try:
        with _opened(task) as (stream, ring, plan, opened):
            tell(opened)
            conversion = Conversion(plan, task)
            while stream.active and os.getppid() == listener:  # who is told nothing would not know that nobody listens
                time.sleep(_READ_SECONDS)
                for block in ring.take():
                    for message in conversion.messages(block):
                        tell(message)
            return Failed(trouble=Trouble.LOST, message=f"The microphone “{plan.device.name}” is gone.")
    except NotOpened as error:
        return Failed(trouble=Trouble.NOT_OPENED, message=str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        return Failed(trouble=Trouble.NO_PORTAUDIO, message=NO_PORTAUDIO)


def _prefer_me() -> None:
    try:
        os.nice(_NICE)
    except OSError:  # only some users may
        return


def _private_output() -> int:
    """A descriptor of our own for what we tell; what libraries print goes to standard error."""
    output = os.dup(1)
    os.dup2(2, 1)
    return output


def main() -> int:
    """Capture as the command line says."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    output = _private_output()
    _prefer_me()

    def tell(message: Message) -> None:
        data = encode(message)
        while data:
            data = data[os.write(output, data) :]

    try:
        tell(capture(task, tell))
    except BrokenPipeError:  # nobody listens any more
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
