"""What `earmark doctor` asks of the microphone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from earmark.audio import SILENCE_DBFS, peak_dbfs
from earmark.errors import SourceError, SourceFailed
from earmark.hookspecs import Diagnosis, Verdict
from earmark.room import Room
from earmark_mic.settings import MicSettings
from earmark_mic.source import task_of, wishes_of
from earmark_mic.stream import Stream, capturing
from earmark_mic.wire import Sound

_SUBJECT = "microphone"
_LISTEN_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0
_QUIET_DBFS = -70.0


@asynccontextmanager
async def open_check(settings: MicSettings, room: Room) -> AsyncIterator[MicrophoneCheck]:
    """A check of the configured microphone."""
    yield MicrophoneCheck(settings, room)


class MicrophoneCheck:
    """Opens the microphone for a second."""

    def __init__(self, settings: MicSettings, room: Room) -> None:
        self._settings, self._room = settings, room

    async def diagnose(self) -> list[Diagnosis]:
        """Whether PortAudio is there, the microphone opens, and anything is heard."""
        wishes = wishes_of(self._settings, self._room.controls.device)
        try:
            async with capturing(task_of(self._settings, wishes, self._room.rate), self._room.log) as stream:
                return [_opened(stream), _heard(stream, await _peak(stream, self._room.rate))]
        except SourceFailed as failed:
            return [Diagnosis("PortAudio", Verdict.FAILED, "PortAudio is not installed.", str(failed))]
        except SourceError as error:
            advice = "`earmark devices` lists the microphones; name one as `device` in the table [mic]."
            return [Diagnosis(_SUBJECT, Verdict.FAILED, str(error), advice)]


async def _peak(stream: Stream, rate: int) -> float:
    """The loudest sample of the next second."""
    loudest = SILENCE_DBFS
    heard_seconds = 0.0
    while heard_seconds < _LISTEN_SECONDS:
        message = await stream.next(_PATIENCE_SECONDS)
        if isinstance(message, Sound):
            samples = np.frombuffer(message.samples, np.int16)
            loudest = max(loudest, peak_dbfs(samples))
            heard_seconds += len(samples) / rate
    return loudest


def _opened(stream: Stream) -> Diagnosis:
    opened = stream.opened
    verdict = Verdict.OK if opened.wish == 0 else Verdict.WARNING
    return Diagnosis(_SUBJECT, verdict, f"“{opened.device.name}” ({opened.device.id}) opens: {opened.why}.")


def _heard(stream: Stream, peak: float) -> Diagnosis:
    name = stream.opened.device.name
    if peak <= SILENCE_DBFS:
        advice = "See whether it is muted on itself or in the system's mixer, and whether its plug is in."
        return Diagnosis(_SUBJECT, Verdict.WARNING, f"“{name}” gives nothing but zeros.", advice)
    if peak < _QUIET_DBFS:
        advice = "`earmark devices --meter` shows which one hears you, and suggests a gain."
        return Diagnosis(_SUBJECT, Verdict.WARNING, f"“{name}” is very quiet ({peak:.0f} dB).", advice)
    return Diagnosis(_SUBJECT, Verdict.OK, f"“{name}” hears something (loudest {peak:.0f} dB below full scale).")
