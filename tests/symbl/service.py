"""A real server on loopback that speaks the protocol through the server side of our own session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import WSMsgType, web
from aiohttp.test_utils import unused_port

from earmark_symbl.lifecycle import ConversationCreated, ConversationData, RecognitionStarted, StartedListening
from earmark_symbl.messages import ClientMessage, ServerMessage
from earmark_symbl.requests import Audio, StartRequest, StopRequest
from earmark_symbl.session import Ignored, Session, Side

T = TypeVar("T")
APP = {"type": "application", "appId": "app", "appSecret": "s3cr3t-of-app"}
PATIENCE_SECONDS = 10.0


class Talk:
    """The server's end of one socket, for a script to play."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.session = Session(Side.SERVER)
        self.request = request
        self.socket = socket
        self.audio = b""

    async def hear(self) -> ClientMessage | None:
        """What the client says next; None when it has gone."""
        frame = await asyncio.wait_for(self.socket.receive(), PATIENCE_SECONDS)
        if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return None
        message = self.session.receive(frame.data)
        assert not isinstance(message, Ignored), message.reason
        if isinstance(message, Audio):
            self.audio += message.data
        return message  # type: ignore[return-value] # a server hears clients

    async def until(self, kind: type[T]) -> T:
        """The next message of a kind; audio before it is kept."""
        while (message := await self.hear()) is not None:
            if isinstance(message, kind):
                return message
        raise AssertionError(f"the client left without a {kind.__name__}")

    async def hear_audio(self, length: int) -> bytes:
        """So many bytes of audio, at least."""
        while len(self.audio) < length:
            await self.until(Audio)
        return self.audio

    async def say(self, *messages: ServerMessage) -> None:
        for message in messages:
            frame = self.session.send(message)
            assert isinstance(frame, str)
            await self.socket.send_str(frame)

    async def listen(self, conversation: str = "42", listening: StartedListening | None = None) -> StartRequest:
        """Wait for a start, and answer it as the documents have it."""
        start = await self.until(StartRequest)
        data = ConversationData(conversation_id=conversation)
        await self.say(listening or StartedListening(), ConversationCreated(data=data), RecognitionStarted(data=data))
        return start

    async def stopped(self) -> None:
        await self.until(StopRequest)

    def drop(self) -> None:
        """Break the connection without a word."""
        assert self.request.transport is not None
        self.request.transport.abort()


Script = Callable[[Talk], Awaitable[None]]


@dataclass
class Service:
    """What the server does, and what it was asked."""

    port: int = 0
    scripts: list[Script] = field(default_factory=list)
    tokens: list[str] = field(default_factory=lambda: ["token-one", "token-two"])
    good: set[str] = field(default_factory=lambda: {"token-one", "token-two"})
    expires_in: float = 86400
    granted: int = 0
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    refuse: tuple[int, dict[str, str]] | None = None
    failures: list[BaseException] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def token(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.raw_path, dict(request.headers)))
        if await request.json() != APP:
            return web.json_response({"message": "Combination of appId and appSecret is not valid."}, status=401)
        self.granted += 1
        return web.json_response({"accessToken": self.tokens[self.granted - 1], "expiresIn": self.expires_in})

    def _refused(self, request: web.Request) -> web.Response | None:
        self.requests.append((request.method, request.raw_path, dict(request.headers)))
        if self.refuse:
            status, headers = self.refuse
            return web.json_response({"message": "No more room."}, status=status, headers=headers)
        if request.headers.get("X-API-KEY", request.query.get("access_token")) not in self.good:
            return web.json_response({"message": "Token validation failed for provided token."}, status=401)
        return None

    async def stream(self, request: web.Request) -> web.StreamResponse:
        if refused := self._refused(request):
            return refused
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            await self.scripts.pop(0)(Talk(socket, request))
        except (AssertionError, IndexError, TimeoutError) as error:
            self.failures.append(error)
        return socket

    async def rest(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        if request.can_read_body:
            self.bodies.append(await request.json())
        answer = self.answers.get(f"{request.method} {request.path}")
        if answer is None:
            message = "The conversationId is either invalid or does not exist."
            return web.json_response({"message": message}, status=404)
        return web.json_response(answer() if callable(answer) else answer)


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[Service]:
    """The service on a port of its own; what went wrong in its scripts is raised at the end."""
    app = web.Application()
    app.router.add_post("/oauth2/token:generate", service.token)
    app.router.add_get("/v1/streaming/{id}", service.stream)
    app.router.add_route("*", "/v1/conversations{rest:.*}", service.rest)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    service.port = unused_port()
    await web.TCPSite(runner, "127.0.0.1", service.port).start()
    try:
        yield service
    finally:
        await runner.cleanup()
    assert not service.failures, service.failures
