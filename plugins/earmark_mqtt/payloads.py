"""What goes out, as types: events as they stand in the journal, and the room in plain values for dashboards."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import msgspec
from msgspec.structs import replace

from earmark.events import (
    AnyEvent,
    Entity,
    Event,
    Hearing,
    Insight,
    InsightKind,
    Level,
    MarkChanged,
    Speaker,
    State,
    Status,
    Topic,
    TrackerHit,
    Utterance,
    encode,
)
from earmark.journal_rows import Mark
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.topics import Message, Topics, topic_kind

CONFIGURED = "configured"
"""The choice of microphone that the configuration makes."""
MOST_MINUTES = 1440
_MOST_ITEMS = 20
_MOST_ITEM_CHARACTERS = 300
_SPOKEN_SECONDS = 1.5
_DEAF = (State.STOPPED, State.MUTED)
_CUT_OFF = (State.CONNECTING, State.RECONNECTING, State.STOPPED)


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """The room in plain values: what the sensors and switches of Home Assistant show."""

    room: str
    state: State
    """What the listener is doing."""
    muted: bool
    mute_minutes: int
    """Minutes until the ears open again; 0 when open, or muted without an end."""
    listening: bool
    """Whether the ears are open."""
    speaking: bool
    """Whether somebody is heard to speak."""
    connected: bool
    """Whether nothing is known to be wrong with the line to the speech service."""
    microphone: str
    """The one that was chosen while listening, or `configured`."""
    minutes_heard: float
    """Sound captured since the start."""
    minutes_not_sent: float
    """Sound left out by the owner's rules (mute, silence)."""
    minutes_lost: float
    backlog_seconds: float
    """Sound that waits for the speech service."""
    problems: tuple[str, ...] = ()
    """What is wrong just now, each a sentence that a person can act on."""


class OpenItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An action item that is still to be done."""

    mark: str
    """What a command names to tick it off."""
    text: str
    at: datetime
    assignee: str | None = None
    due: datetime | None = None


class OpenItems(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be done."""

    today: int
    """How many of them were said today."""
    total: int
    """How many there are at all."""
    items: tuple[OpenItem, ...]
    """The newest, at most 20, with texts of at most 300 characters."""


class LastMark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest mark of a kind, as it is now."""

    mark: str
    kind: InsightKind
    text: str
    state: str
    """`open`, `done`, `answered`, `dismissed` or `amended`."""
    at: datetime
    conversation: str
    speaker: str | None = None
    assignee: str | None = None
    due: datetime | None = None


def without_text(event: AnyEvent) -> AnyEvent:
    """The event with nothing in it of what was said."""
    if isinstance(event, Utterance | Insight | Topic):
        return replace(event, text="", withheld=True)
    if isinstance(event, TrackerHit):
        return replace(event, text="", phrase="", withheld=True)
    if isinstance(event, Entity):
        return replace(event, value="", withheld=True)
    if isinstance(event, MarkChanged):
        return replace(event, text=None)
    return event


def message_of(event: AnyEvent, topics: Topics, settings: MqttSettings) -> Message | None:
    """What is published of an event; None if its kind is not wanted."""
    kind = topic_kind(event)
    if kind not in settings.kinds:
        return None
    told = event if settings.text else without_text(event)
    return Message(topics.of(kind), encode(told), retain=kind in settings.retain)


def is_heard(event: Event) -> bool:
    """Whether it tells that somebody speaks just now."""
    if isinstance(event, Level):
        return bool(event.speaking)
    return isinstance(event, Hearing) and not event.final


def home_of(status: Status, *, muted: bool, microphone: str | None, spoke_seconds_ago: float, now: datetime) -> Home:
    """The room in plain values."""
    until = status.muted_until
    left = max(timedelta(), until - now) if muted and until is not None else timedelta()
    return Home(
        room=status.room,
        state=status.state,
        muted=muted,
        mute_minutes=min(MOST_MINUTES, ceil(left.total_seconds() / 60)),
        listening=not muted and status.state not in _DEAF,
        speaking=not muted and spoke_seconds_ago < _SPOKEN_SECONDS,
        connected=status.state not in _CUT_OFF,
        microphone=microphone or CONFIGURED,
        minutes_heard=_minutes(status.heard_seconds),
        minutes_not_sent=_minutes(status.not_sent_seconds),
        minutes_lost=_minutes(status.lost_seconds),
        backlog_seconds=round(status.backlog_seconds),
        problems=status.problems,
    )


def _minutes(seconds: float) -> float:
    return round(seconds / 60, 1)


def without_figures(home: Home) -> Home:
    """What of it goes out at once when it changes; figures wait for their turn."""
    return replace(home, minutes_heard=0, minutes_not_sent=0, minutes_lost=0, backlog_seconds=0)


def state_only(status: Status) -> tuple[Any, ...]:
    """The same for a `Status`."""
    stages = tuple((one.kind, one.name, one.state, one.failures, one.refused) for one in status.stages)
    return (
        status.state,
        status.reason,
        status.conversation,
        status.muted_until,
        status.gaps,
        status.reconnects,
        status.problems,
        stages,
    )


def open_items_of(marks: Iterable[Mark], *, now: datetime, text: bool) -> OpenItems:
    """What is to be done, of all open marks, the newest first; `now` is in local time."""
    open_ones = [one.insight for one in marks if one.insight.kind is InsightKind.ACTION_ITEM]
    today = [one for one in open_ones if one.at.astimezone(now.tzinfo).date() == now.date()]
    items = tuple(
        OpenItem(
            mark=one.mark,
            text=one.text[:_MOST_ITEM_CHARACTERS] if text else "",
            at=one.at,
            assignee=_name(one.assignee) if text else None,
            due=one.due,
        )
        for one in open_ones[:_MOST_ITEMS]
    )
    return OpenItems(today=len(today), total=len(open_ones), items=items)


def last_of(mark: Mark, *, text: bool) -> LastMark:
    """A mark for the topic that keeps the latest."""
    insight = mark.insight
    return LastMark(
        mark=insight.mark,
        kind=insight.kind,
        text=insight.text if text else "",
        state=mark.state.value,
        at=insight.at,
        conversation=insight.conversation,
        speaker=_name(insight.speaker) if text else None,
        assignee=_name(insight.assignee) if text else None,
        due=insight.due,
    )


def _name(speaker: Speaker | None) -> str | None:
    return None if speaker is None else speaker.name
