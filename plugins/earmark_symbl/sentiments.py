"""How messages sound, where the stream does not say: the Conversation API is asked after each message.

A message of the stream and the same message in the Conversation API have different ids, so they are told apart by
their text. Messages that are not found at once are asked for again a few times, all together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from earmark.errors import PeerError, PeerRefused, TokenRefused
from earmark.events import Sentiment, SentimentHeard, Utterance
from earmark.hookspecs import FromPeer, Heard, Trouble
from earmark_symbl.conversation import ConversationApi
from earmark_symbl.resources import StoredMessage
from earmark_symbl.translation import UNSTAMPED, sentiment_of

_DELAYS_SECONDS = (0.3, 1.0, 3.0, 10.0)


@dataclass
class _Wanted:
    message: str
    text: str
    tries: int = 0


class Sentiments:
    """Asks how utterances sound, beside the stream, and tells it."""

    def __init__(self, api: ConversationApi, tell: Callable[[FromPeer], Awaitable[None]]) -> None:
        self._api = api
        self._tell = tell
        self._wanted: list[_Wanted] = []
        self._some = asyncio.Event()
        self._given_up = False

    def want(self, utterance: Utterance) -> None:
        """Have it found out how an utterance sounds, unless the service said so."""
        if utterance.sentiment is None and not self._given_up:
            self._wanted.append(_Wanted(utterance.id, utterance.text))
            self._some.set()

    async def run(self, conversation: Callable[[], str]) -> None:
        """Find out, one request for all that is waiting, until cancelled."""
        while True:
            await self._some.wait()
            await self._pause()
            await self._look(conversation())
            if not self._wanted:
                self._some.clear()

    async def finish(self, conversation: str, *, patiently: bool) -> None:
        """Ask for what is still unknown: until it is known, or once."""
        while self._wanted:
            await self._look(conversation)
            if not patiently:
                return
            if self._wanted:
                await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(_DELAYS_SECONDS[min(wanted.tries for wanted in self._wanted)])

    async def _look(self, conversation: str) -> None:
        """Ask once for all that is waiting."""
        asked = list(self._wanted)
        try:
            stored = await self._api.messages(conversation, sentiment=True)
        except PeerError as error:
            stored = ()
            self._given_up = isinstance(error, TokenRefused | PeerRefused)
            await self._tell(Trouble(f"It could not be asked how sentences sound: {error}"))
        for wanted in asked:
            sentiment = sentiment_in(stored, wanted.text)
            wanted.tries += 1
            if sentiment is not None or self._given_up or wanted.tries >= len(_DELAYS_SECONDS):
                self._wanted.remove(wanted)
            if sentiment is not None:
                await self._tell(_heard(wanted.message, sentiment))


def _heard(message: str, sentiment: Sentiment) -> Heard:
    return Heard(SentimentHeard(id=message, at=UNSTAMPED, utterance=message, sentiment=sentiment))


def sentiment_in(stored: Sequence[StoredMessage], text: str) -> Sentiment | None:
    """How the latest of the stored messages with this text sounds."""
    for message in reversed(stored):
        if message.text.split() == text.split():
            return sentiment_of(message.sentiment)
    return None
