"""What `earmark doctor` asks of the local API."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec

from earmark.errors import SettingsError
from earmark.hookspecs import Diagnosis, Verdict
from earmark.room import Room
from earmark_http.keys import NAME
from earmark_http.server import tls_of
from earmark_http.settings import HttpSettings
from earmark_http.shapes import Health

_SUBJECT = "local API"
_ANSWER_SECONDS = 5.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what is looked for, not listened on


@asynccontextmanager
async def open_check(settings: HttpSettings, room: Room) -> AsyncIterator[HttpCheck]:
    """A check of the configured local API."""
    # The service's folder lies beside any other stage's.
    yield HttpCheck(settings, room.folder.parent / "service-http" / NAME)


class HttpCheck:
    """Looks at the settings, and asks the API whether it is well."""

    def __init__(self, settings: HttpSettings, token_file: Path) -> None:
        self._settings, self._token_file = settings, token_file

    async def diagnose(self) -> list[Diagnosis]:
        """Whether the certificate is good, who can reach it, and whether it answers."""
        try:
            tls_of(self._settings)
        except SettingsError as error:
            return [Diagnosis(_SUBJECT, Verdict.FAILED, str(error))]
        return [*self._safety(), await self._answer()]

    def _safety(self) -> Iterator[Diagnosis]:
        settings = self._settings
        if not settings.loopback and settings.certificate_file is None:
            advice = "Set certificate_file and key_file in [http], or let only this machine ask (host 127.0.0.1)."
            told = "What is said and the token cross the network unencrypted."
            yield Diagnosis(_SUBJECT, Verdict.WARNING, told, advice)
        if settings.token is None and self._token_file.is_file():
            yield Diagnosis(_SUBJECT, Verdict.OK, f"Its token is in {self._token_file}.")

    async def _answer(self) -> Diagnosis:
        settings = self._settings
        if not settings.port:
            return Diagnosis(
                _SUBJECT, Verdict.SKIPPED, "Its port is another one each time; `earmark status --json` tells it."
            )
        host = _EVERYWHERE.get(settings.host) or (f"[{settings.host}]" if ":" in settings.host else settings.host)
        url = f"{'https' if settings.certificate_file else 'http'}://{host}:{settings.port}"
        try:
            found = await _asked(f"{url}/healthz")
        except aiohttp.ClientConnectorError:
            return Diagnosis(_SUBJECT, Verdict.OK, f"Nothing answers at {url}: no listener runs with it just now.")
        except (aiohttp.ClientError, msgspec.MsgspecError, TimeoutError, OSError) as error:
            advice = "Another program may have that port: choose another one in [http], or stop that program."
            return Diagnosis(_SUBJECT, Verdict.FAILED, f"{url} does not answer as Earmark does ({error}).", advice)
        if found.status == "ok":
            return Diagnosis(_SUBJECT, Verdict.OK, f"It answers at {url}, and the room is well.")
        advice = "`earmark plugins` and the listener's log say more; `earmark restart` opens a stage anew."
        return Diagnosis(_SUBJECT, Verdict.FAILED, f"The room is deaf, says {url} ({found.reason}).", advice)


async def _asked(url: str) -> Health:
    # Only whether it is there is asked, and nothing is told: whose certificate it shows does not matter.
    unproven = ssl.create_default_context()
    unproven.check_hostname, unproven.verify_mode = False, ssl.CERT_NONE
    async with (
        asyncio.timeout(_ANSWER_SECONDS),
        aiohttp.ClientSession() as session,
        session.get(url, ssl=unproven) as response,
    ):
        return msgspec.json.decode(await response.read(), type=Health)
