"""A recording as a source of sound."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from earmark.audio import Frame
from earmark.errors import SourceFailed
from earmark.room import Room
from earmark_file.mono import Converter, Cutter, Floats
from earmark_file.pace import Pace
from earmark_file.settings import FileSettings

FRAME_SAMPLES = 1024
_BLOCK_SECONDS = 1


@asynccontextmanager
async def open_recording(settings: FileSettings, room: Room) -> AsyncIterator[Recording]:
    """Open a recording; raises `SourceFailed` where there is none to hear."""
    path = settings.file
    recording = Recording(await asyncio.to_thread(_open_sound, path, settings.channel), path, settings, room)
    try:
        yield recording
    finally:
        await asyncio.to_thread(recording.close)


class Recording:
    """The frames of a recording, in the time that they last or as fast as they are taken."""

    def __init__(self, sound: Any, path: Path, settings: FileSettings, room: Room) -> None:
        self._sound, self._path = sound, path
        self._settings, self._room = settings, room
        # Whoever is cancelled while a thread reads must not have the file closed under that thread's hands.
        self._in_use = threading.Lock()
        room.stage.details["file"] = path.name
        room.stage.details["format"] = f"{sound.format}, {sound.samplerate} Hz, {sound.channels} channels"

    async def __aiter__(self) -> AsyncIterator[Frame]:
        rate, clock = self._room.rate, self._room.clock
        began = self._settings.recorded_at.timestamp() if self._settings.recorded_at else clock.now()
        pace = Pace()
        position = 0
        async for samples in self._pieces():
            frame = Frame(samples=samples, rate=rate, position=position, at=began + position / rate)
            if not self._settings.fast:
                await clock.sleep(pace.wait(frame.seconds, clock.monotonic()))
            position += len(samples)
            yield frame

    def close(self) -> None:
        """Close the file, once nobody reads it."""
        with self._in_use:
            self._sound.close()

    async def _pieces(self) -> AsyncIterator[Any]:
        channel = self._settings.channel
        chosen = (channel - 1,) if channel else None
        converter = Converter(rate=self._sound.samplerate, room_rate=self._room.rate, channels=chosen)
        cutter = Cutter(FRAME_SAMPLES)
        last = False
        while not last:
            block = await asyncio.to_thread(self._read)
            last = len(block) == 0
            for samples in cutter.cut(converter.convert(block, last=last), last=last):
                yield samples

    def _read(self) -> Floats:
        import soundfile

        try:
            with self._in_use:
                block: Floats = self._sound.read(
                    _BLOCK_SECONDS * self._sound.samplerate, dtype="float32", always_2d=True
                )
        except soundfile.LibsndfileError as error:
            seconds = self._sound.tell() / self._sound.samplerate
            raise SourceFailed(
                f"{self._path} is damaged after {seconds:.1f} s ({error.error_string}); what came before it was heard."
            ) from error
        return block


def _open_sound(path: Path, channel: int | None) -> Any:
    import soundfile

    _check(path)
    try:
        sound = soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        raise SourceFailed(
            f"{path} is not a recording that can be read ({error.error_string.rstrip('.')});"
            " WAV, FLAC, Ogg, Opus and MP3 can be, and ffmpeg makes one of anything else."
        ) from error
    problem = None
    if sound.frames == 0:
        problem = f"{path} is a recording of 0 seconds: there is nothing to hear in it."
    elif channel is not None and channel > sound.channels:
        problem = f"{path} has {sound.channels} channels and no channel {channel}; leave `channel` out to mix them."
    if problem:
        sound.close()
        raise SourceFailed(problem)
    return sound


def _check(path: Path) -> None:
    try:
        if path.is_dir():
            raise SourceFailed(f"{path} is a folder; name one recording in it.")
        with path.open("rb") as file:
            if not file.read(1):
                raise SourceFailed(f"{path} is empty; there is nothing to hear in it.")
    except FileNotFoundError:
        raise SourceFailed(f"There is no file {path}; check the name, or give the whole path.") from None
    except PermissionError:
        raise SourceFailed(f"{path} may not be read by this user; `ls -l` shows who may.") from None
    except OSError as error:
        raise SourceFailed(f"{path} cannot be read: {error.strerror}.") from None
