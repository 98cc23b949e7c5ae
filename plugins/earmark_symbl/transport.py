"""The transport `symbl`: a room's way to any Symbl-compatible service.

All times go to the uplink on the capture clock: our own engine tells them so, and for any other service the words of
final text are mapped through what was sent since the latest start, and messages are placed by their words.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field

from earmark.audio import Frame
from earmark.events import Utterance
from earmark.hookspecs import FromPeer, Heard, Start, Started
from earmark.room import Room
from earmark.uplink.timeline import SentTable
from earmark_symbl.conversation import ConversationApi
from earmark_symbl.encoding import Encoder
from earmark_symbl.lifecycle import RecognitionStarted, StartedListening
from earmark_symbl.line import Line, open_line
from earmark_symbl.matching import Matcher
from earmark_symbl.messages import ServerMessage
from earmark_symbl.peer import Peer, open_peer
from earmark_symbl.requests import ModifyRequest, Resume, SpeechRecognition
from earmark_symbl.sentiments import Sentiments
from earmark_symbl.session import NORMAL, Phase
from earmark_symbl.settings import SymblSettings, start_request, system_timezone_offset
from earmark_symbl.translation import Marks, Translator

_MOST_WAITING = 1000
_LAST_SENTIMENTS_SECONDS = 5.0
_MOST_CONVERSATIONS = 4
_TOLERANCE_SECONDS = 1e-6


@dataclass
class Memory:
    """What outlives a line: words that wait for their message, insights that may be amended, how far sound was sent."""

    matcher: Matcher = field(default_factory=Matcher)
    marks: Marks = field(default_factory=Marks)
    sent_until: float = 0.0


class SymblConnection:
    """One line to the service, for the uplink."""

    def __init__(self, line: Line, settings: SymblSettings, memory: Memory, api: ConversationApi) -> None:
        self._line = line
        self._settings = settings
        self._memory = memory
        self._translator = Translator(memory.matcher, memory.marks, timezone_offset=self._timezone_offset)
        self._translator.resent_until = memory.sent_until
        self._told: asyncio.Queue[FromPeer | Exception | None] = asyncio.Queue(_MOST_WAITING)
        self._sentiments = Sentiments(api, self._told.put)
        self._encoder: Encoder | None = None
        self._sent = SentTable()
        """What was sent since the latest start; the translator takes it over when the service has answered that."""
        self._rate = 0
        """Samples a second of the capture clock."""
        self._next = 0.0
        """Where on the capture clock the sound that was sent ends."""
        self._extended = False

    # -- out --------------------------------------------------------------------------------------------------------

    async def start(self, start: Start) -> Started:
        """Begin, or go on after a pause."""
        self._encoder = self._open_encoder(start.rate)
        self._sent, self._rate, self._next = SentTable(), start.rate, start.position / start.rate
        request = start_request(
            self._settings,
            rate=self._encoder.rate,
            keep_seconds=start.keep_seconds,
            timezone_offset=self._timezone_offset(),
            resume=Resume(position=start.position, rate=start.rate, sequence=start.sequence),
        )
        conversation = await self._line.start(request)
        answer = self._line.listening.earmark if self._line.listening else None
        self._extended = answer is not None
        return Started(conversation=conversation, heard=answer.heard if answer else None, confirms=self._extended)

    async def send(self, frame: Frame) -> None:
        """Send sound, in blocks; another rate is announced, and to our own engine also where sound was left out."""
        encoder = self._encoder
        assert encoder is not None, "start comes before send"
        jumps = self._extended and abs(frame.start - self._next) > _TOLERANCE_SECONDS
        if jumps or frame.rate != encoder.frame_rate:
            await self._flush()
        if frame.rate != encoder.frame_rate:
            encoder = await self._change_rate(encoder, frame.rate)
        if jumps:
            await self._line.say(ModifyRequest(earmark=Resume(position=frame.position, rate=frame.rate)))
        self._sent.add(frame)
        self._next = frame.end
        self._memory.sent_until = max(self._memory.sent_until, frame.end)
        for block in encoder.encode(frame):
            await self._line.audio(block)

    async def pause(self) -> None:
        """Have what is still due told; the conversation stays joinable."""
        if self._line.session.phase is Phase.LISTENING:
            await self._flush()
        await self._line.stop()

    async def finish(self) -> None:
        """Have what is still due told, and end the conversation."""
        if self._line.session.phase is Phase.LISTENING:
            await self.pause()
        await self._line.close(NORMAL)

    def _open_encoder(self, frame_rate: int) -> Encoder:
        settings = self._settings
        return Encoder(
            encoding=settings.encoding,
            frame_rate=frame_rate,
            rate=settings.rate,
            block_samples=settings.block_samples,
        )

    async def _change_rate(self, before: Encoder, frame_rate: int) -> Encoder:
        encoder = self._encoder = self._open_encoder(frame_rate)
        if encoder.rate != before.rate:
            recognition = SpeechRecognition(encoding=self._settings.encoding, sample_rate_hertz=encoder.rate)
            await self._line.say(ModifyRequest(speech_recognition=recognition))
        return encoder

    async def _flush(self) -> None:
        assert self._encoder is not None
        for block in self._encoder.flush():
            await self._line.audio(block)

    def _timezone_offset(self) -> int:
        chosen = self._settings.timezone_offset
        return system_timezone_offset() if chosen is None else chosen

    # -- in ---------------------------------------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[FromPeer]:
        """What the service tells, in order."""
        while (told := await self._told.get()) is not None:
            if isinstance(told, Exception):
                raise told
            yield told

    async def read(self) -> None:
        """Translate what comes until the line ends; runs beside the reader."""
        asking = asyncio.create_task(self._sentiments.run(self._conversation), name="earmark symbl sentiments")
        ended: Exception | None = None
        try:
            async for message in self._line:
                for told in self._translated(message):
                    await self._told.put(told)
        except Exception as error:
            # Whatever it is, it reaches the uplink, which would otherwise wait for ever.
            ended = error
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SENTIMENTS_SECONDS):
                await self._sentiments.finish(self._conversation(), patiently=ended is None)
        await self._told.put(ended)

    def _translated(self, message: ServerMessage) -> list[FromPeer]:
        if isinstance(message, StartedListening | RecognitionStarted):
            self._translator.table = self._sent
        if isinstance(message, StartedListening):
            self._translator.rate = self._rate if message.earmark else None
        told = self._translator.told(message)
        for item in told:
            if self._settings.sentiment and isinstance(item, Heard) and isinstance(item.event, Utterance):
                self._sentiments.want(item.event)
        return told

    def _conversation(self) -> str:
        return self._line.session.conversation


class SymblTransport:
    """Knows the service, and what outlives a line to it."""

    def __init__(self, peer: Peer, settings: SymblSettings) -> None:
        self._peer = peer
        self._settings = settings
        self._memories: OrderedDict[str, Memory] = OrderedDict()

    @asynccontextmanager
    async def connect(self, connection_id: str) -> AsyncIterator[SymblConnection]:
        """Open a line under an id; nothing is said on it yet."""
        async with open_line(self._peer, connection_id) as line:
            api = ConversationApi(self._peer)
            connection = SymblConnection(line, self._settings, self._memory(connection_id), api)
            reading = asyncio.create_task(connection.read(), name="earmark symbl translation")
            try:
                yield connection
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    def connection_id(self) -> str:
        """The configured id, or a new one."""
        return self._settings.connection_id or str(uuid.uuid4())

    def _memory(self, connection_id: str) -> Memory:
        memory = self._memories.setdefault(connection_id, Memory())
        self._memories.move_to_end(connection_id)
        if len(self._memories) > _MOST_CONVERSATIONS:
            self._memories.popitem(last=False)
        return memory


@asynccontextmanager
async def open_symbl(settings: SymblSettings, room: Room) -> AsyncIterator[SymblTransport]:
    """The way to the service that the settings name."""
    async with open_service(settings) as peer:
        yield SymblTransport(peer, settings)


def open_service(settings: SymblSettings) -> AbstractAsyncContextManager[Peer]:
    """The service that the settings name, before anything is said to it."""
    return open_peer(
        settings.url,
        token=settings.token.reveal() if settings.token else None,
        app_id=settings.app_id,
        app_secret=settings.app_secret.reveal() if settings.app_secret else None,
        options=settings.options,
    )
