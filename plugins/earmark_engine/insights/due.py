"""When something is due: from "tomorrow at three" to a time on the conversation's clock."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import msgspec

from . import background, days, daytimes
from .days import Day
from .daytimes import Clock
from .types import Context


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """The time that a sentence names, and where it names it."""

    when: datetime
    """In the conversation's time zone; midnight at its beginning where only a day was named."""
    has_time: bool
    """Whether an hour was named, or only a day."""
    text: str
    offset: int


FURTHEST_APART = 40
"""A day and an hour that lie more characters apart are not of one mind."""

_EVENING_MATTERS = re.compile(
    r"\b(?:dinner|supper|party|film|movie|concert|theatre|theater|drinks"
    r"|table for|restaurant|bed|bedtime|pub|cinema|show)\b",
    re.IGNORECASE,
)

_MORNING_MATTERS = re.compile(r"\b(?:wake|waking|get(?:ting)? up|alarm|breakfast|sunrise)\b", re.IGNORECASE)


def due(text: str, at: datetime, context: Context) -> Due | None:
    """Find by when something said at `at` is to be done; nothing where no coming time is named."""
    text = text[: background.LONGEST_TEXT]
    local = at.astimezone(timezone(timedelta(minutes=context.utc_offset_minutes)))
    clocks = daytimes.find(text)
    day = _chosen(days.find(text, local))
    if day is None:
        return _without_day(text, clocks, local) if clocks else None
    clock = None if day.to_the_minute else _nearest(clocks, day)
    if clock is None:
        return _due(text, day.begins, has_time=day.to_the_minute, spans=[(day.offset, day.end)])
    when = _at_clock(day, clock, local, _part(text, day))
    return _due(text, when, has_time=True, spans=[(day.offset, day.end), (clock.offset, clock.end)])


def _chosen(found: list[Day]) -> Day | None:
    """A deadline goes before any other day, and a day before a mere "in the morning"."""
    if not found:
        return None
    return min(found, key=lambda day: (day.vague, not day.deadline, day.offset))


def _nearest(clocks: list[Clock], day: Day) -> Clock | None:
    near = [clock for clock in clocks if _apart(clock, day) <= FURTHEST_APART]
    return min(near, key=lambda clock: _apart(clock, day), default=None)


def _apart(clock: Clock, day: Day) -> int:
    return max(clock.offset - day.end, day.offset - clock.end, 0)


def _part(text: str, day: Day | None) -> str | None:
    if day and day.part:
        return day.part
    if _MORNING_MATTERS.search(text):
        return "morning"
    return "evening" if _EVENING_MATTERS.search(text) else None


def _at_clock(day: Day, clock: Clock, local: datetime, part: str | None) -> datetime:
    times = clock.after_midnight(part) or clock.after_midnight("afternoon")
    if day.vague:
        today = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return _next(today, times, local)
    moments = [day.begins + time for time in times]
    return next((moment for moment in moments if moment > local), moments[-1])


def _next(today: datetime, times: tuple[timedelta, ...], local: datetime) -> datetime:
    moments = (today + timedelta(days=ahead) + time for ahead in (0, 1) for time in times)
    return next(moment for moment in moments if moment > local)


def _without_day(text: str, clocks: list[Clock], local: datetime) -> Due:
    clock = clocks[0]
    part = _part(text, None)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    when = _next(today, clock.after_midnight(part), local)
    return _due(text, when, has_time=True, spans=[(clock.offset, clock.end)])


def _due(text: str, when: datetime, *, has_time: bool, spans: list[tuple[int, int]]) -> Due:
    begin, end = min(first for first, _ in spans), max(last for _, last in spans)
    return Due(when=when, has_time=has_time, text=text[begin:end], offset=begin)
