"""Finds days as people say them: "next Tuesday morning", "in two weeks", "by the end of the month".

The calendar's arithmetic is parsedatetime's; which words mean a day at all is decided here, because speech is
full of "may", "second", "march on" and "in a minute". What is past or happens every week is no day to be ready by.
A stretch of days ("next week") ends on its last day, or begins on its first where it is named with "by" or "before".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from . import numerals
from .background import split

if TYPE_CHECKING:
    from parsedatetime import Calendar


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day that was named; `begins` is its midnight, or the very minute for "in ten minutes"."""

    begins: datetime
    to_the_minute: bool
    part: str | None
    """`morning`, `afternoon`, `evening`, `night` or `tonight`."""
    deadline: bool
    """Whether it was named with "by", "before" or the like."""
    vague: bool
    """Whether only a part of the day was named, without saying of which."""
    offset: int
    end: int


_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    split("january february march april may june july august september october november december")
)  # fmt: skip
_WEEKDAY = rf"(?P<weekday>{'|'.join(_WEEKDAYS)})\b(?!s)"
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})\b"
_PART = r"(?P<part>morning|afternoon|evening|night)\b"
_UNIT = r"(?P<unit>minute|hour|day|week|fortnight|month|year)s?\b(?:['’]s?\s+time)?"
_COUNT = rf"(?P<count>an?|{numerals.SMALL}|[0-9]{{1,3}}|a couple(?: of)?)"
_YEAR = r"(?:,?\s(?P<year>20[0-9]{2}))?"
_NTH = rf"(?P<nth>{numerals.NTH})\b"
_HOLIDAYS = {
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
# What may follow "the second" for it to be a day: not a noun, as in "the second floor".
_ALONE = (
    r"(?=\s*(?:$|[.,;:!?)]|[-–—])|\s+(?:at|in|on|and|or|because|so|but|if|when|for|with|to|from|by|until|before|"
    r"after|please|then|i|you|we|he|she|they|it|is|latest|okay|ok|right|around|not)\b)"
)


def find(text: str, local: datetime) -> list[Day]:
    """Find every coming day that is named, in the order of the text; `local` is the time it was said."""
    if not _CUE.search(text):
        return []
    taken = [match.span() for match in _NOT_COMING.finditer(text)]
    found = []
    for pattern, resolve in _RULES:
        for match in pattern.finditer(text):
            begin, end = match.span()
            if any(begin < last and end > first for first, last in taken):
                continue
            begins = resolve(match, local.replace(second=0, microsecond=0))
            if begins is not None:
                found.append(_day(match, begins))
                taken.append((begin, end))
    return sorted(found, key=lambda day: day.offset)


def _day(match: re.Match[str], begins: datetime) -> Day:
    groups = match.groupdict()
    to_the_minute = (groups.get("unit") or groups.get("precise") or "")[:4].lower() in ("minu", "hour", "an h")
    part = groups.get("part")
    return Day(
        begins=begins if to_the_minute else begins.replace(hour=0, minute=0),
        to_the_minute=to_the_minute,
        part=part.lower() if part else "tonight" if match.group().lower() in ("tonight", "to-night") else None,
        deadline=_is_deadline(match),
        vague="vague" in groups,
        offset=match.start() + len(_PREPOSITION.findall(match.group())[0]),
        end=match.end(),
    )


_PREPOSITION = re.compile(rf"(?:(?:by|before|until|till|on|in(?=\s(?:{'|'.join(_MONTHS)})\b))\s)?", re.IGNORECASE)
_DEADLINE = re.compile(r"\b(?:by|before|until|till|due|due on|no later than|latest)\s(?:the\s)?$", re.IGNORECASE)
_STARTS_AS_DEADLINE = re.compile(r"(?:by|before|until|till)\s", re.IGNORECASE)


def _is_deadline(match: re.Match[str]) -> bool:
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


def _near(match: re.Match[str], local: datetime) -> datetime:
    word = match["near"].lower().replace("-", "")
    ahead = 2 if word.startswith("the day after") else 1 if word == "tomorrow" else 0
    return local + timedelta(days=ahead)


def _week_from(match: re.Match[str], local: datetime) -> datetime:
    return _near(match, local) + timedelta(days=7)


def _this_part(match: re.Match[str], local: datetime) -> datetime | None:
    over = {"morning": 12, "afternoon": 18}.get(match["part"].lower(), 24)
    return local if local.hour < over else None


def _weekday(match: re.Match[str], local: datetime) -> datetime:
    which = (match["which"] or "").lower()
    number = _WEEKDAYS.index(match["weekday"].lower())
    ahead = (number - local.weekday()) % 7
    if which.startswith("next"):
        ahead = 7 - local.weekday() + number
    elif not which.startswith("this"):
        ahead = ahead or 7
    weeks = 1 if match["later"] or which.startswith("a week") else 2 if which.startswith("two weeks") else 0
    return local + timedelta(days=ahead + 7 * weeks)


def _duration(match: re.Match[str], local: datetime) -> datetime | None:
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


def _fraction(match: re.Match[str], local: datetime) -> datetime:
    words = match["fraction"].lower()
    minutes = 30 if words == "half" else 45 if words.startswith("three") else 15
    return local + timedelta(minutes=minutes)


def _within_the_hour(match: re.Match[str], local: datetime) -> datetime:
    return local + timedelta(hours=1)


def _friday(local: datetime, weeks: int) -> datetime:
    weekday = local.weekday()
    if weeks == 0 and weekday > 4:
        return local + timedelta(days=6 - weekday)
    return local + timedelta(days=4 - weekday + 7 * weeks)


def _first_of_month(local: datetime, months: int) -> datetime:
    month = local.month - 1 + months
    return local.replace(year=local.year + month // 12, month=month % 12 + 1, day=1)


def _span(match: re.Match[str], local: datetime) -> datetime | None:
    """Give one day of a week, weekend, month or year: its end, unless its beginning or middle was named."""
    edge, which = (match["edge"] or "").lower(), (match["which"] or "").lower()
    stretch = match["stretch"].lower()
    ahead = 2 if match["after"] else 1 if which == "next" else 0
    named = ahead or which == "this" or (which, stretch) == ("the", "weekend")
    if not edge and (not named or stretch == "year"):
        return None
    begins, middle, ends = _bounds(stretch, ahead, local)
    early = re.match(r"beginning|start|early", edge) or (not edge and _is_deadline(match) and begins > local)
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


def _month(match: re.Match[str], local: datetime) -> datetime | None:
    edge = (match["edge"] or match["by"] or "").lower()
    if not edge:
        return None
    number = _MONTHS.index(match["month"].lower()) + 1
    ahead = (number - local.month) % 12
    if edge in ("by", "before", "until", "till"):
        ahead = ahead or 12
    first = _first_of_month(local, ahead)
    if re.match(r"beginning|start|early|by|before|until|till", edge):
        return first
    if edge.startswith("mid"):
        return first + timedelta(days=14)
    return _first_of_month(local, ahead + 1) - timedelta(days=1)


def _date(match: re.Match[str], local: datetime) -> datetime | None:
    number = numerals.ordinal(match["nth"]) or numerals.cardinal(match["nth"])
    if number is None or not 1 <= number <= 31:
        return None
    if match["year"]:
        return _reckon(f"{match['month']} {number} {match['year']}", local)
    return _reckon(f"{match['month']} {number}", local)


def _day_of_month(match: re.Match[str], local: datetime) -> datetime | None:
    number = numerals.ordinal(match["nth"])
    months = (_first_of_month(local, ahead) for ahead in range(13))
    for first in months:
        length = (_first_of_month(first, 1) - first).days
        if number is not None and 1 <= number <= length:
            day = first.replace(day=number)
            if day.date() >= local.date():
                return day
    return None


def _holiday(match: re.Match[str], local: datetime) -> datetime | None:
    return _reckon(_HOLIDAYS[re.sub(r"’", "'", match["holiday"].lower())], local)


def _iso(match: re.Match[str], local: datetime) -> datetime | None:
    return _reckon(match.group(), local)


def _end_of_day(match: re.Match[str], local: datetime) -> datetime:
    return local + timedelta(days=1 if "morrow" in match.group().lower() else 0)


def _part(match: re.Match[str], local: datetime) -> datetime:
    latest = {"morning": 9, "afternoon": 16, "evening": 20, "night": 23}[match["part"].lower()]
    return local + timedelta(days=0 if local.hour < latest else 1)


_EDGE = (
    r"(?:(?:the\s)?(?P<edge>end|beginning|start|middle|early|late|mid|later|some ?time|any ?time)[\s-](?:of\s|in\s)?)?"
)
_Resolve = Callable[[re.Match[str], datetime], datetime | None]
_RULES: tuple[tuple[re.Pattern[str], _Resolve], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), resolve)
    for pattern, resolve in (
        (r"\b20[0-9]{2}-[01][0-9]-[0-3][0-9]\b", _iso),
        (r"\b(?:(?:the )?end of (?:the |this |to|)(?:work ?|business )?(?:day|play)(?: to-?morrow)?|EOD|"
         r"close of business(?: to-?day| to-?morrow)?)\b", _end_of_day),
        (r"\ba week from (?P<near>to-?morrow|to-?day)\b", _week_from),
        (rf"\b(?P<near>the day after to-?morrow|to-?morrow|to-?day|to-?night)\b(?!\s?['’]s\b)"
         rf"(?:\s(?:in the\s)?{_PART})?", _near),
        (rf"\bthis\s{_PART}", _this_part),
        (rf"\b(?:{'|'.join(_WEEKDAYS)}),?\s(?:the\s)?{_NTH}(?:\sof)?\s{_MONTH}{_YEAR}", _date),
        (rf"\b(?:(?:{'|'.join(_WEEKDAYS)}),?\s)?{_MONTH}\s(?:the\s)?{_NTH}{_YEAR}", _date),
        (rf"\b{_MONTH}\s(?P<nth>[0-3]?[0-9])\b(?![:.,]?\d|\s?%){_YEAR}", _date),
        (rf"\b(?:the\s)?{_NTH}\sof\s{_MONTH}{_YEAR}", _date),
        (rf"\b(?P<nth>[0-3]?[0-9])\s{_MONTH}{_YEAR}", _date),
        (rf"\b(?:{'|'.join(_WEEKDAYS)}),?\sthe\s{_NTH}{_ALONE}", _day_of_month),
        (rf"\b(?:(?P<which>(?:(?:this|the)\s)?coming|this|next|(?:a week|two weeks) (?:from|on))\s)?{_WEEKDAY}"
         rf"\b(?!\s?['’]s\b)(?P<later>\s(?:week|after next))?\b(?:\s{_PART})?", _weekday),
        (rf"\b(?:in|within)\s(?:about\s|the next\s)?{_COUNT}(?:\sand a half)?\s{_UNIT}(?:\sand a half)?",
         _duration),
        (rf"\b(?:in|within)\sthe next(?P<count>)\s{_UNIT}", _duration),
        (rf"\b{_COUNT}\s{_UNIT}\sfrom (?:now|to-?day)\b", _duration),
        (r"\b(?:in|within)\s(?:about\s)?(?:a\s)?(?P<fraction>half|three quarters of|quarter of)\s"
         r"(?P<precise>an hour)\b", _fraction),
        (r"\bwithin the (?P<precise>hour)\b", _within_the_hour),
        (rf"\b{_EDGE}(?:(?P<which>this|next|the)\s)?(?P<stretch>week|weekend|month|year)"
         r"(?P<after>\safter next)?\b(?!['’]s\b)", _span),
        (rf"\b(?:(?P<by>in|by|before|until|till|during|next)\s)?{_EDGE}{_MONTH}", _month),
        (rf"\b(?:on|by|before|until|till)\sthe\s{_NTH}{_ALONE}", _day_of_month),
        (rf"\b(?P<holiday>{'|'.join(name.replace(chr(39), '[’' + chr(39) + ']') for name in _HOLIDAYS)})\b", _holiday),
        (rf"\b(?P<vague>)(?:first thing |early |later )?in the {_PART}", _part),
    )
)  # fmt: skip
_CUE = re.compile(
    rf"\bto-?(?:day|morrow|night)\b|\bthis\b|next|week|month|year|\bthe\b|day\b|\b20\d\d-|{'|'.join(_MONTHS)}|"
    r"\b(?:in|within)\b|from now|christmas|halloween|valentine|EOD|business|fortnight|minute|hour|[0-9](?:st|nd|rd|th)",
    re.IGNORECASE,
)
# What has been, what happens again and again, and what only looks like a time.
_NOT_COMING = re.compile(
    rf"\b(?:last|past|since|every|each|most|other|previous)\s(?:single\s|other\s|second\s|the\s)?(?:{'|'.join(_WEEKDAYS)}"
    r"|week(?:end)?|month|year|day|morning|afternoon|evening|night)s?\b"
    rf"|\bon (?:{'|'.join(_WEEKDAYS)})s\b|\b(?:{'|'.join(_WEEKDAYS)})['’]s\b"
    r"|\bat (?:the )?end of the day\b(?! to-?day)|\bnot (?:to-?day|to-?morrow|to-?night)\b"
    r"|\b(?:earlier|already) (?:this|to-?day)(?:\s\w+)?|\bthe other day\b|\bthese days\b"
    r"|\b(?:\w+|a couple of|a few) (?:minutes?|hours?|days?|weeks?|months?|years?) ago\b"
    r"|\bin the (?:first|second|last|past) \w+|\bthis (?:time|one)\b|\bthe year before\b|\byesterday(?:\s\w+)?"
    r"|\b(?:day|night) (?:after|by) (?:day|night)\b|\ball (?:day|week|month|year)\b",
    re.IGNORECASE,
)
