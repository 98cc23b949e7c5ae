"""Numbers as they are spoken: "twenty-five", "the third", "two hundred"."""

from __future__ import annotations

import re

from .background import split

_ONES = split(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = split("twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS = split(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}

_WORDS = {word: value for value, word in enumerate(_ONES)}
_WORDS |= {word: 10 * place for place, word in enumerate(_TENS, start=2)}
_NTHS = {word: value for value, word in enumerate(_ORDINALS) if value}
_NTHS |= {"twentieth": 20, "thirtieth": 30}

_ONE = "|".join(sorted(_WORDS, key=len, reverse=True))
_UNIT = "|".join(_ONES[1:10])
_TEN = "|".join(_TENS)
SMALL = rf"(?:(?:{_TEN})(?:[- ](?:{_UNIT}))?|{_ONE})"
"""A pattern for a number below a hundred in words."""
SPOKEN = rf"{SMALL}(?:[- ](?:and )?(?:{'|'.join(_SCALES)}|{SMALL}))*"
"""A pattern for any number in words: "two hundred and fifty"."""
NTH = (
    rf"(?:(?:twenty|thirty)[- ](?:{'|'.join(_ORDINALS[1:10])})"
    rf"|{'|'.join(sorted(_NTHS, key=len, reverse=True))}|[0-3]?[0-9](?:st|nd|rd|th))"
)
"""A pattern for a day of the month: "the twenty-first", "the 3rd"."""


def cardinal(text: str) -> int | None:
    """Tell the whole number that a numeral or number words stand for."""
    text = text.lower().strip()
    if text in ("a", "an"):
        return 1
    digits = text.replace(",", "")
    if digits.isascii() and digits.isdigit():
        return int(digits) if len(digits) < 16 else None
    return _spoken(re.split(r"[\s-]+", text))


def _spoken(words: list[str]) -> int | None:
    total = group = 0
    for word in words:
        if word in _WORDS:
            group += _WORDS[word]
        elif word == "hundred":
            group = max(1, group) * 100
        elif word in _SCALES:
            total, group = total + max(1, group) * _SCALES[word], 0
        elif word != "and":
            return None
    return total + group


def ordinal(text: str) -> int | None:
    """Tell which one "the twenty-first" or "the 3rd" is."""
    text = text.lower().strip()
    digits = re.match(r"[0-9]{1,9}", text)
    if digits:
        return int(digits.group())
    *tens, last = re.split(r"[\s-]+", text)
    if last not in _NTHS:
        return None
    return sum(_WORDS.get(word, 0) for word in tens) + _NTHS[last]
