"""What `earmark doctor` asks of the service."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from earmark.errors import EarmarkError, SettingsError
from earmark.hookspecs import Diagnosis, Verdict
from earmark.room import Room
from earmark_symbl.line import open_line
from earmark_symbl.session import NORMAL
from earmark_symbl.settings import SymblSettings
from earmark_symbl.transport import open_service


class ServiceCheck:
    """Connects as a listener would, says nothing, and leaves."""

    def __init__(self, settings: SymblSettings) -> None:
        self._settings = settings

    async def diagnose(self) -> Iterable[Diagnosis]:
        """Whether the service can be reached and takes the token."""
        if not self._settings.url:
            return [Diagnosis("service", Verdict.SKIPPED, "No url is set for the transport symbl.")]
        try:
            host = await self._connect()
        except SettingsError as error:
            return [Diagnosis("service", Verdict.FAILED, str(error), "Correct [symbl] in earmark.toml.")]
        except EarmarkError as error:
            return [Diagnosis("service", Verdict.FAILED, str(error))]
        return [Diagnosis("service", Verdict.OK, f"{host} answers and takes the token.")]

    async def _connect(self) -> str:
        async with open_service(self._settings) as peer:
            async with open_line(peer, f"check-{uuid.uuid4()}") as line:
                await line.close(NORMAL)
            return peer.address.host


@asynccontextmanager
async def open_check(settings: SymblSettings, room: Room) -> AsyncIterator[ServiceCheck]:
    """The check, with the transport's own settings."""
    yield ServiceCheck(settings)
