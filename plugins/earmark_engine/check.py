"""What `earmark doctor` asks of the engine: whether it starts, and lets its own listener in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from earmark.errors import EarmarkError
from earmark.hookspecs import Check, Diagnosis, Verdict
from earmark.room import Room
from earmark_engine.transport import EngineSettings, open_engine_transport

_ADVICE = "Correct [engine] in earmark.toml, or install Earmark anew so that its recogniser's model is there."


class EngineCheck:
    """Starts the engine as a listener would, connects, and stops it again."""

    def __init__(self, settings: EngineSettings, room: Room) -> None:
        self._settings = settings
        self._room = room

    async def diagnose(self) -> Iterable[Diagnosis]:
        """Whether it hears, and how long it took to be ready."""
        began = time.monotonic()
        try:
            async with (
                open_engine_transport(self._settings, self._room) as transport,
                transport.connect(transport.connection_id()),
            ):
                seconds = time.monotonic() - began
        except EarmarkError as error:
            return [Diagnosis("engine", Verdict.FAILED, str(error), _ADVICE)]
        name = self._settings.recognizer
        return [Diagnosis("engine", Verdict.OK, f"The recogniser {name} is ready after {seconds:.1f} s.")]


@asynccontextmanager
async def open_check(settings: EngineSettings, room: Room) -> AsyncIterator[Check]:
    """The check, with the transport's own settings."""
    yield EngineCheck(settings, room)
