"""The socket of a speaker: sound comes in, everything that is made of the conversation goes out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TypeAlias

from aiohttp import WSMsgType, web

from earmark.errors import EarmarkError
from earmark_engine.engine import Engine, Key
from earmark_engine.leg import Leg
from earmark_engine.live import Live
from earmark_engine.outbox import Outbox
from earmark_engine.recognizers.types import LanguageUnknown
from earmark_engine.sound.decode import EncodingRefused
from earmark_engine.starting import check, open_leg, view_of
from earmark_engine.wire import View
from earmark_symbl import api as symbl

TRY_AGAIN_LATER = 1013
BROKEN = 1011
NORMAL = 1000
GOING_AWAY = 1001
MISSED_PONG = 3006
"""The only code on which every SDK of Symbl's comes back, in browsers too."""
DROPPED = 1006
_WAITING_BYTES = 400_000
_IDLE_SECONDS = 1800.0

Item: TypeAlias = "symbl.ClientMessage | symbl.ServerMessage | symbl.Ignored | symbl.RemoteProtocolError"


class Speaker:
    """One client's socket, from the upgrade to its close."""

    def __init__(self, engine: Engine, key: Key, socket: web.WebSocketResponse, *, nested: bool) -> None:
        self.view = View()
        self._engine = engine
        self._key = key
        self._socket = socket
        self._nested = nested
        self._session = symbl.Session(symbl.Side.SERVER)
        self._outbox = Outbox(socket)
        self._items: asyncio.Queue[Item | None] = asyncio.Queue()
        self._waiting_bytes = 0
        self._room = asyncio.Event()
        self._live: Live | None = None
        self._leg: Leg | None = None
        self._closed_with: int | None = None
        self._idle_until: float | None = None
        self._ending = symbl.Ending.JOINABLE

    # -- the socket -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve the socket until it closes, then take the speaker out of the conversation."""
        working = asyncio.create_task(self._work(), name="earmark engine socket work")
        watching = asyncio.create_task(self._watch(), name="earmark engine socket idle")
        self._engine.sockets.add(self)
        try:
            await self._outbox.converse(self._read())
            if self._closed_with is not None:
                self._ending = self._session.close(self._closed_with, by=symbl.Side.SERVER)
            else:
                self._ending = self._session.close(self._socket.close_code or DROPPED, by=symbl.Side.CLIENT)
            self._items.put_nowait(None)
            await working
        finally:
            self._engine.sockets.discard(self)
            for task in (working, watching):
                task.cancel()
            await asyncio.gather(working, watching, return_exceptions=True)
            await self._gone()

    async def _read(self) -> None:
        """Take frames as they come; while more waits than is good, leave them to the line."""
        async for message in self._socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                continue
            item: Item
            try:
                item = self._session.receive(message.data)
            except symbl.RemoteProtocolError as error:
                item = error
            if isinstance(item, symbl.Ping):
                self.tell(symbl.Pong())
                continue
            self._items.put_nowait(item)
            if isinstance(item, symbl.Audio):
                self._waiting_bytes += len(item.data)
                while self._waiting_bytes > _WAITING_BYTES:
                    self._room.clear()
                    await self._room.wait()

    async def _work(self) -> None:
        """Do what was asked, one after the other; a failure of ours costs the line, not the conversation."""
        try:
            while (item := await self._items.get()) is not None:
                if isinstance(item, symbl.Audio):
                    await self._hear(item.data)
                    self._waiting_bytes -= len(item.data)
                    self._room.set()
                else:
                    await self._answer(item)
        except Exception:
            self._engine.log.exception("A client's request made the engine fail.")
            self._complain("The engine failed.")
            self._close(BROKEN)

    async def _watch(self) -> None:
        """Close a socket that was stopped and never started again."""
        while True:
            await self._engine.clock.sleep(1.0)
            if self._idle_until is not None and self._engine.clock.monotonic() > self._idle_until:
                self._close(NORMAL)
                return

    def _close(self, code: int) -> None:
        self._closed_with = self._closed_with or code
        self._outbox.close(code)

    # -- being told -----------------------------------------------------------------------------------------------

    def tell(self, message: symbl.ServerMessage) -> None:
        """Send a message; never waits."""
        try:
            frame = self._session.send(message)
        except symbl.LocalProtocolError as error:
            self._engine.log.debug("Not sent: %s", error)
            return
        assert isinstance(frame, str)
        passing = isinstance(message, symbl.RecognitionResult) and not message.is_final
        self._outbox.put(frame, passing=passing)

    def leave(self) -> None:
        """The engine stops: let the client come back to it, or to the one that follows."""
        self._close(MISSED_PONG if self._nested else GOING_AWAY)

    def over(self, conversation: str) -> None:
        """The conversation has ended: say so and close."""
        self._completed(conversation)
        self._close(NORMAL)

    def _completed(self, conversation: str) -> None:
        # Some clients stop reading at the first of the two, and wait for this one.
        self.tell(symbl.ConversationCompleted.of(conversation))
        self.tell(symbl.RecognitionStopped())

    def _complain(self, message: str, *, details: str = "No additional details available.") -> None:
        shape = symbl.NestedError if self._nested else symbl.ErrorMessage
        self.tell(shape(message=message, details=details))

    # -- requests -------------------------------------------------------------------------------------------------

    async def _answer(self, item: Item) -> None:
        match item:
            case symbl.StartRequest():
                await self._start(item)
            case symbl.StopRequest():
                await self._stop()
            case symbl.ModifyRequest():
                await self._modify(item)
            case symbl.Ignored(message=symbl.Unknown(type=kind)):
                self._complain(f"Unsupported 'type' detected: {kind}")
            case symbl.RemoteProtocolError():
                self._complain(str(item))

    async def _start(self, start: symbl.StartRequest) -> None:
        self._idle_until = None
        try:
            check(start, self._engine.recognizer)
            live = await self._engine.enter(self._key, start)
            self._leg = await self._listen(live, start)
        except EarmarkError as error:
            self._complain(str(error))
            if not isinstance(error, EncodingRefused | LanguageUnknown):
                self._close(TRY_AGAIN_LATER)
            self._engine_may_end(start)
            return
        self._live = live
        self._began(live, self._leg, start)
        resume = start.earmark
        await live.welcome(self, after=resume.sequence if resume else None)
        # Only now: sound must not be acknowledged before what came of it was repeated.
        self._leg.tell = self.tell
        self._leg.acknowledge_again()

    def _engine_may_end(self, start: symbl.StartRequest) -> None:
        live = self._engine.live(self._key)
        if live is not None and not live.speakers and not live.legs:
            self._engine.leave(live, ended=True)

    def _began(self, live: Live, leg: Leg, start: symbl.StartRequest) -> None:
        named = symbl.ConversationData(conversation_id=live.id)
        heard = symbl.Heard(heard=leg.heard_samples) if start.earmark else None
        self.tell(symbl.StartedListening(earmark=heard))
        self.tell(symbl.ConversationCreated(data=named))
        self.tell(symbl.RecognitionStarted(data=named))
        self.view = view_of(start, leg.key)

    async def _listen(self, live: Live, start: symbl.StartRequest) -> Leg:
        """The leg that takes this client's sound: its own of before, or a new one."""
        person = await live.introduce(start)
        resume = start.earmark
        key = f"earmark:{person.id if person else ''}" if resume else f"socket:{id(self)}:{live.sequence}"
        leg = live.legs.get(key)
        if leg is None or not leg.listening:
            leg = await open_leg(live, start, key=key, person=person, recognizer=self._engine.recognizer)
        leg.holder, leg.left_at = self, None
        leg.begin(encoding=start.encoding, rate=start.rate)
        if resume:
            await leg.place(resume.position, resume.rate)
        return leg

    async def _hear(self, data: bytes) -> None:
        if self._leg is None or self._leg.holder is not self:
            return
        try:
            await self._leg.take(data)
        except ValueError as error:
            self._complain(f"The audio cannot be decoded: {error}")
        if self._leg.failed is not None:
            self._complain(str(self._leg.failed))
            await self._drop_leg()
            self._close(BROKEN)

    async def _modify(self, request: symbl.ModifyRequest) -> None:
        if self._leg is None:
            return
        asked = request.speech_recognition
        try:
            if asked.encoding or asked.sample_rate_hertz:
                await self._leg.modify(encoding=asked.encoding, rate=asked.sample_rate_hertz)
        except (EncodingRefused, ValueError) as error:
            self._complain(str(error))
            return
        if request.earmark:
            await self._leg.place(request.earmark.position, request.earmark.rate)
        else:
            self.tell(symbl.SessionModified())

    async def _stop(self) -> None:
        """Tell all that is still due, then that it was all."""
        await self._drop_leg()
        start = self._session.start
        if start is None or self._live is None:
            return
        if start.disconnects:
            await self._take_leave(self._live)
        else:
            self.tell(symbl.RecognitionStopped())
            wait = start.disconnect_on_stop_request_timeout
            self._idle_until = self._engine.clock.monotonic() + (_IDLE_SECONDS if wait is None else wait)

    async def _take_leave(self, live: Live) -> None:
        """Stop for good; the last to do so ends the conversation, and is told what the end brings to light."""
        if live.speakers == {self}:
            await live.end("stopped")
        else:
            live.speakers.discard(self)
            self.over(live.id)
        self._live = None

    # -- leaving --------------------------------------------------------------------------------------------------

    async def _drop_leg(self) -> None:
        leg, self._leg = self._leg, None
        if leg is None or leg.holder is not self:
            return
        await leg.finish()
        leg.tell = None
        if self._live is not None:
            self._live.legs.pop(leg.key, None)

    async def _gone(self) -> None:
        """The socket is closed."""
        if self._live is None:
            return
        self._live.speakers.discard(self)
        leg = self._leg
        ended = self._ending is symbl.Ending.ENDED
        if leg is not None and leg.clock.rate is not None and self._live.keep_seconds and not ended:
            # The client comes back to it: it goes on listening to what it has.
            if leg.holder is self:
                leg.tell = leg.holder = None
                leg.left_at = self._engine.clock.monotonic()
        elif leg is not None:
            with suppress(EarmarkError):
                await self._drop_leg()
        self._engine.leave(self._live, ended=ended)
