"""The local API on a port: connections, their number and their patience."""

from __future__ import annotations

import asyncio
import errno
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from earmark.errors import EarmarkError, SettingsError
from earmark.room import Room, StageReport
from earmark_http.application import Api
from earmark_http.counting import EventCount
from earmark_http.guards import Guards
from earmark_http.handlers import Desk
from earmark_http.keys import Key, key_of
from earmark_http.settings import HttpSettings
from earmark_http.watching import Watching

_SHUTDOWN_SECONDS = 3.0
_HANDSHAKE_SECONDS = 10.0
_MOST_HEADER_BYTES = 8190
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class HttpService:
    """Serves until cancelled; the port is open as long as the service is."""

    def __init__(self, count: EventCount, url: str) -> None:
        self.url = url
        """Where it listens."""
        self._count = count

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._count.run()


@asynccontextmanager
async def open_http(settings: HttpSettings, room: Room) -> AsyncIterator[HttpService]:
    """Serve the local API while the body runs; raises `EarmarkError` where that cannot be."""
    key = key_of(settings.token, room.keep())
    tls = tls_of(settings)
    count = EventCount(room)
    watching = Watching(room, slow_after_seconds=settings.slow_after)
    api = Api(room, settings, Guards(settings, key.token, room.clock), watching, count, Desk(room))
    async with _serving(api, tls) as url:
        _tell(room, url, key)
        try:
            yield HttpService(count, url)
        finally:
            watching.close()


def tls_of(settings: HttpSettings) -> ssl.SSLContext | None:
    """What the line is encrypted with; raises `SettingsError` where a file is none."""
    if settings.certificate_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without a password for it, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(settings.certificate_file, settings.key_file, lambda: "")
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"[http] certificate_file: {settings.certificate_file} and its key cannot be used ({error}); "
            "both must be there, readable, belong together, and the key must have no password."
        ) from None
    return context


def _tell(room: Room, url: str, key: Key) -> None:
    room.stage.details["address"] = url
    where = "its token is the configured one"
    if key.file is not None:
        room.stage.details["token_file"] = str(key.file)
        where = f"its token is in {key.file}"
    room.log.info("The local API listens on %s; %s", url, where)


@asynccontextmanager
async def _serving(api: Api, tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    runner = web.AppRunner(
        api.application(),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        keepalive_timeout=api.settings.patience,
        lingering_time=min(api.settings.patience, 10.0),
        max_line_size=_MOST_HEADER_BYTES,
        max_field_size=_MOST_HEADER_BYTES,
        logger=_quiet(api.room.log),
    )
    await runner.setup()
    try:
        server = await _listening(runner, api, tls)
        try:
            yield _url(api.settings, server.sockets[0].getsockname()[1])
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def _listening(runner: web.AppRunner, api: Api, tls: ssl.SSLContext | None) -> asyncio.Server:
    settings, connected = api.settings, runner.server
    assert connected is not None

    def welcome() -> asyncio.BaseProtocol:
        if len(connected.connections) >= settings.connections:
            return _Full(api.room.stage)
        return connected()

    try:
        return await asyncio.get_running_loop().create_server(
            welcome,
            settings.host,
            settings.port,
            ssl=tls,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if tls else None,
            reuse_address=True,
        )
    except OSError as error:
        raise EarmarkError(_unavailable(settings, error)) from error


class _Full(asyncio.Protocol):
    """Says that there are too many connections, and hangs up."""

    def __init__(self, report: StageReport) -> None:
        self._report = report

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._report.count("connections_refused")
        transport.write(_FULL)
        transport.close()


def _url(settings: HttpSettings, port: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.certificate_file else 'http'}://{host}:{port}"


def _unavailable(settings: HttpSettings, error: OSError) -> str:
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return f"Another program listens on {where} already; choose another `port` in the table [http]."
    if error.errno == errno.EACCES:
        return f"This user may not listen on {where}; choose a `port` above 1023 in the table [http]."
    return f"The local API cannot listen on {where} ({error.strerror or error}); see `host` in the table [http]."


def _quiet(log: logging.Logger) -> logging.Logger:
    """A log that strangers cannot fill with requests that are none."""
    lines = log.getChild("lines")
    lines.addFilter(_ours)
    return lines


def _ours(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)
