"""Finds times of day as people say them: "half past six", "at three", "3:30 pm".

A bare number is an hour only where the words around make it one: "at three" is, "at three places" is not.
"""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec

from . import numerals

EARLIEST_HOUR = timedelta(hours=7)
"""Somebody who says "at six" and no more does not mean six in the morning."""
SMALL_HOURS_END = timedelta(hours=5)
"""Until when the night counts to the day before."""


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """An hour that was named, and whether morning or afternoon was named with it."""

    hour: int
    minute: int
    certain: bool
    """False for "at three", which may be 03:00 or 15:00."""
    offset: int
    end: int

    def after_midnight(self, part: str | None = None) -> tuple[timedelta, ...]:
        """Give what it can sensibly mean as the time since the day began, the likeliest first.

        "Tonight at one" is on the next day by the calendar, and midnight is the end of the day it is said of.
        """
        if self.certain:
            return (timedelta(hours=self.hour or (0 if self.minute else 24), minutes=self.minute),)
        early, late = (timedelta(hours=self.hour % 12 + half, minutes=self.minute) for half in (0, 12))
        if part == "morning":
            return (early,)
        if part in ("tonight", "night") and early < SMALL_HOURS_END:
            return (early + timedelta(days=1),)
        if part is not None:
            return (late,)
        return tuple(time for time in (early, late) if time >= EARLIEST_HOUR)


_HOUR = r"(?:1[0-2]|0?[1-9]|twelve|eleven|ten|nine|eight|seven|six|five|four|three|two|one)"
_HALF_DAY = r"(?P<half>[ap]\.?\s?m\b\.?)"
_PREPOSITION = (
    r"(?:at|by|before|until|till|after|around|about|for|from|at around|at about|at exactly|by around|latest by)"
)
_MINUTES = r"(?P<minute>[0-5][0-9]|oh five|fifteen|thirty|forty[- ]five|twenty[- ]five|ten|twenty|forty|fifty)"
# What may come after an hour for it to be one. A noun there makes it a count: "at three places".
_FOLLOW = (
    r"(?=\s*(?:$|[.,;:!?)]|[-–—])|\s+(?:sharp|to-?day|to-?morrow|to-?night|on|in|and|or|because|so|but|if|when|then|for|"
    r"with|to|from|at|by|until|till|before|after|please|this|next|i|you|we|he|she|they|it|it's|i'll|we'll|you'll|the"
    r"|that|latest|monday|tuesday|wednesday|thursday|friday|saturday|sunday|every|each|is|or so|as|okay|ok|right"
    r"|my|your|our|his|her|their|not|instead|exactly|already|again|there|though|anyway)\b(?!\s+(?:percent|of)\b))"
)
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?P<word>noon|midday|midnight|lunchtime)\b",
        rf"\b(?P<span>half|quarter|five|ten|twenty[- ]five|twenty)\s(?:minutes?\s)?(?P<past>past|after)\s"
        rf"(?P<hour>{_HOUR})\b(?:\s{_HALF_DAY})?",
        rf"\b(?:a\s)?(?P<span>quarter)\s(?P<past>to|of|before)\s(?P<hour>{_HOUR})\b(?:\s{_HALF_DAY})?",
        rf"\b{_PREPOSITION}\s(?P<span>five|ten|twenty[- ]five|twenty)\s(?:minutes?\s)?(?P<past>to)\s(?P<hour>{_HOUR})\b"
        rf"(?:\s{_HALF_DAY})?{_FOLLOW}",
        rf"\b{_PREPOSITION}\s(?P<span>half)\s(?P<hour>{_HOUR})\b(?:\s{_HALF_DAY})?{_FOLLOW}",
        rf"\b(?P<hour>{_HOUR})[:.]?(?:(?<=[:.])(?P<minute>[0-5][0-9]))?\s?{_HALF_DAY}",
        rf"\b(?P<hour>{_HOUR})\s{_MINUTES}\s{_HALF_DAY}",
        r"(?<![\d:.])(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])\b(?![:.]?\d)",
        rf"\b(?P<hour>{_HOUR})\s?o['’]?\s?clock\b",
        rf"\b{_PREPOSITION}\s(?P<hour>{_HOUR})[ .]{_MINUTES}\b{_FOLLOW}",
        rf"\b(?:at|by|before|until|till|around|at around|at about)\s(?P<hour>{_HOUR})\b{_FOLLOW}",
        rf"\b(?:to-?morrow|to-?night|to-?day|morning|afternoon|evening|(?:mon|tues|wednes|thurs|fri|satur|sun)day),?\s"
        rf"(?P<hour>{_HOUR})(?:[ .:]{_MINUTES})?{_FOLLOW}",
        rf"\b(?P<hour>{_HOUR})\s(?P<minute>thirty|fifteen|forty[- ]five)"
        r"(?=\s(?:to-?morrow|to-?night|to-?day|on\s\w+day)\b)",
    )
)
_CUE = re.compile(
    r"noon|mid(?:day|night)|lunchtime|clock|past|quarter|half|[0-9]|\bat\b|\bby\b|before|until|till|around|"
    r"to-?morrow|to-?night|to-?day|morning|afternoon|evening|day\b|[ap]\.?\s?m\b",
    re.IGNORECASE,
)
_NOT_A_TIME = re.compile(
    r"\b(?:one by one|two by two|at one point|by one (?:of|another)|(?:divided?|multipl\w+|times|increased?|reduced?)"
    r"(?: it)? by \w+|(?:half|quarter) (?:past|of) (?:the|a|it)\b)",
    re.IGNORECASE,
)
_NAMED = {"noon": 12, "midday": 12, "lunchtime": 12, "midnight": 0}
_SPANS = {"half": 30, "quarter": 15, "five": 5, "ten": 10, "twenty": 20, "twenty five": 25}


def find(text: str) -> list[Clock]:
    """Find every time of day that is named, in the order of the text."""
    if not _CUE.search(text):
        return []
    taken = [match.span() for match in _NOT_A_TIME.finditer(text)]
    found = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            begin, end = match.span()
            if all(end <= first or begin >= last for first, last in taken):
                found.append(_clock(match))
                taken.append((begin, end))
    return sorted(found, key=lambda clock: clock.offset)


def _clock(match: re.Match[str]) -> Clock:
    groups = match.groupdict()
    begin, end = match.span()
    if groups.get("word"):
        return Clock(hour=_NAMED[groups["word"].lower()], minute=0, certain=True, offset=begin, end=end)
    hour = numerals.cardinal(groups["hour"]) or 0
    minute = _minute(groups.get("minute"))
    if groups.get("span"):
        span = _SPANS[groups["span"].lower().replace("-", " ")]
        before = (groups.get("past") or "past").lower() in ("to", "of", "before")
        hour, minute = (hour - 1, 60 - span) if before else (hour, span)
    half = (groups.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    certain = bool(half) or hour > 12 or groups["hour"].startswith("0")
    return Clock(hour=hour, minute=minute, certain=certain, offset=begin, end=end)


def _minute(spoken: str | None) -> int:
    if not spoken:
        return 0
    return numerals.cardinal(spoken.lower().replace("oh ", "")) or 0
