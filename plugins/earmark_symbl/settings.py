"""What can be set about the transport `symbl`, and the `start_request` that comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from earmark.settings import Duration, Secret
from earmark_symbl.address import Options
from earmark_symbl.encoding import Encoding
from earmark_symbl.requests import (
    AUDIO_FRAME_BYTES,
    Config,
    InlineTracker,
    Redaction,
    Resume,
    SpeechRecognition,
    StartRequest,
    TrackerOptions,
)

InsightType = Literal["action_item", "question", "follow_up", "topic"]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Minutes = Annotated[int, msgspec.Meta(ge=-840, le=840)]
Rate = Annotated[int, msgspec.Meta(ge=8000, le=48_000)]
Block = Annotated[int, msgspec.Meta(ge=80, le=AUDIO_FRAME_BYTES // 2)]
Replacement = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
_LONGEST_SECONDS = 1800.0


class SpeakerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who speaks at this microphone, where it is one person."""

    name: str | None = None
    """The name that stands with what is said."""
    user_id: str | None = None
    """An id of yours for the speaker; some services send a summary to it where it is an e-mail address."""


class TrackerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name, and the phrases to be told of."""

    name: str
    """What the tracker is called."""
    vocabulary: tuple[str, ...]
    """The phrases; similar ones count too."""


class RedactionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the service does to words that identify a person."""

    identify_content: bool = True
    """Whether such words are found at all."""
    redact_content: bool = True
    """Whether they are replaced."""
    redaction_string: Replacement = "*****"
    """What stands in their place."""


class SymblSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which Symbl-compatible service hears the room, and what it is asked for."""

    url: str = ""
    """Where the service is, such as `wss://engine.local:8800`; there is no default, for Symbl's own is gone."""
    token: Secret | None = None
    """A ready access token; otherwise one is fetched with `app_id` and `app_secret`."""
    app_id: str | None = None
    """The application's id."""
    app_secret: Secret | None = None
    """The application's secret."""
    token_in: Literal["header", "query"] = "header"  # noqa: S105 # a place, no secret
    """Where the token goes: the header `X-API-KEY`, or `access_token` in the url (as old services want it)."""
    plain_anywhere: bool = False
    """Whether `ws://` may leave this machine, unencrypted."""
    connection_id: str | None = None
    """A fixed id for the conversation, so that others can join or watch it; a new one each time if left out."""
    insight_types: tuple[InsightType, ...] = ("action_item", "question", "follow_up")
    """Which insights are asked for."""
    confidence_threshold: Share = 0.5
    """How sure the service must be of an insight, from 0 to 1."""
    language_code: str = "en-US"
    """The language that is spoken."""
    meeting_title: str | None = None
    """What the conversation is called at the service."""
    timezone_offset: Minutes | None = None
    """Minutes from local time to UTC, as browsers count: 480 is California in winter, -60 is Berlin. It says which day
    "tomorrow" is; the system's own if left out."""
    speaker: SpeakerSettings = SpeakerSettings()
    """Who speaks."""
    custom_vocabulary: tuple[str, ...] = ()
    """Words and names that the service should expect."""
    trackers: tuple[TrackerSettings, ...] = ()
    """Phrases to be told of when they are said."""
    enable_all_trackers: bool = False
    """Whether the trackers that are saved at the service listen too."""
    interim_trackers: bool = False
    """Whether trackers listen to text that is not final yet."""
    redaction: RedactionSettings | None = None
    """Whether the service replaces words that identify a person."""
    sentiment: bool = True
    """Whether it is told how every sentence sounds; where the stream does not say, the Conversation API is asked."""
    detect_entities: bool = True
    """Whether people, dates, numbers and places that are named are told."""
    interim_results: bool = True
    """Whether text is told while it is being spoken."""
    encoding: Encoding = "LINEAR16"
    """How sound is encoded; MULAW takes half as many bytes and wants 8,000 Hz."""
    sample_rate_hertz: Rate | None = None
    """Samples a second that the service gets; the room's own rate (16,000) if left out."""
    block_samples: Block = 1024
    """How many samples go into one message."""
    no_connection_timeout: Duration | None = None
    """How long the service keeps the conversation joinable when the line is lost; as long as the room can resume it if
    left out, 30 min at most."""
    disconnect_on_stop_request_timeout: Duration = Duration("30 min")
    """How long a paused conversation is kept, 30 min at most."""
    connect_timeout: Duration = Duration(10)
    """How long connecting may take."""
    start_timeout: Duration = Duration(15)
    """How long the service may take to listen."""
    stop_timeout: Duration = Duration(60)
    """How long the last results may take."""
    heartbeat: Duration = Duration(20)
    """After how much silence on the line the service is asked whether it is there; it has half of that to answer."""

    def __post_init__(self) -> None:
        for name in ("no_connection_timeout", "disconnect_on_stop_request_timeout"):
            if (getattr(self, name) or 0) > _LONGEST_SECONDS:
                raise ValueError(f"{name}: the protocol allows 30 min at most")
        if self.encoding == "MULAW" and self.sample_rate_hertz not in (None, 8000):
            raise ValueError("sample_rate_hertz: MULAW is 8000 Hz only")
        if not self.heartbeat:
            raise ValueError("heartbeat: more than 0 s, or a dead line would never be noticed")

    @property
    def rate(self) -> int | None:
        """Samples a second on the line, where they are fixed."""
        return 8000 if self.encoding == "MULAW" else self.sample_rate_hertz

    @property
    def options(self) -> Options:
        """How the service is talked to."""
        return Options(
            token_in=self.token_in,
            plain_anywhere=self.plain_anywhere,
            connect_seconds=self.connect_timeout,
            start_seconds=self.start_timeout,
            stop_seconds=self.stop_timeout,
            heartbeat_seconds=self.heartbeat,
        )


