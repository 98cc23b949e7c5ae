"""What the models see of a sentence: its words, its n-grams, and how it lies among its neighbours.

Training and run time both come through here, one sentence at a time, so that they cannot drift apart.
Nothing here knows when the conversation began, how long it lasts, or who leads it.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_right
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint32]

NEIGHBOURS: Final = (-2, -1, 1, 2)
"""Which sentences around a sentence are looked at."""
PLACES: Final = np.array([1000 + place for place in NEIGHBOURS], dtype=np.uint32)
"""What tells n-grams at one place from those at another, in the order of `NEIGHBOURS`."""
MARKS: Final = "?.,-"
"""The punctuation that counts as words of its own."""
OWN_SLOTS: Final = 3
RELATION_SLOTS: Final = 5

_WORDS: Final = r"[^\W_]+(?:['_][^\W_]+)*"
_TOKEN: Final = re.compile(rf"{_WORDS}|[?.,!\-]")
_SPACED_ENDING: Final = re.compile(r" (?='(?:s|re|ve|ll|d|m|t)\b)")
_LONGEST: Final = 48

_LENGTHS: Final = (1, 2, 3, 5, 8, 12, 18, 28)
_SECONDS_PER_WORD: Final = (0.12, 0.2, 0.3, 0.5)
_GAP_SECONDS: Final = (-1.0, -0.2, 0.1, 0.4, 1.0, 3.0)

_LENGTH_AT: Final = 1
_ENDING_AT: Final = _LENGTH_AT + len(_LENGTHS) + 1
_RATE_AT: Final = _ENDING_AT + len(MARKS) + 1
_RELATIONS_AT: Final = _RATE_AT + len(_SECONDS_PER_WORD) + 1
_REL_GAP: Final = 1
_REL_ENDING: Final = _REL_GAP + len(_GAP_SECONDS) + 1
_REL_LENGTH: Final = _REL_ENDING + len(MARKS) + 1
_REL_SPEAKER: Final = _REL_LENGTH + len(_LENGTHS) + 1
_REL_SIZE: Final = _REL_SPEAKER + 2
SHAPES: Final = _RELATIONS_AT + len(NEIGHBOURS) * _REL_SIZE
"""How many different shape features there are; number 0 stands for "not known"."""

_A: Final = np.uint32(0x9E3779B1)
_B: Final = np.uint32(0x85EBCA6B)
_C: Final = np.uint32(0xC2B2AE35)
_BEGIN: Final = zlib.crc32(b"<s>")
_END: Final = zlib.crc32(b"</s>")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence as the models see it; `speaker` is None where nobody knows who speaks."""

    tokens: tuple[str, ...]
    words: tuple[str, ...]
    """The tokens without the punctuation."""
    ending: int
    """The punctuation at the end: its place in `MARKS` counted from 1, or 0 for none."""
    start: float
    end: float
    speaker: str | None = None


def see(text: str, start: float, end: float, speaker: str | None = None) -> Seen:
    """Read a sentence."""
    found = tokens(text)
    words = tuple(token for token in found if token not in MARKS)
    ending = MARKS.find(found[-1]) + 1 if found else 0
    return Seen(tokens=found, words=words, ending=ending, start=start, end=end, speaker=speaker)


