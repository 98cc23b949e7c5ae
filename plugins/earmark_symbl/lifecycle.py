"""What a server says of the session itself, and the live speech: all but the results."""

from __future__ import annotations

from typing import Any

import msgspec

from earmark_symbl.requests import Piece, Wire


class Heard(Piece, frozen=True, kw_only=True):
    """Our own extension of `started_listening`: how far the server has heard already."""

    version: int = 1
    heard: int = 0
    """Capture samples before this one need not be sent again."""


class Placed(Piece, frozen=True, kw_only=True):
    """Our own extension of every result: its number, and where it lies on the client's capture clock."""

    sequence: int = 0
    """Counts the results of a conversation from 1; 0 for what is not repeated, such as interim text."""
    start: int | None = None
    """Capture samples, at the rate that the `start_request` named."""
    end: int | None = None


class ConversationData(Piece, frozen=True, kw_only=True):
    """The part that names the conversation."""

    conversation_id: str | int = ""


class Inner(Wire, frozen=True, kw_only=True):
    """A message that travels inside of `{"type": "message", "message": …}`."""


class StartedListening(Inner, frozen=True, kw_only=True, tag="started_listening"):
    """The server takes audio."""

    earmark: Heard | None = None


class InConversation(Inner, frozen=True, kw_only=True):
    """A message that says which conversation it speaks of."""

    data: ConversationData | None = None

    @property
    def conversation(self) -> str:
        """The conversation's id, or nothing."""
        return str(self.data.conversation_id) if self.data else ""


class ConversationCreated(InConversation, frozen=True, kw_only=True, tag="conversation_created"):
    """The conversation has an id, its own or that of the conversation that was joined."""


class RecognitionStarted(InConversation, frozen=True, kw_only=True, tag="recognition_started"):
    """The server recognises speech."""


class RecognitionStopped(Inner, frozen=True, kw_only=True, tag="recognition_stopped"):
    """Everything that was due has been sent."""


class ConversationCompleted(InConversation, frozen=True, kw_only=True, tag="conversation_completed"):
    """The conversation is over; servers name it in `conversationId`, in `data`, or in both."""

    conversation_id: str | int | None = None
    summary_url: str | None = None

    @property
    def conversation(self) -> str:
        """The conversation's id, wherever it stood, or nothing."""
        flat = self.conversation_id
        return str(flat) if flat is not None else str(self.data.conversation_id) if self.data else ""

    @classmethod
    def of(cls, conversation: str) -> ConversationCompleted:
        """Both shapes at once, so that every client finds its own."""
        return cls(conversation_id=conversation, data=ConversationData(conversation_id=conversation))


class SessionModified(Inner, frozen=True, kw_only=True, tag="session_modified"):
    """The server goes on with the audio as `modify_request` announced it."""


class SubscriptionStarted(InConversation, frozen=True, kw_only=True, tag="subscription_started"):
    """A listener without audio of its own is let in."""


class EarmarkHeard(Inner, frozen=True, kw_only=True, tag="earmark_heard"):
    """Our own extension: audio before a capture sample is done with, and all its results are sent."""

    samples: int
    sequence: int = 0


class WireTime(Piece, frozen=True, kw_only=True):
    """A moment of the audio: strings, as the documents have it, or numbers."""

    seconds: str | int | float = "0"
    nanos: str | int | float = "0"

    @property
    def total(self) -> float:
        """Seconds as one number; 0 where it is none."""
        try:
            return float(self.seconds) + float(self.nanos) / 1e9
        except (ValueError, OverflowError):
            return 0.0

    @classmethod
    def of(cls, seconds: float) -> WireTime:
        """The moment, as the documents write it."""
        whole, nanos = divmod(round(seconds * 1e9), 1_000_000_000)
        return cls(seconds=str(whole), nanos=str(nanos))


class RecognizedWord(Piece, frozen=True, kw_only=True):
    """A word, with times that count the audio sent since the latest `start_request` on the socket."""

    word: str = ""
    start_time: WireTime = WireTime()
    end_time: WireTime = WireTime()


class Alternative(Piece, frozen=True, kw_only=True):
    """One way to understand what was said."""

    words: tuple[RecognizedWord, ...] = ()
    transcript: str = ""
    confidence: float = 0.0


class RawSpeech(Piece, frozen=True, kw_only=True):
    """What the recogniser gave."""

    alternatives: tuple[Alternative, ...] = ()


class SpeechPayload(Piece, frozen=True, kw_only=True):
    """The recogniser's part of a `recognition_result`."""

    raw: RawSpeech = RawSpeech()


class Punctuated(Piece, frozen=True, kw_only=True):
    """The text as it is shown."""

    transcript: str = ""


class Span(Piece, frozen=True, kw_only=True):
    """From when to when, as ISO times of the server's clock."""

    start_time: str | None = None
    end_time: str | None = None
    time_offset: float | None = None
    """Seconds since the conversation began."""
    duration: float | None = None


class RecognitionResult(Inner, frozen=True, kw_only=True, tag="recognition_result"):
    """Text as it is being recognised; each replaces the one before until one is final."""

    is_final: bool = False
    payload: SpeechPayload = SpeechPayload()
    punctuated: Punctuated = Punctuated()
    user: dict[str, Any] | None = None
    """The speaker of this socket as the client named it, with an `id`."""
    duration: Span | None = None
    time_offset: int | float | None = None
    """Milliseconds; on the wire it stands beside `message`, not inside."""
    earmark: Placed | None = None

    @property
    def text(self) -> str:
        """What is shown: punctuated where that was sent."""
        alternatives = self.payload.raw.alternatives
        return self.punctuated.transcript or (alternatives[0].transcript if alternatives else "")

    @property
    def words(self) -> tuple[RecognizedWord, ...]:
        """The words with their times; empty while the text is not final."""
        alternatives = self.payload.raw.alternatives
        return alternatives[0].words if alternatives else ()


class ErrorMessage(Wire, frozen=True, kw_only=True, tag="error"):
    """A complaint of the server."""

    message: str | None = None
    details: Any = None
    payload: Any = None

    @property
    def text(self) -> str:
        """One sentence, whatever members the server chose."""
        for part in (self.message, self.details, self.payload):
            if part:
                return part if isinstance(part, str) else msgspec.json.encode(part).decode()
        return "The service reports an error and does not say which."


class NestedError(ErrorMessage, frozen=True, kw_only=True, tag="error"):
    """The same complaint inside of a `message`, as some clients expect it."""
