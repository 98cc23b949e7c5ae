"""The application: every address, and what becomes of requests before and after they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import hdrs, web

from earmark._version import __version__
from earmark.errors import EarmarkError
from earmark.room import Room
from earmark_http import metrics as numbers
from earmark_http.counting import EventCount
from earmark_http.guards import Guards, Turned
from earmark_http.handlers import (
    AFTER,
    DESCRIPTION,
    EVENTS,
    HEALTH,
    LIVE,
    METRICS,
    OPERATIONS,
    Asked,
    Desk,
    Operation,
    Unknown,
)
from earmark_http.health import health
from earmark_http.openapi import openapi
from earmark_http.query import BadRequest, asked
from earmark_http.settings import HttpSettings
from earmark_http.watching import SocketLine, Watching, Wish, begin, socket_for, stream_for

MOST_BODY_BYTES = 65_536
_WRITE_SECONDS = 30.0
_MOST_NAME = 200
_CORS = {
    str(hdrs.ACCESS_CONTROL_ALLOW_METHODS): "GET, POST",
    str(hdrs.ACCESS_CONTROL_ALLOW_HEADERS): "authorization, content-type, last-event-id",
    str(hdrs.ACCESS_CONTROL_MAX_AGE): "600",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Api:
    """All that the addresses are answered with."""

    room: Room
    settings: HttpSettings
    guards: Guards
    watching: Watching
    count: EventCount
    desk: Desk

    def application(self) -> web.Application:
        """The application."""
        app = web.Application(middlewares=[self._around], client_max_size=MOST_BODY_BYTES)
        app.on_response_prepare.append(self._dress)
        app.router.add_route("GET", HEALTH, self._health)
        app.router.add_route("GET", METRICS, self._metrics)
        app.router.add_route("GET", EVENTS, self._events)
        app.router.add_route("GET", DESCRIPTION, self._description)
        for operation in OPERATIONS:
            app.router.add_route(operation.method, operation.path, self._handler(operation))
        return app

    # -- around every request -----------------------------------------------------------------------------------------

    @property
    def _around(self) -> Any:
        @web.middleware
        async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await self._answered(request, handler)
            if isinstance(response, web.Response):
                await _written(request, response)
            return response

        return around

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in, answer, and say every failure as `{"message": …}` that tells no more than its reader may know."""
        try:
            self.guards.check_name(request)
            self.guards.check_page(request)
            if request.method == hdrs.METH_OPTIONS and hdrs.ORIGIN in request.headers:
                return web.Response(status=204, headers=_CORS)
            if not self._open(request):
                await self.guards.check_token(request)
            return await handler(request)
        except Turned as error:
            return refusal(error.status, str(error), retry_after_seconds=error.retry_after_seconds)
        except BadRequest as error:
            return refusal(400, str(error))
        except Unknown as error:
            return refusal(404, str(error))
        except web.HTTPException as error:
            return _plain(error)
        except ConnectionError:
            raise
        except EarmarkError as error:
            self.room.log.warning("%s %s could not be answered: %s", request.method, request.path, error)
            return refusal(503, str(error))
        except Exception:
            self.room.log.exception("%s %s failed", request.method, request.path)
            return refusal(500, "The listener cannot answer that; its log says why.")

    def _open(self, request: web.Request) -> bool:
        return request.path == HEALTH or (request.path == METRICS and self.guards.may_read_metrics(request))

    async def _dress(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Give every answer the headers that keep browsers from guessing, keeping and sharing."""
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
        origin = request.headers.get(hdrs.ORIGIN)
        if origin in self.settings.allowed_origins:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers[hdrs.VARY] = hdrs.ORIGIN

    # -- the addresses ------------------------------------------------------------------------------------------------

    def _handler(self, operation: Operation) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            values = asked(operation.params, request.query)
            body = await _body(request, operation, self.settings.patience) if operation.takes else None
            given = await operation.do(Asked(self.desk, values, _name(request), body))
            return answer(given)

        return handle

    async def _health(self, _: web.Request) -> web.StreamResponse:
        found = health(self.room.controls.status())
        return answer(found, status=200 if found.status == "ok" else 503)

    async def _metrics(self, _: web.Request) -> web.StreamResponse:
        journaled = numbers.Journaled(self.room.archive.last, self.count.events, self.count.marks)
        page = numbers.metrics(self.room.controls.status(), journaled, numbers.process_figures())
        return web.Response(body=page.encode(), headers={hdrs.CONTENT_TYPE: numbers.CONTENT_TYPE})

    async def _description(self, request: web.Request) -> web.StreamResponse:
        asked((), request.query)
        return answer(openapi(version=__version__))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        values = asked((AFTER, LIVE), request.query)
        wish = Wish(after=self._place(request, values["after"]), live=values["live"])
        if self.watching.count >= self.settings.watchers:
            raise Turned(503, "Too many watch already; `watchers` in [http] allows more.", retry_after_seconds=10)
        if (socket := socket_for(request)) is not None:
            await socket.prepare(request)
            await self.watching.serve(request, SocketLine(socket), wish)
            return socket
        if (stream := stream_for(request)) is not None:
            await self.watching.serve(request, await begin(stream, request), wish)
            return stream
        raise Turned(406, "Events come as a WebSocket, or with `Accept: text/event-stream`.")

    def _place(self, request: web.Request, after: int | None) -> int:
        """Where a watcher goes on: what its browser remembers counts more than what it first asked for."""
        last = self.room.archive.last
        place = last if after is None else after
        try:
            if remembered := request.headers.get("Last-Event-ID"):
                place = AFTER.read(remembered)
        except ValueError as error:
            raise BadRequest(f"Last-Event-ID must be {error}.") from None
        if place > last:
            raise Turned(409, f"The journal was begun anew and ends at {last}: begin again without {place}.")
        return place


async def _body(request: web.Request, operation: Operation, patience_seconds: float) -> Any:
    """The body, decoded; raises `BadRequest` or a refusal."""
    assert operation.takes is not None
    try:
        async with asyncio.timeout(patience_seconds):
            data = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="The body did not come in time.") from None
    if not data and not operation.body_required:
        return operation.takes()
    if request.content_type != "application/json" or hdrs.CONTENT_ENCODING in request.headers:
        raise web.HTTPUnsupportedMediaType(text="Send JSON, with `Content-Type: application/json`.")
    try:
        return msgspec.json.decode(data, type=operation.takes)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadRequest(f"The body cannot be read: {error}.") from None


def _name(request: web.Request) -> str:
    name = request.match_info.get("name", "")
    try:
        if len(name.encode()) > _MOST_NAME:
            raise Unknown("There is nothing of so long a name.")
    except UnicodeEncodeError:
        raise Unknown("There is nothing of that name.") from None
    return name


def answer(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer in JSON."""
    return web.Response(
        body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


def refusal(status: int, message: str, *, retry_after_seconds: int | None = None) -> web.Response:
    """An answer that says what is wrong."""
    headers: dict[str, str] = {}
    if status == 401:
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="earmark"'
    if retry_after_seconds is not None:
        headers[hdrs.RETRY_AFTER] = str(retry_after_seconds)
    return answer({"message": message}, status=status, headers=headers)


def _plain(error: web.HTTPException) -> web.Response:
    """What aiohttp refuses, in our own form."""
    words = {
        404: "There is nothing at this address; /v1/openapi.json lists what there is.",
        413: "The body is too long.",
    }
    response = refusal(error.status, words.get(error.status, error.text or error.reason))
    if hdrs.ALLOW in error.headers:
        response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
    return response


async def _written(request: web.Request, response: web.Response) -> None:
    """Write an answer; a caller that does not take it loses the line."""
    try:
        async with asyncio.timeout(_WRITE_SECONDS):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