def tokens(text: str) -> tuple[str, ...]:
    """The words and punctuation marks of a text, in lower case; of a very long one, its two ends."""
    found: list[str] = []
    joined = _SPACED_ENDING.sub("", text.lower().replace("’", "'"))
    for word in _TOKEN.findall(joined):
        mark = word.replace("!", ".")
        if mark in MARKS and found and found[-1] in MARKS:
            if mark == "?":
                found[-1] = mark
            continue
        found.append(mark)
    if len(found) > _LONGEST:
        found = found[: _LONGEST // 2] + found[-_LONGEST // 2 :]
    return tuple(found)


@lru_cache(maxsize=8192)
def word_key(word: str) -> int:
    """A number that stands for a word."""
    return zlib.crc32(word.encode())


@lru_cache(maxsize=8192)
def ending_key(word: str) -> int:
    """A number that stands for the last letters of a word that is not known."""
    return zlib.crc32(word[-3:].encode())


@lru_cache(maxsize=8192)
def letter_keys(word: str) -> Keys:
    """Numbers that stand for the runs of three to five letters in a word."""
    padded = f"_{word}_" if len(word) > 2 else ""
    return np.array(
        [
            zlib.crc32(f"c{size}{padded[at : at + size]}".encode())
            for size in (3, 4, 5)
            for at in range(len(padded) - size + 1)
        ],
        dtype=np.uint32,
    )


def _framed(words: tuple[str, ...]) -> Keys:
    return np.array([_BEGIN, *map(word_key, words), _END], dtype=np.uint32)


def own_keys(seen: Seen) -> Keys:
    """The n-grams of a sentence itself: one to four words, pairs with a gap, letters, and how it ends."""
    words = seen.words
    keys = _framed(words)
    one, two = keys[1:-1], keys[:-1] * _A + keys[1:] * _B + np.uint32(1)
    parts = [one, two]
    if len(keys) > 2:
        parts.append((keys[:-2] * _A + keys[1:-1] * _B) * _C + keys[2:] * _A + np.uint32(2))
        parts.append((keys[:-2] * _B + keys[2:] * _C) * _A + np.uint32(4))
    if len(keys) > 3:
        head = (keys[:-3] * _A + keys[1:-2] * _B) * _C + keys[2:-1] * _A
        parts.append(head * _B + keys[3:] * _C + np.uint32(3))
    parts += [letter_keys(word) for word in words]
    if seen.ending:
        mark = np.array([seen.ending], dtype=np.uint32) * _C
        parts += [mark, keys[1:2] * _A + mark, keys[-2:-1] * _B + mark]
    return _once(parts)


def neighbour_keys(seen: Seen) -> Keys:
    """The one- and two-word n-grams by which a sentence speaks for its neighbours."""
    keys = _framed(seen.words)
    return _once([keys[1:-1], keys[:-1] * _A + keys[1:] * _B + np.uint32(1)])


def as_neighbour(keys: Keys, places: Keys) -> Keys:
    """The same n-grams, seen from the sentences that have them at some of their `PLACES`: a row for each."""
    salted: Keys = keys * _C + places[:, None]
    return salted


def _once(parts: list[Keys]) -> Keys:
    """Every number once, in order; what `numpy.unique` does, faster where there are few."""
    keys = np.concatenate(parts)
    keys.sort()
    first = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys[first]


def own_shape(seen: Seen) -> tuple[int, ...]:
    """Numbers of the shape features of a sentence itself: length, ending and pace."""
    count = len(seen.words)
    pace = max(seen.end - seen.start, 0.05) / max(count, 1)
    return (
        _LENGTH_AT + bisect_right(_LENGTHS, count - 0.5),
        _ENDING_AT + seen.ending,
        _RATE_AT + bisect_right(_SECONDS_PER_WORD, pace),
    )


def relation(seen: Seen, other: Seen, place: int) -> tuple[int, ...]:
    """Numbers of the shape features of a neighbour: the pause between, its length and ending, whose it is."""
    base = _RELATIONS_AT + NEIGHBOURS.index(place) * _REL_SIZE
    gap = seen.start - other.end if place < 0 else other.start - seen.end
    known = seen.speaker is not None and other.speaker is not None
    return (
        base,
        base + _REL_GAP + bisect_right(_GAP_SECONDS, gap),
        base + _REL_ENDING + other.ending,
        base + _REL_LENGTH + bisect_right(_LENGTHS, len(other.words) - 0.5),
        base + _REL_SPEAKER + (seen.speaker == other.speaker) if known else 0,
    )
