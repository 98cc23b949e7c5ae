"""The socket of somebody who only listens: everything that is said under an id, as it is said."""

from __future__ import annotations

from aiohttp import WSMsgType, web

from earmark_engine.engine import Engine, Key
from earmark_engine.outbox import Outbox
from earmark_engine.wire import View
from earmark_symbl import api as symbl

_NORMAL = 1000
_GOING_AWAY = 1001


class Subscriber:
    """One listener's socket; it may come before the conversation begins."""

    view = View()

    def __init__(self, engine: Engine, key: Key, socket: web.WebSocketResponse) -> None:
        self._engine = engine
        self._key = key
        self._socket = socket
        self._session = symbl.Session(symbl.Side.SERVER)
        self._outbox = Outbox(socket)

    async def run(self) -> None:
        """Serve the socket until it closes."""
        live = self._engine.live(self._key)
        named = symbl.ConversationData(conversation_id=live.id) if live else None
        self.tell(symbl.SubscriptionStarted(data=named))
        self._engine.sockets.add(self)
        try:
            await self._outbox.converse(self._read())
        finally:
            self._engine.sockets.discard(self)

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT and message.data == "__PING__":
                self.tell(symbl.Pong())

    def tell(self, message: symbl.ServerMessage) -> None:
        """Send a message; never waits."""
        frame = self._session.send(message)
        assert isinstance(frame, str)
        self._outbox.put(frame, passing=isinstance(message, symbl.RecognitionResult) and not message.is_final)

    def leave(self) -> None:
        """The engine stops."""
        self._outbox.close(_GOING_AWAY)

    def over(self, conversation: str) -> None:
        """The conversation has ended: say so and close."""
        self.tell(symbl.ConversationCompleted.of(conversation))
        self._outbox.close(_NORMAL)
