"""One socket to a service, driven by a `Session`: what is said goes out, what comes back waits for its reader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp

from earmark_symbl.address import Options
from earmark_symbl.errors import ConnectionLost, RemoteProtocolError, RequestRefused, TimedOut
from earmark_symbl.lifecycle import (
    ConversationCompleted,
    ErrorMessage,
    InConversation,
    RecognitionResult,
    RecognitionStopped,
    StartedListening,
)
from earmark_symbl.messages import ClientMessage, ServerMessage
from earmark_symbl.peer import Peer, Socket
from earmark_symbl.requests import Audio, StartRequest, StopRequest, Unknown
from earmark_symbl.session import NORMAL, Ending, Ignored, Phase, Session, Side

GOING_AWAY = 1001
"""The close code of a client that may come back."""
_ABNORMAL = 1006
_MOST_WAITING = 2000
_NAME_SECONDS = 3.0
_LINGER_SECONDS = 2.0


class Line:
    """Says requests and audio, and gives what the service says, in order; one reader only."""

    def __init__(self, socket: Socket, host: str, options: Options) -> None:
        self.session = Session(Side.CLIENT)
        self.host = host
        self.listening: StartedListening | None = None
        """What the service answered to the latest start."""
        self._socket = socket
        self._options = options
        self._waiting: deque[ServerMessage] = deque()
        self._changed = asyncio.Event()
        self._ending: Ending | None = None
        self._complaint = ""
        self._began = False
        self._named = False
        self._said_over: set[type[object]] = set()

    # -- out ----------------------------------------------------------------------------------------------------

    async def say(self, message: ClientMessage) -> None:
        """Send a message; waits while the socket is full."""
        if self.closed:
            raise self.lost()
        frame = self.session.send(message)
        try:
            if isinstance(frame, str):
                await self._socket.send_str(frame)
            else:
                await self._socket.send_bytes(frame)
        except (aiohttp.ClientError, OSError):
            raise self.lost() from None

    async def start(self, request: StartRequest) -> str:
        """Ask the service to listen, and give the id of its conversation once it does."""
        self._began = self._named = False
        self.listening, self._complaint = None, ""
        self._said_over.clear()
        await self.say(request)
        seconds = self._options.start_seconds
        await self._until(lambda: self.session.phase is not Phase.STARTING, seconds, "listen", closing=True)
        if self.closed and not self._began:
            raise self.lost()
        if not self._began:
            reason = self._complaint or "it ended the conversation at once"
            raise RequestRefused(f"{self.host} does not listen: {reason}").located(self.host)
        with suppress(TimedOut):
            await self._until(
                lambda: self._named and self.listening is not None, _NAME_SECONDS, "name itself", closing=True
            )
        return self.session.conversation

    async def audio(self, data: bytes) -> None:
        """Send one frame of audio; raises `ConnectionLost` also where the service has stopped listening by itself."""
        if not self.closed and self.session.phase not in (Phase.STARTING, Phase.LISTENING):
            message = f"{self.host} has stopped listening by itself."
            raise ConnectionLost(message).located(self.host)
        await self.say(Audio(data))

    async def stop(self) -> None:
        """Ask for what is still due, and return when it has come."""
        if self.session.phase in (Phase.STARTING, Phase.LISTENING):
            await self.say(StopRequest())
        ends = self.session.start is not None and self.session.start.disconnects
        await self._until(self._flushed, self._options.stop_seconds, "give its last results", closing=True)
        if ends and not self.closed:
            with suppress(TimedOut):
                await self._until(lambda: len(self._said_over) > 1, _LINGER_SECONDS, "close", closing=True)
        if self._ending is Ending.JOINABLE:
            raise self.lost()

    def _flushed(self) -> bool:
        return self.session.phase in (Phase.STOPPED, Phase.COMPLETED, Phase.OPEN)

    async def close(self, code: int = NORMAL) -> None:
        """Close the socket, saying by the code whether we mean it."""
        if not self.closed:
            self._end(code, by=Side.CLIENT)
        await self._socket.close(code=code)

    # -- in -----------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""
        return self._ending is not None

    def lost(self) -> ConnectionLost:
        """What to raise where the socket is closed and should not be."""
        code = self._socket.close_code or _ABNORMAL
        if isinstance(self._socket.exception(), TimeoutError):
            reason = "it no longer answers"
        elif code == _ABNORMAL:
            reason = "it broke off"
        else:
            reason = f"the service closed it with code {code}"
        error = ConnectionLost(f"The connection to {self.host} is lost: {reason}.")
        error.located(self.host)
        return error

    def __aiter__(self) -> AsyncIterator[ServerMessage]:
        return self

    async def __anext__(self) -> ServerMessage:
        """What the service says next; ends with the conversation, raises `ConnectionLost` where it may be joined."""
        await self._wait(lambda: bool(self._waiting) or self.closed)
        if not self._waiting:
            if self._ending is Ending.ENDED:
                raise StopAsyncIteration
            raise self.lost()
        message = self._waiting.popleft()
        self._wake()
        return message

    async def read(self) -> None:
        """Take what comes until the socket is closed; runs beside the reader."""
        try:
            while True:
                frame = await self._socket.receive()
                if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    return
                self._take(frame.data)
                if len(self._waiting) >= _MOST_WAITING:
                    await self._wait(lambda: len(self._waiting) < _MOST_WAITING)
        finally:
            if not self.closed:
                self._end(self._socket.close_code or _ABNORMAL, by=Side.SERVER)

    def _take(self, frame: str | bytes) -> None:
        try:
            said = self.session.receive(frame)
        except RemoteProtocolError as error:
            said = ErrorMessage(message=f"{self.host} says what cannot be understood: {error}")
        message = said.message if isinstance(said, Ignored) else said
        if isinstance(said, Ignored) and not isinstance(message, Unknown):
            return
        if isinstance(message, StartedListening):
            self.listening = message
        elif isinstance(message, ErrorMessage):
            self._complaint = message.text
        elif isinstance(message, RecognitionStopped | ConversationCompleted):
            self._said_over.add(type(message))
        self._began = self._began or self.session.phase is Phase.LISTENING
        self._named = self._named or isinstance(message, InConversation)
        if isinstance(message, RecognitionResult) and self._waiting and _interim(self._waiting[-1]):
            self._waiting.pop()  # nobody has looked at it yet, and this one says more
        self._waiting.append(message)  # type: ignore[arg-type] # a client is told what servers say
        self._wake()

    # -- waiting --------------------------------------------------------------------------------------------------

    def _end(self, code: int, *, by: Side) -> None:
        self._ending = self.session.close(code, by=by)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, condition: Callable[[], bool], seconds: float, what: str, *, closing: bool = False) -> None:
        """Wait until something is so; a closed socket is an error unless `closing`."""
        try:
            async with asyncio.timeout(seconds):
                await self._wait(lambda: self.closed or condition())
        except TimeoutError:
            raise TimedOut(f"{self.host} did not {what} within {seconds:g} s.").located(self.host) from None
        if self.closed and not closing:
            raise self.lost()

    async def _wait(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._changed.wait()


def _interim(message: ServerMessage) -> bool:
    return isinstance(message, RecognitionResult) and not message.is_final


@asynccontextmanager
async def open_line(peer: Peer, connection_id: str) -> AsyncIterator[Line]:
    """A line under an id; left joinable unless it was closed before."""
    socket = await peer.open_socket(connection_id)
    line = Line(socket, peer.address.host, peer.options)
    reading = asyncio.create_task(line.read(), name="earmark symbl line")
    try:
        yield line
    finally:
        await line.close(GOING_AWAY)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
