"""What a client says: the requests of the streaming socket, as they stand on the wire.

Members that are not here are ignored when read, and a `null` is as good as a member left out.
"""

from __future__ import annotations

from typing import Any

import msgspec

DEFAULT_ENCODING = "LINEAR16"
DEFAULT_RATE = 16_000
AUDIO_FRAME_BYTES = 8192
"""The largest binary frame that a client may send."""


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """An object on the wire: snake_case here, camelCase there."""


class Piece(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of a message, which has no tag of its own."""


class SpeechRecognition(Piece, frozen=True, kw_only=True):
    """How the audio is encoded."""

    encoding: str | None = None
    """`LINEAR16`, `FLAC`, `MULAW` or `Opus`, in any case of letters."""
    sample_rate_hertz: int | None = None
    interim_results: bool | None = None
    engine: str | None = None
    language_code: str | None = None


class TrackerOptions(Piece, frozen=True, kw_only=True):
    """Which trackers listen, and whether to text that is not final yet."""

    interim_results: bool | None = None
    enable_all_trackers: bool | None = None


class Redaction(Piece, frozen=True, kw_only=True):
    """What is done to words that identify a person."""

    identify_content: bool | None = None
    redact_content: bool | None = None
    redaction_string: str | None = None


class Phrase(Piece, frozen=True, kw_only=True):
    """A word or phrase to expect."""

    text: str = ""


class Config(Piece, frozen=True, kw_only=True):
    """How the conversation is understood."""

    meeting_title: str | None = None
    confidence_threshold: float | None = None
    timezone_offset: int | None = None
    """Minutes from UTC."""
    language_code: str | None = None
    sentiment: bool | None = None
    detect_entities: bool | None = None
    detect_phrases: bool | None = None
    trackers: TrackerOptions | None = None
    redaction: Redaction | None = None
    custom_vocabulary_strength: tuple[Phrase, ...] | None = None
    speech_recognition: SpeechRecognition | None = None
    encoding: str | None = None
    """Some older clients say it here instead of in `speech_recognition`."""
    sample_rate_hertz: int | None = None


class InlineTracker(Piece, frozen=True, kw_only=True):
    """A name, and the phrases to listen for."""

    name: str = ""
    vocabulary: tuple[str, ...] = ()


class Resume(Piece, frozen=True, kw_only=True):
    """Our own extension of `start_request`: from where the audio goes on, and what has come back already."""

    version: int = 1
    position: int = 0
    """The first sample that follows is this sample on the client's capture clock."""
    rate: int = DEFAULT_RATE
    """Samples a second of that clock."""
    sequence: int = 0
    """The last result of the peer that the client has kept; later ones are repeated."""


class StartRequest(Wire, frozen=True, kw_only=True, tag="start_request"):
    """Asks the peer to listen; audio follows."""

    id: str | None = None
    insight_types: tuple[str, ...] | None = None
    custom_vocabulary: tuple[str, ...] | None = None
    config: Config | None = None
    speaker: dict[str, Any] | None = None
    """`userId`, `name` and whatever else the client wants echoed."""
    trackers: tuple[InlineTracker, ...] | None = None
    enable_all_trackers: bool | None = None
    sentiments: bool | None = None
    no_connection_timeout: bool | float | None = None
    """Seconds; some clients send a flag, which means nothing."""
    disconnect_on_stop_request: bool | None = None
    disconnect_on_stop_request_timeout: float | None = None
    meeting_title: str | None = None
    earmark: Resume | None = None

    @property
    def encoding(self) -> str:
        """How the audio is encoded, in capitals."""
        config = self.config or Config()
        recognition = config.speech_recognition or SpeechRecognition()
        return (recognition.encoding or config.encoding or DEFAULT_ENCODING).upper()

    @property
    def rate(self) -> int:
        """Samples a second."""
        config = self.config or Config()
        recognition = config.speech_recognition or SpeechRecognition()
        return recognition.sample_rate_hertz or config.sample_rate_hertz or DEFAULT_RATE

    @property
    def title(self) -> str | None:
        """What the conversation is called: clients say it in one of two places."""
        return (self.config and self.config.meeting_title) or self.meeting_title

    @property
    def keep_seconds(self) -> float:
        """How long the conversation stays joinable after the last client was lost."""
        timeout = self.no_connection_timeout
        return 0.0 if timeout is None or isinstance(timeout, bool) else min(max(timeout, 0.0), 1800.0)

    @property
    def disconnects(self) -> bool:
        """Whether stopping ends the conversation and the connection, as it does unless told otherwise."""
        return self.disconnect_on_stop_request is not False

    @property
    def all_trackers(self) -> bool:
        """Whether every saved tracker is to listen: clients say it in one of two places."""
        options = self.config.trackers if self.config else None
        return bool(self.enable_all_trackers or (options and options.enable_all_trackers))


class ModifyRequest(Wire, frozen=True, kw_only=True, tag="modify_request"):
    """Says that the audio from here on is encoded otherwise."""

    speech_recognition: SpeechRecognition = SpeechRecognition()
    earmark: Resume | None = None
    """Our own extension: the audio that follows does not go on where the last ended, but at this position."""


class StopRequest(Wire, frozen=True, kw_only=True, tag="stop_request"):
    """Asks for what is still due; no more audio follows."""


class Ping(msgspec.Struct, frozen=True):
    """A text frame that asks whether the peer is alive; it is no JSON."""


class Audio(msgspec.Struct, frozen=True):
    """A binary frame."""

    data: bytes


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a type that we do not know, as it came."""

    type: str
    raw: str
    inner: bool = False
    """Whether `type` stood inside of a `message`."""
