"""The bodies of requests, from which the OpenAPI description is made too."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from earmark_engine.rest.shapes import Shape

NonEmpty = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Metadata(Shape, frozen=True, kw_only=True):
    """What to attach to a conversation."""

    metadata: dict[str, Any]


class MemberUpdate(Shape, frozen=True, kw_only=True):
    """Who a member really is."""

    id: NonEmpty
    name: NonEmpty
    email: str | None = None


class Offset(Shape, frozen=True, kw_only=True):
    """A moment of the conversation."""

    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    nanos: Annotated[float, msgspec.Meta(ge=0, le=999_999_999)] = 0


class Speaker(Shape, frozen=True, kw_only=True):
    """Who speaks."""

    id: NonEmpty
    name: str | None = None
    email: str | None = None


class SpeakerEvent(Shape, frozen=True, kw_only=True):
    """Somebody began or ceased to speak."""

    type: Literal["started_speaking", "stopped_speaking"]
    user: Speaker
    offset: Offset


class SpeakerEvents(Shape, frozen=True, kw_only=True):
    """Who spoke when."""

    speaker_events: list[SpeakerEvent]


class Highlights(Shape, frozen=True, kw_only=True):
    """What to set apart in a transcript."""

    highlight_only_insight_key_phrases: bool = False
    highlight_all_key_phrases: bool = False


class TranscriptRequest(Shape, frozen=True, kw_only=True):
    """How a transcript is to look."""

    content_type: Literal["text/markdown", "text/srt"]
    create_paragraphs: bool = True
    phrases: Highlights = Highlights()
    show_speaker_separation: bool = True
