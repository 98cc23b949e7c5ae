"""Tables of words that come with the package: how common a word is, what may be a name, a place or a request."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

LONGEST_TEXT = 2_000
"""Characters of a sentence that are looked at; nobody says more in one breath."""

_HERE = Path(__file__).parent


@cache
def per_million() -> dict[str, int]:
    """Tell how often each common word is said in a million words of meetings."""
    rows = (line.split("\t") for line in _lines("background.txt"))
    return {word: int(count) for word, count in rows}


@cache
def first_names() -> frozenset[str]:
    """Give common first names, capitalised."""
    return frozenset(_lines("names.txt"))


@cache
def names_like_words() -> frozenset[str]:
    """Give the first names that are also everyday words, in lower case: "will", "mark", "june"."""
    common = per_million()
    return frozenset(name.lower() for name in first_names() if name.lower() in common) | _ALSO_WORDS


@cache
def places() -> frozenset[str]:
    """Give countries and large cities, capitalised."""
    return frozenset(_lines("places.txt"))


@cache
def stop_words() -> frozenset[str]:
    """Give the words that never are what talk is about."""
    return frozenset(_lines("stopwords.txt"))


@cache
def verbs() -> frozenset[str]:
    """Give the verbs of everyday requests, as one says them to somebody."""
    return frozenset(_lines("verbs.txt"))


def split(words: str) -> list[str]:
    """Split a list of words that is written as a sentence."""
    return words.split()


def _lines(name: str) -> Iterator[str]:
    text = (_HERE / name).read_text(encoding="utf-8")
    return (line for line in text.splitlines() if line and not line.startswith("#"))


_ALSO_WORDS = frozenset(
    split("""amber april august bill dale daisy dawn dean earl faith frank grace grant hazel heather holly hope iris
    ivy jack jade joy june lily mark mason max may miles pat penny poppy ray rob robin rose ruby sandy sue summer taylor
    violet wade will willow""")
)
