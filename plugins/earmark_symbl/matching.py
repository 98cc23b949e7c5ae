"""Where on the time line a stored message lies, told by its words.

A service sends final text with times, and later the message as it is stored: punctuated anew, split or joined, with an
id, and without any key between the two. The server's clock says nothing of our audio, so the message is placed by its
words: they are aligned with the words of recent finals, in order. Rules:

1. Words compare without case, punctuation and accents; words that begin alike count half.
2. The best alignment wins, the earlier one of two equals; half of the message must be found.
3. Messages come in order: words behind the last placed message are tried first, those before it only then.
4. Words are placed once. Those that no message has claimed wait for a late one, also when the line was lost meanwhile:
   their times are on the capture clock, which goes on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

_MOST_WORDS = 400
_EXACT, _NEAR, _OTHER, _SKIP = 2.0, 1.0, -1.0, -1.0
_LEAST_SHARE = 0.5
_SAME_LETTERS = 4
_LEAST_LETTERS = 3


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of a final, and when it was said."""

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a message lies."""

    words: tuple[SpokenWord, ...]
    """The message's own words, with the times that were found or lie between those."""
    confidence: float | None

    @property
    def start(self) -> float:
        """When its first word begins."""
        return self.words[0].start

    @property
    def end(self) -> float:
        """When its last word ends."""
        return self.words[-1].end


class Matcher:
    """Remembers the words of finals until messages claim them."""

    def __init__(self) -> None:
        self._words: list[SpokenWord] = []
        self._frontier = 0
        """Index of the first word behind the last placed message."""
        self.horizon = 0.0
        """When the last word ended."""

    def hear(self, words: Sequence[SpokenWord]) -> None:
        """Take the words of a final."""
        self._words.extend(words)
        self.horizon = max([self.horizon, *(word.end for word in words)])
        if (surplus := len(self._words) - _MOST_WORDS) > 0:
            del self._words[:surplus]
            self._frontier = max(0, self._frontier - surplus)

    def place(self, text: str) -> Placement | None:
        """Where a message lies; None where its words were not heard."""
        tokens = text.split()
        for first in dict.fromkeys((self._frontier, 0)):
            candidates = self._words[first:]
            pairs = align([_plain(token) for token in tokens], [_plain(word.text) for word in candidates])
            if pairs and _share(pairs, tokens, candidates) >= _LEAST_SHARE:
                return self._claim(tokens, {token: first + word for token, word in pairs.items()})
        return None

    def _claim(self, tokens: Sequence[str], pairs: dict[int, int]) -> Placement:
        found = {token: self._words[word] for token, word in pairs.items()}
        known = [word.confidence for word in found.values() if word.confidence is not None]
        first, last = min(pairs.values()), max(pairs.values())
        del self._words[first : last + 1]
        self._frontier = first
        return Placement(words=_timed(tokens, found), confidence=sum(known) / len(known) if known else None)


def align(tokens: Sequence[str], words: Sequence[str]) -> dict[int, int]:
    """Which word each token is, for the stretch of words that all tokens together fit best."""
    if not tokens or not words:
        return {}
    scores = [[0.0] * (len(words) + 1)]
    for number, token in enumerate(tokens, start=1):
        row, above = [number * _SKIP], scores[-1]
        for column, word in enumerate(words, start=1):
            row.append(max(above[column - 1] + _likeness(token, word), above[column] + _SKIP, row[-1] + _SKIP))
        scores.append(row)
    column = max(range(len(words) + 1), key=lambda place: (scores[-1][place], -place))
    return _traced(scores, tokens, words, column)


def _traced(scores: list[list[float]], tokens: Sequence[str], words: Sequence[str], column: int) -> dict[int, int]:
    pairs: dict[int, int] = {}
    row = len(tokens)
    while row and column:
        likeness = _likeness(tokens[row - 1], words[column - 1])
        if scores[row][column] == scores[row - 1][column - 1] + likeness:
            row, column = row - 1, column - 1
            if likeness > 0:
                pairs[row] = column
        elif scores[row][column] == scores[row - 1][column] + _SKIP:
            row -= 1
        else:
            column -= 1
    return pairs


def _likeness(token: str, word: str) -> float:
    if token == word:
        return _EXACT if token else _OTHER
    shorter, longer = sorted((token, word), key=len)
    alike = len(shorter) >= _LEAST_LETTERS and longer.startswith(shorter[:_SAME_LETTERS])
    return _NEAR if alike else _OTHER


def _share(pairs: dict[int, int], tokens: Sequence[str], words: Sequence[SpokenWord]) -> float:
    """How much of a message was found, from 0 to 1."""
    found = sum(_likeness(_plain(tokens[token]), _plain(words[word].text)) for token, word in pairs.items())
    return found / _EXACT / max(1, sum(bool(_plain(token)) for token in tokens))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())


def _timed(tokens: Sequence[str], found: dict[int, SpokenWord]) -> tuple[SpokenWord, ...]:
    """Every token with its time; those that were not found share the time between their neighbours."""
    timed: list[SpokenWord] = []
    for number, token in enumerate(tokens):
        if number in found:
            timed.append(replace(found[number], text=token))
            continue
        before = max((place for place in found if place < number), default=-1)
        after = min((place for place in found if place > number), default=len(tokens))
        start = found[before].end if before in found else found[after].start
        end = max(start, found[after].start) if after in found else start
        share, rank = (end - start) / (after - before - 1), number - before - 1
        timed.append(SpokenWord(token, start + share * rank, start + share * (rank + 1)))
    return tuple(timed)