def start_request(
    settings: SymblSettings, *, rate: int, keep_seconds: float, timezone_offset: int, resume: Resume
) -> StartRequest:
    """The request that begins or resumes a conversation; the same again but for where the sound goes on."""
    keep = settings.no_connection_timeout
    return StartRequest(
        insight_types=settings.insight_types,
        custom_vocabulary=settings.custom_vocabulary or None,
        config=_config(settings, rate, timezone_offset),
        speaker=_speaker(settings.speaker),
        trackers=tuple(InlineTracker(name=one.name, vocabulary=one.vocabulary) for one in settings.trackers) or None,
        no_connection_timeout=min(_LONGEST_SECONDS, keep_seconds if keep is None else float(keep)),
        disconnect_on_stop_request=False,
        disconnect_on_stop_request_timeout=float(settings.disconnect_on_stop_request_timeout),
        earmark=resume,
    )


def _config(settings: SymblSettings, rate: int, timezone_offset: int) -> Config:
    chosen = settings.redaction
    redaction = Redaction(
        identify_content=chosen.identify_content,
        redact_content=chosen.redact_content,
        redaction_string=chosen.redaction_string,
    ) if chosen else None  # fmt: skip
    wants_trackers = settings.enable_all_trackers or settings.interim_trackers
    return Config(
        meeting_title=settings.meeting_title,
        confidence_threshold=settings.confidence_threshold,
        timezone_offset=timezone_offset if settings.timezone_offset is None else settings.timezone_offset,
        language_code=settings.language_code,
        sentiment=settings.sentiment,
        detect_entities=settings.detect_entities,
        trackers=TrackerOptions(
            interim_results=settings.interim_trackers, enable_all_trackers=settings.enable_all_trackers
        ) if wants_trackers else None,
        redaction=redaction,
        speech_recognition=SpeechRecognition(
            encoding=settings.encoding, sample_rate_hertz=rate, interim_results=settings.interim_results
        ),
    )  # fmt: skip


def _speaker(speaker: SpeakerSettings) -> dict[str, str] | None:
    named = {"userId": speaker.user_id, "name": speaker.name}
    return {key: value for key, value in named.items() if value} or None


def system_timezone_offset(now: datetime | None = None) -> int:
    """Minutes from this machine's local time to UTC, positive west of Greenwich."""
    local = (now or datetime.now(UTC)).astimezone()
    offset = local.utcoffset()
    return -round(offset.total_seconds() / 60) if offset is not None else 0
