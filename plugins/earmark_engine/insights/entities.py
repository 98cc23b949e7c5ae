"""Finds who and what a sentence names: people, places, dates, times, numbers, money, addresses and numbers to reach.

By tables and patterns only. People and places need their capital letter unless the conversation knows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import pairwise

from . import background, days, daytimes, names, numerals
from .background import split
from .types import Context, EntityFound, Sentence

PERSONAL = "PII"
GENERAL = "General"
_CATEGORIES = {"person": PERSONAL, "email": PERSONAL, "phone": PERSONAL}

_Span = tuple[str, int, int]


def find(sentence: Sentence, context: Context) -> list[EntityFound]:
    """Find everything that is named, in the order of the sentence; nothing overlaps."""
    text = sentence.text[: background.LONGEST_TEXT]
    taken: list[_Span] = []
    for kind, begin, end in _candidates(text, sentence.at, context):
        if begin < end and all(end <= first or begin >= last for _, first, last in taken):
            taken.append((kind, begin, end))
    return [
        EntityFound(
            kind=kind,
            category=_CATEGORIES.get(kind, GENERAL),
            value=text[begin:end],
            sentence=sentence.id,
            offset=begin,
        )
        for kind, begin, end in sorted(taken, key=lambda span: span[1])
    ]


def _candidates(text: str, at: datetime, context: Context) -> Iterator[_Span]:
    """Give what may be meant, the surest first."""
    for kind, cue, pattern in _PATTERNS:
        for match in pattern.finditer(text) if cue.search(text) else ():
            if kind != "phone" or not _is_counting(match.group(1)):
                yield kind, *match.span(1)
    yield from _dates(text, at.astimezone(timezone(timedelta(minutes=context.utc_offset_minutes))))
    for clock in daytimes.find(text):
        yield "time", *_without_preposition(text, clock.offset, clock.end)
    for match in _NAMED_PLACE.finditer(text):
        yield "location", *match.span(1)
    for name in names.find(text, context.people):
        yield "person", name.offset, name.end
    yield from _places(text)
    if _NUMBER_CUE.search(text):
        for match in _NUMBER.finditer(text):
            yield "number", *match.span(1)


_AMOUNT = rf"(?:\d+(?:[.,]\d+)*|{numerals.SPOKEN})"
_DIGIT = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
_DOMAIN = r"(?:com|org|net|io|de|uk|eu|info|gov|edu|app)"
_PATTERNS = tuple(
    (kind, re.compile(cue, re.IGNORECASE), re.compile(pattern, re.IGNORECASE))
    for kind, cue, pattern in (
        ("email", r"@", r"(?<![\w.+-])([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)"),
        ("email", r"\sat\s.*(?:\.|dot)",
         rf"\b(\w+(?:\s(?:dot|underscore|dash)\s\w+)?\sat\s\w+(?:\sdot\s\w+)?\s?(?:dot\s|\.){_DOMAIN})\b"),
        ("url", r"://|www\.", r"\b((?:https?://|www\.)[^\s,;!?]*[^\s,;!?.)])"),
        ("url", r"\w\.\w",
         rf"(?<![\w@.])([\w-]{{2,63}}(?:\.[\w-]{{2,63}})*\.{_DOMAIN}(?:/[\w/.-]*\w)?)\b"),
        ("url", r"\sdot\s",
         rf"\b((?:www dot )?(?!(?:the|an?|i|that|and|at|dot)\s)\w+(?:\sdot\s\w+)?\sdot\s{_DOMAIN})\b"),
        ("phone", r"\d\D?\d", r"(?<![\w.,])(\+?\(?\d{2,5}\)?(?:[\s/.-]?\(?\d{2,8}\)?){1,5}\d)(?![\w,]|\.\d)"),
        ("phone", rf"(?:{_DIGIT}\W+){{5}}", rf"\b({_DIGIT}(?:[\s,-]+{_DIGIT}){{5,14}})\b"),
        ("money", r"[$€£]", r"([$€£]\s?\d+(?:[.,]\d+)*(?:\s(?:million|billion|thousand|k)\b)?)"),
        ("money", r"euro|dollar|pound|cent|buck|quid|pence|franc",
         rf"\b({_AMOUNT}\s(?:euros?|dollars?|pounds?|cents?|bucks|quid|pence|francs?)(?:\s(?:and\s)?{_AMOUNT}"
                  r"(?:\scents?|\spence)?(?=[\s.,;!?]*$))?)(?=\W|$)"),
        ("number", r"%|per ?cent", rf"\b({_AMOUNT}\s?(?:%|percent\b|per cent\b))"),
    )
)  # fmt: skip


def _is_counting(spoken: str) -> bool:
    """Tell "one two three four five six" from a number to call."""
    digits = [numerals.cardinal(word) for word in re.findall(r"[a-z]+", spoken.lower())]
    steps = {right - left for left, right in pairwise(digits) if left is not None and right is not None}
    return bool(digits) and (steps <= {1} or steps <= {0})


_WEEKDAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_PAST = re.compile(
    rf"\b(yesterday(?:\s(?:morning|afternoon|evening|night))?|the day before yesterday|last\s(?:{_WEEKDAY}"
    r"|night|week(?:end)?|month|year|summer|winter|spring|autumn|january|february|march|april|may|june|july|august|september|october"
    rf"|november|december)|(?:{numerals.SMALL}|an?|\d+|a few|a couple of)\s(?:minute|hour|day|week|month|year)s?\sago"
    rf"|(?<=\bin )(?:19|20)\d\d|(?:every|each)\s(?:{_WEEKDAY}|day|week|month|year|morning|evening)"
    rf"|(?<=\bon ){_WEEKDAY}s|this\s(?:morning|afternoon))\b",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(
    r"(?:(?:at|by|before|until|till|after|around|about|for|from|exactly|latest|tomorrow|tonight|today),?\s)+",
    re.IGNORECASE,
)


def _dates(text: str, local: datetime) -> Iterator[_Span]:
    for match in _PAST.finditer(text):
        yield "date", *match.span(1)
    for day in days.find(text, local):
        yield "date", day.offset, day.end


def _without_preposition(text: str, begin: int, end: int) -> tuple[int, int]:
    match = _PREPOSITION.match(text, begin, end)
    return (match.end() if match else begin), end


_AMBIGUOUS_PLACES = frozenset(
    split("nice turkey china chile cork jordan reading bath cuba mali split rio perth kent ghent")
)
_STANDS_BEFORE_PLACE = re.compile(
    r"\b(?:in|to|from|near|via|of|visit|visiting|around|through|outside|for)\s$", re.IGNORECASE
)
_NAMED_PLACE = re.compile(
    r"\b((?:[A-Z][\w'’]+\s){1,2}(?:Street|Road|Avenue|Lane|Square|Park|Station|Airport|Hospital|Bridge|Beach|Island|"
    r"Lake|River|Museum|Hotel|Castle|Church|Cathedral|University|School))\b"
)
_SOMEWHERE = re.compile(r"\b(?:in|near)\s([A-Z][a-zà-ÿ]{2,}(?<!ish)(?<!ese))\b(?![’'])")


@cache
def _place_pattern() -> re.Pattern[str]:
    longest_first = sorted(background.places(), key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b")


def _places(text: str) -> Iterator[_Span]:
    if text.islower():
        return
    for match in _place_pattern().finditer(text):
        word, before = match.group(), text[: match.start()]
        doubtful = word in background.first_names() or word.lower() in _AMBIGUOUS_PLACES
        if not doubtful or _STANDS_BEFORE_PLACE.search(before):
            yield "location", *match.span()
    for match in _SOMEWHERE.finditer(text):
        if names.may_be_unknown(match.group(1)):
            yield "location", *match.span(1)


_NUMBER_CUE = re.compile(rf"\d|\b{numerals.SMALL}\b|hundred|thousand|million", re.IGNORECASE)
_NUMBER = re.compile(
    rf"(?<![\w.,:/-])(-?\d+(?:[.,]\d+)*(?:\s(?:hundred|thousand|million|billion))?(?![\w:/])|(?!ones?\b){numerals.SPOKEN}"
    rf"(?:\spoint(?:\s{numerals.SMALL})+)?(?!\w)|(?:a\s)?(?:hundred|thousand|million|dozen)(?!\w)"
    r"|one\s(?:hundred|thousand|million|billion)(?!\w))",
    re.IGNORECASE,
)
