"""Reckons the day that a phrase means, on the calendar of the one who says it.

Every function takes the match of a phrase and the local time it was said at. The calendar's own arithmetic is
parsedatetime's.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from . import numerals
from .background import split

if TYPE_CHECKING:
    from parsedatetime import Calendar

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = split("january february march april may june july august september october november december")
HOLIDAYS = {
    "christmas eve": "December 24",
    "christmas day": "December 25",
    "christmas": "December 25",
    "boxing day": "December 26",
    "new year's eve": "December 31",
    "new year's day": "January 1",
    "new year's": "January 1",
    "new year": "January 1",
    "halloween": "October 31",
    "valentine's day": "February 14",
    "valentine's": "February 14",
}


_DEADLINE = re.compile(r"\b(?:by|before|until|till|due|due on|no later than|latest)\s(?:the\s)?$", re.IGNORECASE)
_STARTS_AS_DEADLINE = re.compile(r"(?:by|before|until|till)\s", re.IGNORECASE)


def is_deadline(match: re.Match[str]) -> bool:
    """Tell whether a day is named with "by", "before" or the like."""
    before = match.string[max(0, match.start() - 20) : match.start()]
    return bool(_DEADLINE.search(before) or _STARTS_AS_DEADLINE.match(match.group()))


@cache
def _calendar() -> Calendar:
    import parsedatetime

    constants = parsedatetime.Constants("en_US", usePyICU=False)
    return parsedatetime.Calendar(constants, version=parsedatetime.VERSION_CONTEXT_STYLE)


def _reckon(phrase: str, local: datetime) -> datetime | None:
    when, context = _calendar().parseDT(phrase, local.replace(tzinfo=None))
    if not (context.hasDate or context.hasTime):
        return None
    return when.replace(tzinfo=local.tzinfo)  # type: ignore[no-any-return]


def _coming(day: datetime | None, local: datetime) -> datetime | None:
    return day if day and day.date() >= local.date() else None


def near(match: re.Match[str], local: datetime) -> datetime:
    """Today, tonight, tomorrow, the day after tomorrow."""
    word = match["near"].lower().replace("-", "")
    ahead = 2 if word.startswith("the day after") else 1 if word == "tomorrow" else 0
    return local + timedelta(days=ahead)


def week_from(match: re.Match[str], local: datetime) -> datetime:
    """A week from today or tomorrow."""
    return near(match, local) + timedelta(days=7)


def this_part(match: re.Match[str], local: datetime) -> datetime | None:
    """The part of today that is named, unless it is over."""
    over = {"morning": 12, "afternoon": 18}.get(match["part"].lower(), 24)
    return local if local.hour < over else None


def weekday(match: re.Match[str], local: datetime) -> datetime:
    """The coming one; "next" is the one of next week, "Friday week" a week later."""
    which = (match["which"] or "").lower()
    number = WEEKDAYS.index(match["weekday"].lower())
    ahead = (number - local.weekday()) % 7
    if which.startswith("next"):
        ahead = 7 - local.weekday() + number
    elif not which.startswith("this"):
        ahead = ahead or 7
    weeks = 1 if match["later"] or which.startswith("a week") else 2 if which.startswith("two weeks") else 0
    return local + timedelta(days=ahead + 7 * weeks)


def duration(match: re.Match[str], local: datetime) -> datetime | None:
    """In so many hours, days or weeks; "in a minute" is only a manner of speaking."""
    groups = match.groupdict()
    unit, spoken = groups["unit"].lower(), groups["count"].lower()
    count = 2 if spoken.startswith("a couple") else numerals.cardinal(spoken or "a")
    if count is None or (unit == "minute" and spoken in ("a", "a couple of", "a couple")):
        return None
    if unit == "fortnight":
        unit, count = "week", 2 * count
    when = _reckon(f"{count} {unit}s", local)
    half_more = unit == "hour" and "and a half" in match.group().lower()
    return when + timedelta(minutes=30) if when and half_more else when


def fraction(match: re.Match[str], local: datetime) -> datetime:
    """In half an hour."""
    words = match["fraction"].lower()
    minutes = 30 if words == "half" else 45 if words.startswith("three") else 15
    return local + timedelta(minutes=minutes)


def within_the_hour(match: re.Match[str], local: datetime) -> datetime:
    """An hour from now."""
    return local + timedelta(hours=1)


def _friday(local: datetime, weeks: int) -> datetime:
    weekday = local.weekday()
    if weeks == 0 and weekday > 4:
        return local + timedelta(days=6 - weekday)
    return local + timedelta(days=4 - weekday + 7 * weeks)


def _first_of_month(local: datetime, months: int) -> datetime:
    month = local.month - 1 + months
    return local.replace(year=local.year + month // 12, month=month % 12 + 1, day=1)


def span(match: re.Match[str], local: datetime) -> datetime | None:
    """Give one day of a week, weekend, month or year: its end, unless its beginning or middle was named."""
    edge, which = (match["edge"] or "").lower(), (match["which"] or "").lower()
    stretch = match["stretch"].lower()
    ahead = 2 if match["after"] else 1 if which == "next" else 0
    named = ahead or which == "this" or (which, stretch) == ("the", "weekend")
    if not edge and (not named or stretch == "year"):
        return None
    begins, middle, ends = _bounds(stretch, ahead, local)
    early = re.match(r"beginning|start|early", edge) or (not edge and is_deadline(match) and begins > local)
    return begins if early else middle if edge.startswith("mid") else ends


def _bounds(stretch: str, ahead: int, local: datetime) -> tuple[datetime, datetime, datetime]:
    one_day = timedelta(days=1)
    monday = local + timedelta(days=7 * ahead - local.weekday())
    if stretch == "weekend":
        return monday + 5 * one_day, monday + 5 * one_day, monday + 6 * one_day
    if stretch == "week":
        return monday, monday + 2 * one_day, _friday(local, ahead)
    if stretch == "month":
        first = _first_of_month(local, ahead)
        return first, first + 14 * one_day, _first_of_month(local, ahead + 1) - one_day
    year = local.replace(year=local.year + ahead, month=1, day=1)
    return year, year.replace(month=6, day=30), year.replace(month=12, day=31)


def month(match: re.Match[str], local: datetime) -> datetime | None:
    """The last day of a month, or the first or middle where that is named."""
    edge = (match["edge"] or match["by"] or "").lower()
    if not edge:
        return None
    number = MONTHS.index(match["month"].lower()) + 1
    ahead = (number - local.month) % 12
    if edge in ("by", "before", "until", "till"):
        ahead = ahead or 12
    first = _first_of_month(local, ahead)
    if re.match(r"beginning|start|early|by|before|until|till", edge):
        return first
    if edge.startswith("mid"):
        return first + timedelta(days=14)
    return _first_of_month(local, ahead + 1) - timedelta(days=1)


def date(match: re.Match[str], local: datetime) -> datetime | None:
    """A day of a month, with or without its year."""
    number = numerals.ordinal(match["nth"]) or numerals.cardinal(match["nth"])
    if number is None or not 1 <= number <= 31:
        return None
    if match["year"]:
        return _coming(_reckon(f"{match['month']} {number} {match['year']}", local), local)
    return _reckon(f"{match['month']} {number}", local)


def day_of_month(match: re.Match[str], local: datetime) -> datetime | None:
    """The next day with this number."""
    number = numerals.ordinal(match["nth"])
    months = (_first_of_month(local, ahead) for ahead in range(13))
    for first in months:
        length = (_first_of_month(first, 1) - first).days
        if number is not None and 1 <= number <= length:
            day = first.replace(day=number)
            if day.date() >= local.date():
                return day
    return None


def holiday(match: re.Match[str], local: datetime) -> datetime | None:
    """A feast that has the same date every year."""
    return _reckon(HOLIDAYS[re.sub(r"’", "'", match["holiday"].lower())], local)


def iso(match: re.Match[str], local: datetime) -> datetime | None:
    """A date in digits."""
    return _coming(_reckon(match.group(), local), local)


def end_of_day(match: re.Match[str], local: datetime) -> datetime:
    """The day that ends."""
    return local + timedelta(days=1 if "morrow" in match.group().lower() else 0)


def part(match: re.Match[str], local: datetime) -> datetime:
    """The next morning, afternoon or evening."""
    latest = {"morning": 9, "afternoon": 16, "evening": 20, "night": 23}[match["part"].lower()]
    return local + timedelta(days=0 if local.hour < latest else 1)
