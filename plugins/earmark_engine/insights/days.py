"""Finds days as people say them: "next Tuesday morning", "in two weeks", "by the end of the month".

Which words mean a day at all is decided here, because speech is full of "may", "second", "march on" and "in a
minute". What is past or happens every week is no day to be ready by. A stretch of days
("next week") ends on its last day, or begins on its first where it is named with "by" or "before".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import msgspec

from . import numerals, reckoning


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


_WEEKDAY = rf"(?P<weekday>{'|'.join(reckoning.WEEKDAYS)})\b(?!s)"
_MONTH = rf"(?P<month>{'|'.join(reckoning.MONTHS)})\b"
_PART = r"(?P<part>morning|afternoon|evening|night)\b"
_UNIT = r"(?P<unit>minute|hour|day|week|fortnight|month|year)s?\b(?:['’]s?\s+time)?"
_COUNT = rf"(?P<count>an?|{numerals.SMALL}|[0-9]{{1,3}}|a couple(?: of)?)"
_YEAR = r"(?:,?\s(?P<year>20[0-9]{2}))?"
_NTH = rf"(?P<nth>{numerals.NTH})\b"
_HOLIDAY = "|".join(reckoning.HOLIDAYS).replace("'", "['’]")
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
        deadline=reckoning.is_deadline(match),
        vague="vague" in groups,
        offset=match.start() + len(_PREPOSITION.findall(match.group())[0]),
        end=match.end(),
    )


_PREPOSITION = re.compile(
    rf"(?:(?:by|before|until|till|on|in(?=\s(?:{'|'.join(reckoning.MONTHS)})\b))\s)?", re.IGNORECASE
)
_EDGE = (
    r"(?:(?:the\s)?(?P<edge>end|beginning|start|middle|early|late|mid|later|some ?time|any ?time)[\s-](?:of\s|in\s)?)?"
)
_Resolve = Callable[[re.Match[str], datetime], datetime | None]
_RULES: tuple[tuple[re.Pattern[str], _Resolve], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), resolve)
    for pattern, resolve in (
        (r"\b20[0-9]{2}-[01][0-9]-[0-3][0-9]\b", reckoning.iso),
        (r"\b(?:(?:the )?end of (?:the |this |to|)(?:work ?|business )?(?:day|play)(?: to-?morrow)?|EOD|"
         r"close of business(?: to-?day| to-?morrow)?)\b", reckoning.end_of_day),
        (r"\ba week from (?P<near>to-?morrow|to-?day)\b", reckoning.week_from),
        (rf"\b(?P<near>the day after to-?morrow|to-?morrow|to-?day|to-?night)\b(?!\s?['’]s\b)"
         rf"(?:\s(?:in the\s)?{_PART})?", reckoning.near),
        (rf"\bthis\s{_PART}", reckoning.this_part),
        (rf"\b(?:{'|'.join(reckoning.WEEKDAYS)}),?\s(?:the\s)?{_NTH}(?:\sof)?\s{_MONTH}{_YEAR}", reckoning.date),
        (rf"\b(?:(?:{'|'.join(reckoning.WEEKDAYS)}),?\s)?{_MONTH}\s(?:the\s)?{_NTH}{_YEAR}", reckoning.date),
        (rf"\b{_MONTH}\s(?P<nth>[0-3]?[0-9])\b(?![:.,]?\d|\s?%){_YEAR}", reckoning.date),
        (rf"\b(?:the\s)?{_NTH}\sof\s{_MONTH}{_YEAR}", reckoning.date),
        (rf"\b(?P<nth>[0-3]?[0-9])\s{_MONTH}{_YEAR}", reckoning.date),
        (rf"\b(?:{'|'.join(reckoning.WEEKDAYS)}),?\sthe\s{_NTH}{_ALONE}", reckoning.day_of_month),
        (rf"\b(?:(?P<which>(?:(?:this|the)\s)?coming|this|next|(?:a week|two weeks) (?:from|on))\s)?{_WEEKDAY}"
         rf"\b(?!\s?['’]s\b)(?P<later>\s(?:week|after next))?\b(?:\s{_PART})?", reckoning.weekday),
        (rf"\b(?:in|within)\s(?:about\s|the next\s)?{_COUNT}(?:\sand a half)?\s{_UNIT}(?:\sand a half)?",
         reckoning.duration),
        (rf"\b(?:in|within)\sthe next(?P<count>)\s{_UNIT}", reckoning.duration),
        (rf"\b{_COUNT}\s{_UNIT}\sfrom (?:now|to-?day)\b", reckoning.duration),
        (r"\b(?:in|within)\s(?:about\s)?(?:a\s)?(?P<fraction>half|three quarters of|quarter of)\s"
         r"(?P<precise>an hour)\b", reckoning.fraction),
        (r"\bwithin the (?P<precise>hour)\b", reckoning.within_the_hour),
        (rf"\b{_EDGE}(?:(?P<which>this|next|the)\s)?(?P<stretch>week|weekend|month|year)"
         r"(?P<after>\safter next)?\b(?!['’]s\b)", reckoning.span),
        (rf"\b(?:(?P<by>in|by|before|until|till|during|next)\s)?{_EDGE}{_MONTH}", reckoning.month),
        (rf"\b(?:on|by|before|until|till)\sthe\s{_NTH}{_ALONE}", reckoning.day_of_month),
        (rf"\b(?P<holiday>{_HOLIDAY})\b", reckoning.holiday),
        (rf"\b(?P<vague>)(?:first thing |early |later )?in the {_PART}", reckoning.part),
    )
)  # fmt: skip
_CUE = re.compile(
    rf"\bto-?(?:day|morrow|night)\b|\bthis\b|next|week|month|year|\bthe\b|day\b|\b20\d\d-|{'|'.join(reckoning.MONTHS)}|"
    r"\b(?:in|within)\b|from now|christmas|halloween|valentine|EOD|business|fortnight|minute|hour|[0-9](?:st|nd|rd|th)",
    re.IGNORECASE,
)
# What has been, what happens again and again, and what only looks like a time.
_NOT_COMING = re.compile(
    rf"\b(?:last|past|since|every|each|most|other|previous)\s(?:single\s|other\s|second\s|the\s)?(?:{'|'.join(reckoning.WEEKDAYS)}"
    r"|week(?:end)?|month|year|day|morning|afternoon|evening|night)s?\b"
    rf"|\bon (?:{'|'.join(reckoning.WEEKDAYS)})s\b|\b(?:{'|'.join(reckoning.WEEKDAYS)})['’]s\b"
    r"|\bat (?:the )?end of the day\b(?! to-?day)|\bnot (?:to-?day|to-?morrow|to-?night)\b"
    r"|\b(?:earlier|already) (?:this|to-?day)(?:\s\w+)?|\bthe other day\b|\bthese days\b"
    r"|\b(?:\w+|a couple of|a few) (?:minutes?|hours?|days?|weeks?|months?|years?) ago\b"
    r"|\bin the (?:first|second|last|past) \w+|\bthis (?:time|one)\b|\bthe year before\b|\byesterday(?:\s\w+)?"
    r"|\b(?:day|night) (?:after|by) (?:day|night)\b|\ball (?:day|week|month|year)\b",
    re.IGNORECASE,
)
