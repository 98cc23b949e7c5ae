"""A conversation with any Symbl-compatible service, in a few lines.

async with connect(url, token=token, start=StartRequest(insight_types=("question",))) as conversation:
    await conversation.send(audio)
    async for result in conversation:
        ...
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

from earmark_symbl.address import Options
from earmark_symbl.lifecycle import ErrorMessage, RecognitionResult, SessionModified
from earmark_symbl.line import Line, open_line
from earmark_symbl.messages import ResultMessage
from earmark_symbl.peer import open_peer
from earmark_symbl.requests import AUDIO_FRAME_BYTES, ModifyRequest, SpeechRecognition, StartRequest, Unknown
from earmark_symbl.session import NORMAL, Phase

Result: TypeAlias = RecognitionResult | ResultMessage | ErrorMessage | SessionModified | Unknown


class Conversation:
    """Audio goes in with `send`; iterating gives live speech and results, typed, until the conversation is over."""

    def __init__(self, line: Line, connection_id: str) -> None:
        self._line = line
        self.connection_id = connection_id
        """The id under which others may join, or we again."""

    @property
    def id(self) -> str:
        """The service's id of the conversation, for the Conversation API."""
        return self._line.session.conversation

    async def start(self, request: StartRequest) -> str:
        """Ask the service to listen, at first or after `stop`; gives the conversation's id."""
        return await self._line.start(request)

    async def send(self, audio: bytes) -> None:
        """Send audio, in frames as large as the protocol allows."""
        for first in range(0, len(audio), AUDIO_FRAME_BYTES):
            await self._line.audio(audio[first : first + AUDIO_FRAME_BYTES])

    async def modify(self, *, encoding: str | None = None, rate: int | None = None) -> None:
        """Say that the audio from here on is encoded otherwise."""
        recognition = SpeechRecognition(encoding=encoding, sample_rate_hertz=rate)
        await self._line.say(ModifyRequest(speech_recognition=recognition))

    async def stop(self) -> None:
        """Stop, and return when the last results have come; they wait to be iterated over."""
        await self._line.stop()
        if self._line.session.start is not None and self._line.session.start.disconnects:
            await self._line.close(NORMAL)

    async def __aiter__(self) -> AsyncIterator[Result]:
        """What the service tells; raises `ConnectionLost` where the line was lost and may be joined again."""
        async for message in self._line:
            if isinstance(message, Result):
                yield message


@asynccontextmanager
async def connect(
    url: str,
    *,
    token: str | None = None,
    app_id: str | None = None,
    app_secret: str | None = None,
    connection_id: str | None = None,
    start: StartRequest | None = None,
    options: Options | None = None,
) -> AsyncIterator[Conversation]:
    """A conversation at a service, started where `start` is given; stopped at the end unless something failed."""
    connection_id = connection_id or str(uuid.uuid4())
    async with (
        open_peer(url, token=token, app_id=app_id, app_secret=app_secret, options=options) as peer,
        open_line(peer, connection_id) as line,
    ):
        conversation = Conversation(line, connection_id)
        if start is not None:
            await conversation.start(start)
        yield conversation
        if line.session.phase in (Phase.STARTING, Phase.LISTENING):
            await conversation.stop()
        await line.close(NORMAL)
