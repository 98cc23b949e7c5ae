"""The bodies of requests and answers. Events are as the core writes them everywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from earmark.events import Change, Durable, Insight, Speaker
from earmark.journal_rows import Summary

_YEAR_SECONDS = 366 * 86_400
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request says."""


class Nothing(_Body, frozen=True, kw_only=True):
    """An empty object; the body may as well be left out."""


class Mute(_Body, frozen=True, kw_only=True):
    """For how long the ears are closed."""

    seconds: Annotated[float, msgspec.Meta(gt=0, le=_YEAR_SECONDS)] | None = None
    """Until somebody opens them again, if left out."""


class Device(_Body, frozen=True, kw_only=True):
    """Which microphone is listened to."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    """The configured one, if left out."""


class MarkChange(_Body, frozen=True, kw_only=True):
    """What has become of a mark."""

    change: Change
    text: _Text | None = None
    """Its new text, where it is amended."""
    assignee: Speaker | None = None
    due: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Why a request was not answered."""

    message: str
    """What happened, and what to do about it."""


class Health(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the room does its work; `deaf` comes with status 503."""

    status: Literal["ok", "deaf"]
    reason: Literal["source", "journal", "line", "other"] | None = None
    """Which part of it does not."""


class Conversations(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of conversations, the newest first."""

    conversations: list[Summary]
    next: int | None = None
    """`before` for the next page, where there may be one."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A journaled event and its place."""

    seq: int
    event: Durable


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a conversation, in order."""

    events: list[Kept]


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was found, and from which character to which of its text the words lie."""

    seq: int
    event: Durable
    spans: list[tuple[int, int]]


class Matches(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, the newest first."""

    found: list[Match]


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A mark as it is now."""

    insight: Insight
    state: Change


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be done or answered, the newest first."""

    marks: list[Mark]
