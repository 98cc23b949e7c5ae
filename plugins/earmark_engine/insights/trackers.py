"""Listens for tracked phrases: to the letter, and nearly so ("I like it" when "I love it" was said).

A near match needs every word of weight of the phrase, in its order, in another form or in one case as a word that means
the same; a "not" that only one of the two has forbids it. What is missed is forgiven sooner than what is made up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

import msgspec

from .background import split
from .stems import stem
from .types import Sentence, Tracker, TrackerMatch

MOST_BETWEEN = 2
"""So many words may stand between the words of a phrase that nearly matches."""


class _Token(msgspec.Struct, frozen=True):
    word: str
    start: int
    end: int


class _Phrase(msgspec.Struct, frozen=True):
    tracker: str
    text: str
    plain: tuple[str, ...]
    full: tuple[str, ...]
    others: tuple[tuple[str, ...], ...]
    needed: tuple[tuple[str, ...], ...]
    """Of each of these something must be said for the phrase to be near."""


_WORD = re.compile(r"\w+(?:['’]\w+)*")
_SHORT = {
    "n't": "not", "'ll": "will", "'re": "are", "'ve": "have", "'m": "am", "'d": "would", "'s": "is",
}  # fmt: skip
_WHOLE = {"can't": "can not", "cannot": "can not", "won't": "will not", "let's": "let us", "gonna": "going to"}
_NEGATIONS = frozenset(split("not no never nothing nobody without hardly"))
_ADVERBS = frozenset(split("really just also very so absolutely totally definitely"))
_LIGHT = frozenset(
    split("""a an the i you he she it we they me him her us them my your his its our their this that these those is am
    are was were be been do does did have has had will would can could shall should may might must to of in on at for
    with from by and or but if as so not no what who how when where why which there here just very really too also""")
)
_SWAPS = {
    word: group[0] for group in (("it", "this", "that", "them"), ("i", "we"), ("a", "an", "the")) for word in group
}


def match(trackers: Sequence[Tracker], sentence: Sentence) -> list[TrackerMatch]:
    """Find every tracked phrase in a sentence, in the order of the trackers."""
    plain = _tokens(sentence.text)
    if not plain:
        return []
    full = [part for token in plain for part in _unfolded(token)]
    keys = {key for token in full for key in _keys(token.word)} | {token.word for token in plain}
    index = _index(tuple(trackers))
    found: list[tuple[int, TrackerMatch]] = []
    for number in sorted({number for key in keys for number in index.by_key.get(key, ())}):
        phrase = index.phrases[number]
        hits = _literal(phrase, plain, sentence)
        if not hits and (phrase.others or all(not keys.isdisjoint(word) for word in phrase.needed)):
            hits = _near(phrase, full, sentence)
        found += [(number, hit) for hit in hits]
    return [hit for _, hit in found]


class _Index(msgspec.Struct, frozen=True):
    phrases: tuple[_Phrase, ...]
    by_key: dict[str, list[int]]


@lru_cache(maxsize=16)
def _index(trackers: tuple[Tracker, ...]) -> _Index:
    phrases = tuple(
        _phrase(tracker.name, text) for tracker in trackers for text in tracker.vocabulary if _WORD.search(text)
    )
    by_key: dict[str, list[int]] = {}
    for number, phrase in enumerate(phrases):
        for key in {key for words in (phrase.full, *phrase.others) for key in _keys(_anchor(words))} | {
            phrase.plain[0]
        }:
            by_key.setdefault(key, []).append(number)
    return _Index(phrases, by_key)


def _phrase(tracker: str, text: str) -> _Phrase:
    tokens = _tokens(text)
    full = tuple(part.word for token in tokens for part in _unfolded(token))
    others = tuple(other for group in _alike()[1] if full in group for other in group if other != full)
    needed = tuple(_keys(word) for word in full if word not in _LIGHT)
    return _Phrase(tracker, text, tuple(token.word for token in tokens), full, others, needed)


def _anchor(words: tuple[str, ...]) -> str:
    return next((word for word in words if word not in _LIGHT), words[0])


def _tokens(text: str) -> list[_Token]:
    return [
        _Token(found.group().casefold().replace("’", "'"), found.start(), found.end()) for found in _WORD.finditer(text)
    ]


def _unfolded(token: _Token) -> list[_Token]:
    """Part "what's" into "what is", both at the place of the whole."""
    words = _WHOLE.get(token.word, "").split()
    if not words:
        short = next((short for short in _SHORT if token.word.endswith(short)), None)
        words = [token.word.removesuffix(short), _SHORT[short]] if short else [token.word]
    return [_Token(word, token.start, token.end) for word in words if word]


@cache
def _alike() -> tuple[dict[str, int], tuple[tuple[tuple[str, ...], ...], ...]]:
    lines = (Path(__file__).with_name("alike.txt")).read_text(encoding="utf-8").splitlines()[1:]
    words = {stem(word): number for number, line in enumerate(lines) if "," not in line for word in line.split()}
    groups = tuple(
        tuple(tuple(phrase.split()) for phrase in line.split(",")) for line in lines if "," in line
    )  # fmt: skip
    return words, groups


@lru_cache(maxsize=8192)
def _keys(word: str) -> tuple[str, ...]:
    root = stem(_SWAPS.get(word, word))
    group = _alike()[0].get(root)
    return (root,) if group is None else (root, f"#{group}")


def _literal(phrase: _Phrase, tokens: list[_Token], sentence: Sentence) -> list[TrackerMatch]:
    words, length = [token.word for token in tokens], len(phrase.plain)
    return [
        _hit(phrase, sentence, tokens[at], tokens[at + length - 1], literal=True)
        for at in range(len(words) - length + 1)
        if tuple(words[at : at + length]) == phrase.plain
    ]


def _near(phrase: _Phrase, tokens: list[_Token], sentence: Sentence) -> list[TrackerMatch]:
    for at in range(len(tokens)):
        end = max(_other_end(phrase, tokens, at), _end(phrase.full, tokens, at))
        if end > at:
            return [_hit(phrase, sentence, tokens[at], tokens[end - 1], literal=False)]
    return []


def _other_end(phrase: _Phrase, tokens: list[_Token], at: int) -> int:
    for other in phrase.others:
        said = tuple(token.word for token in tokens[at : at + len(other)])
        if said == other and _agrees(phrase.full + other, tokens[max(0, at - 3) : at]):
            return at + len(other)
    return 0


def _agrees(words: tuple[str, ...], tokens: list[_Token]) -> bool:
    return not any(token.word in _NEGATIONS for token in tokens) or bool(_NEGATIONS.intersection(words))


def _end(words: tuple[str, ...], tokens: list[_Token], at: int) -> int:
    """Give where the phrase nearly ends if it begins at a token, or 0."""
    place, meanings, missed, between = at, 0, 0, 0
    for word in words:
        reach = min(len(tokens), place + 1 + (MOST_BETWEEN - between if place > at else 0))
        found = next((spot for spot in range(place, reach) if _same(word, tokens[spot].word)), None)
        if found is None:
            missed += 1
            if word not in _LIGHT:
                return 0
            continue
        meanings += not _same_form(word, tokens[found].word)
        between += sum(token.word not in _ADVERBS for token in tokens[place:found])
        place = found + 1
    light = sum(word in _LIGHT for word in words)
    heavy = len(words) - light
    if place == at or _negated(words, tokens, at, place):
        return 0
    if heavy == 0 or (heavy == 1 and (missed or between or (meanings and not light))):
        return 0
    return place if meanings <= 1 and missed <= (light + 1) // 2 else 0


def _negated(words: tuple[str, ...], tokens: list[_Token], at: int, end: int) -> bool:
    said = any(token.word in _NEGATIONS for token in tokens[max(0, at - 3) : end + 1])
    return said != bool(_NEGATIONS.intersection(words))


def _same(word: str, said: str) -> bool:
    return bool(set(_keys(word)).intersection(_keys(said)))


def _same_form(word: str, said: str) -> bool:
    return _keys(word)[0] == _keys(said)[0]


def _hit(phrase: _Phrase, sentence: Sentence, first: _Token, last: _Token, *, literal: bool) -> TrackerMatch:
    return TrackerMatch(
        tracker=phrase.tracker,
        phrase=phrase.text,
        sentence=sentence.id,
        text=sentence.text[first.start : last.end],
        offset=first.start if literal else -1,
    )
