"""The engine on a port: its addresses, its limits, and what becomes of errors."""

from __future__ import annotations

import errno
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import msgspec
from aiohttp import hdrs, web

from earmark._version import __version__
from earmark.errors import EarmarkError
from earmark_engine.doors import Doors, token_of
from earmark_engine.engine import Engine, TooMany
from earmark_engine.rest.openapi import openapi
from earmark_engine.rest.operations import OPERATIONS, handler
from earmark_engine.rest.query import BadRequest
from earmark_engine.streaming import Speaker
from earmark_engine.subscribe import Subscriber
from earmark_engine.tokens import Denied, Token

ENGINE: web.AppKey[Engine] = web.AppKey("engine", Engine)
DOORS: web.AppKey[Doors] = web.AppKey("doors", Doors)
_MOST_MESSAGE_BYTES = 1 << 20
_MOST_BODY_BYTES = 1 << 18
_MOST_HEADER_BYTES = 16_384
_HEARTBEAT_SECONDS = 60.0
_CLOSE_SECONDS = 5.0
_NESTED_ERRORS = ("js_sdk", "web_sdk")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Grant(msgspec.Struct, frozen=True, rename="camel"):
    """What an application asks a token with."""

    app_id: str
    app_secret: str
    type: Literal["application"] = "application"


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the engine listens."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None


def create_app(engine: Engine, doors: Doors) -> web.Application:
    """The application: every address of the protocol, over one engine."""
    app = web.Application(middlewares=[_plain_errors, _browsers], client_max_size=_MOST_BODY_BYTES)
    app[ENGINE], app[DOORS] = engine, doors
    app.on_shutdown.append(_let_go)
    app.router.add_post("/oauth2/token:generate", generate_token)
    for path in ("/v1/streaming/{id:.+}", "/v1/realtime/insights/{id:.+}"):
        app.router.add_get(path, stream)
    app.router.add_get("/v1/subscribe/{id:.+}", subscribe)
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, handler(operation, engine, doors))
    app.router.add_get("/openapi.json", described)
    return app


async def _let_go(app: web.Application) -> None:
    await app[ENGINE].close_sockets()


@asynccontextmanager
async def serving(app: web.Application, address: Address) -> AsyncIterator[int]:
    """Listen while the body runs; gives the port. Raises `EarmarkError` where the address cannot be had."""
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=10.0,
        max_line_size=_MOST_HEADER_BYTES,
        max_field_size=_MOST_HEADER_BYTES,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, address.host, address.port, ssl_context=address.tls)
        try:
            await site.start()
        except OSError as error:
            raise EarmarkError(_unavailable(address, error)) from error
        port: int = runner.addresses[0][1]
        yield port
    finally:
        await runner.cleanup()


def _unavailable(address: Address, error: OSError) -> str:
    where = f"{address.host}:{address.port}"
    if error.errno == errno.EADDRINUSE:
        return f"Another program listens on {where} already; choose another port with --port."
    if error.errno == errno.EACCES:
        return f"This user may not listen on {where}; choose a port above 1023 with --port."
    return f"The engine cannot listen on {where}: {error.strerror or error}. Check --host and --port."


# -- around every request ---------------------------------------------------------------------------------------------


@web.middleware
async def _plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure is `{"message": …}`, and says no more than its reader may know."""
    doors = request.app[DOORS]
    try:
        return await handler(request)
    except Denied as error:
        if await doors.refused(request):
            return refusal(429, "Too many refused requests; check the credentials.", retry_after_seconds=10)
        return refusal(401, str(error))
    except BadRequest as error:
        return refusal(400, str(error))
    except TooMany as error:
        await doors.refused(request)
        return refusal(429, str(error), retry_after_seconds=5)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        allowed = {str(hdrs.ALLOW): error.headers[hdrs.ALLOW]} if hdrs.ALLOW in error.headers else {}
        return refusal(error.status, error.text or error.reason, headers=allowed)
    except EarmarkError as error:
        request.app[ENGINE].log.error("%s", error)
        return refusal(500, "The engine cannot do that just now.")


@web.middleware
async def _browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let pages of known origins read the answers, and ask beforehand whether they may."""
    origin = request.headers.get(hdrs.ORIGIN)
    allowed = origin is not None and request.app[DOORS].allows(origin, request.host)
    asking = request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    response = web.Response(status=204) if asking else await handler(request)
    if allowed and origin is not None and not response.prepared:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.VARY] = hdrs.ORIGIN
        if asking:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = "GET, POST, PUT, DELETE"
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = "authorization, content-type, x-api-key"
            response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = "600"
    return response


def refusal(
    status: int, message: str, *, retry_after_seconds: int | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    """An answer that says what is wrong."""
    told = dict(headers or {})
    if retry_after_seconds is not None:
        told[hdrs.RETRY_AFTER] = str(retry_after_seconds)
    return answer({"message": message}, status=status, headers=told)


def answer(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer in JSON."""
    return web.Response(
        body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


# -- tokens and sockets -----------------------------------------------------------------------------------------------


async def generate_token(request: web.Request) -> web.StreamResponse:
    """`POST /oauth2/token:generate`: a token for an application's id and secret."""
    engine = request.app[ENGINE]
    try:
        grant = msgspec.json.decode(await request.read(), type=Grant)
    except msgspec.MsgspecError as error:
        return refusal(400, f"The request cannot be read: {error}.")
    return answer(engine.tokens.issue(grant.app_id, grant.app_secret, now=engine.clock.now()))


async def described(_: web.Request) -> web.StreamResponse:
    """`GET /openapi.json`: what all of this looks like, for machines."""
    return answer(openapi(version=__version__, grant=Grant, token=Token))


async def stream(request: web.Request) -> web.StreamResponse:
    """`GET /v1/streaming/{id}`, and its older name: the socket of a speaker."""
    engine = request.app[ENGINE]
    key = request.app[DOORS].app_of(request), request.match_info["id"]
    socket = _upgrade(request)
    engine.admit(key)
    try:
        await socket.prepare(request)
        nested = request.query.get("source") in _NESTED_ERRORS
        await Speaker(engine, key, socket, nested=nested).run()
    finally:
        engine.left()
    return socket


async def subscribe(request: web.Request) -> web.StreamResponse:
    """`GET /v1/subscribe/{id}`: the socket of somebody who only listens."""
    engine = request.app[ENGINE]
    key = request.app[DOORS].app_of(request), request.match_info["id"]
    socket = _upgrade(request)
    subscriber = Subscriber(engine, key, socket)
    engine.listen(key, subscriber)
    try:
        await socket.prepare(request)
        await subscriber.run()
    finally:
        engine.unlisten(key, subscriber)
    return socket


def _upgrade(request: web.Request) -> web.WebSocketResponse:
    """The socket that a request asks for; whatever subprotocol was offered first is the one that is spoken."""
    offered = token_of(request)[1]
    socket = web.WebSocketResponse(
        timeout=_CLOSE_SECONDS,
        protocols=(offered,) if offered else (),
        heartbeat=_HEARTBEAT_SECONDS,
        max_msg_size=_MOST_MESSAGE_BYTES,
    )
    if not socket.can_prepare(request):
        raise web.HTTPUpgradeRequired(text="This address is a WebSocket.")
    return socket
