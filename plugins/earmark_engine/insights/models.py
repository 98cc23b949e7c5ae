"""Says how sure one may be that a sentence is a question, an action item or a follow-up.

Two models speak, and their log-odds are added up: a small convolutional network over word vectors, and
regressions over hashed n-grams. Both are computed by numpy from one file of weights; both were trained on
meetings (AMI and ICSI, CC BY 4.0) and on made-up household talk by the scripts in `examples/training`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earmark_engine.insights import features
from earmark_engine.insights.features import NEIGHBOURS, Seen
from earmark_engine.insights.types import Kind

Floats = NDArray[np.float32]

HEADS: Final = ("elicits", "asks", "action_item", "follow_up", "task")
"""What is told apart: AMI's and ICSI's notion of a question, AMI's action items, what ICSI's speakers take on
or ask of others, and household tasks (by the network alone)."""
COLUMNS: Final = ("question", "action_item", "follow_up", "task")
"""What comes of it: one notion of a question."""
_TASK: Final = COLUMNS.index("task")
AROUND: Final = 0.5
"""How much a neighbour's n-grams weigh beside the sentence's own."""
BUCKETS: Final = 256
"""How many rows the words that are not known share, by their last letters."""
FIRST_BUCKET: Final = 2 + len(features.MARKS)
"""Below it: 0 for nothing, 1 for the beginning, then the punctuation marks."""
DEFAULT_CONFIDENCE: Final = 0.5
"""What a conversation asks for that asks for nothing in particular: each kind's own threshold."""


@dataclass(frozen=True, slots=True)
class Read:
    """One sentence, read once; everything about it that does not depend on its neighbours."""

    seen: Seen
    own: Floats
    """Its own share of the sum, of which the hidden layer and the log-odds of a sentence are made."""
    beside: Floats
    """Its share of the sums of the sentences that have it at each of `NEIGHBOURS`: a row for each."""


class Models:
    """The weights, ready to be used; reading and weighing a sentence takes a fraction of a millisecond."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        def floats(name: str) -> Floats:
            scale: Floats = arrays.get(f"{name}.scale", np.ones(1)).astype(np.float32)
            return arrays[name].astype(np.float32) * scale

        self._words = arrays["words"]
        self._vectors = floats("vectors")
        self._first, self._first_bias = floats("first"), floats("first.bias")
        self._second, self._second_bias = floats("second"), floats("second.bias")
        self._context, self._context_bias = floats("context"), floats("context.bias")
        self._out = floats("out")
        self._hidden = len(self._out)
        pooled, context = self._context.shape
        fuse, straight = floats("fuse"), floats("straight")
        shapes_at = pooled + context * len(NEIGHBOURS)
        self._pooled = np.concatenate([fuse[:pooled], straight[:pooled]], axis=1)
        self._pooled_bias = np.concatenate([floats("fuse.bias"), floats("out.bias")])
        self._beside = np.concatenate(np.split(fuse[pooled:shapes_at], len(NEIGHBOURS)), axis=1)
        self._shapes = np.concatenate([fuse[shapes_at:], straight[pooled:]], axis=1)
        self._keys, self._grams = arrays["keys"], arrays["grams"]
        self._gram_scale, self._gram_bias = floats("grams.scale"), floats("grams.bias")
        self.decision = Decision.of(arrays["decision"])

    def read(self, seen: Seen) -> Read:
        """Take in one sentence."""
        pooled = self._pool(seen.tokens)
        net = pooled @ self._pooled + self._pooled_bias
        net += self._shapes[list(features.own_shape(seen))].sum(axis=0)
        own_grams = self._weigh(features.own_keys(seen)[None])[0] + self._gram_bias
        context = np.tanh(pooled @ self._context + self._context_bias) @ self._beside
        around = features.as_neighbour(features.neighbour_keys(seen), features.PLACES)
        nothing = np.zeros((len(NEIGHBOURS), len(HEADS)), np.float32)
        beside = [context.reshape(len(NEIGHBOURS), -1), nothing, AROUND * self._weigh(around)]
        return Read(seen, np.concatenate([net, own_grams]), np.concatenate(beside, axis=1))

    def logits(self, sentence: Read, around: Mapping[int, Read]) -> tuple[list[float], list[float]]:
        """Log-odds by the network and by the n-grams for `COLUMNS`, given the neighbours there are by place."""
        total = sentence.own.copy()
        shapes: list[int] = []
        for row, place in enumerate(NEIGHBOURS):
            other = around.get(place)
            if other is not None:
                total += other.beside[row]
                shapes += (n for n in features.relation(sentence.seen, other.seen, place) if n)
        first, last = self._hidden, self._hidden + len(HEADS)
        total[:last] += self._shapes[shapes].sum(axis=0)
        net = (np.maximum(total[:first], 0.0) @ self._out + total[first:last]).tolist()
        punctuated = sentence.seen.ending > 0
        return _one_question(net, punctuated=punctuated), _one_question(total[last:].tolist(), punctuated=punctuated)

    def confidences(self, sentence: Read, around: Mapping[int, Read]) -> dict[Kind, float]:
        """How sure one may be of each kind of mark, calibrated: of marks at 0.8, eight in ten are right."""
        return self.decision.confidences(*self.logits(sentence, around))

    def _pool(self, tokens: Sequence[str]) -> Floats:
        vectors = self._vectors[vector_rows(tokens, self._words)]
        first = _convolve(vectors, self._first, self._first_bias)
        found = _convolve(first, self._second, self._second_bias) + first
        root = math.sqrt(len(vectors))
        return np.concatenate([found.max(axis=0), found.sum(axis=0) / root, vectors.sum(axis=0) / root])

    def _weigh(self, keys: features.Keys) -> Floats:
        """The n-grams' log-odds, a row for each row of keys."""
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found = self._grams[at] * (self._keys[at] == keys)[:, :, None]
        root = np.float32(math.sqrt(keys.shape[1]))
        weights: Floats = found.sum(axis=1, dtype=np.int32) * (self._gram_scale / root)
        return weights


def _one_question(odds: list[float], *, punctuated: bool) -> list[float]:
    """One question of two: ICSI's notion was learned without punctuation, so that it counts only there."""
    elicits, asks, *others = odds
    return [elicits if punctuated else (elicits + asks) / 2, *others]


def vector_rows(tokens: Sequence[str], words: NDArray[np.uint32]) -> list[int]:
    """The rows of the table of word vectors that a sentence is made of; `words` are those known, sorted."""
    rows = [1]
    keys = np.array([features.word_key(token) for token in tokens], np.uint32)
    places = np.minimum(np.searchsorted(words, keys), len(words) - 1)
    known = (words[places] == keys).tolist()
    for token, at, is_known in zip(tokens, places.tolist(), known, strict=True):
        if token in features.MARKS:
            rows.append(2 + features.MARKS.index(token))
        elif is_known:
            rows.append(FIRST_BUCKET + BUCKETS + at)
        else:
            rows.append(FIRST_BUCKET + features.ending_key(token) % BUCKETS)
    return rows


def _convolve(rows: Floats, weights: Floats, bias: Floats) -> Floats:
    edge = np.zeros((1, rows.shape[1]), np.float32)
    padded = np.concatenate([edge, rows, edge])
    triples = np.concatenate([padded[:-2], padded[1:-1], padded[2:]], axis=1)
    found: Floats = np.maximum(triples @ weights + bias, np.float32(0.0))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How log-odds become the confidence of one kind of mark, and from where on it is marked."""

    grams: float
    """What the n-grams' log-odds weigh beside the network's."""
    slope: float
    shift: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The rules of the three kinds, and how a household task counts as an action item."""

    rules: Mapping[Kind, Rule]
    task_slope: float
    task_shift: float

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> Decision:
        """Read the rules as they lie in the file of weights."""
        values = [float(number) for number in numbers]
        rules = {
            kind: Rule(grams=a, slope=b, shift=c, threshold=d)
            for kind, (a, b, c, d) in zip(_KINDS, zip(*[iter(values[:12])] * 4, strict=True), strict=True)
        }
        return cls(rules, *values[12:14])

    def confidences(self, net: Sequence[float], grams: Sequence[float]) -> dict[Kind, float]:
        """The confidence of every kind of mark."""
        odds = {
            kind: rule.slope * (net[head] + rule.grams * grams[head]) + rule.shift
            for head, (kind, rule) in enumerate(self.rules.items())
        }
        task = self.task_slope * net[_TASK] + self.task_shift
        known = {kind: _sigmoid(value) for kind, value in odds.items()}
        action = known[Kind.ACTION_ITEM]
        known[Kind.ACTION_ITEM] = 1.0 - (1.0 - action) * (1.0 - _sigmoid(task))
        return known

    def marked(self, kind: Kind, confidence: float, asked: float = DEFAULT_CONFIDENCE) -> bool:
        """Whether to mark it, for a conversation that asks for some confidence."""
        return confidence >= effective_threshold(self.rules[kind].threshold, asked)


_KINDS: Final = (Kind.QUESTION, Kind.ACTION_ITEM, Kind.FOLLOW_UP)


def effective_threshold(default: float, asked: float) -> float:
    """The confidence a mark must have: `default` where 0.5 is asked for, and from 0.6 on what is asked for."""
    if asked <= DEFAULT_CONFIDENCE:
        return default * asked / DEFAULT_CONFIDENCE
    steep = 10 * (asked - DEFAULT_CONFIDENCE)
    return max(default, min(asked, default + (asked - default) * steep))


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))


@lru_cache(maxsize=1)
def shipped() -> Models:
    """The weights that come with the package; loaded at the first call."""
    file = resources.files("earmark_engine.insights").joinpath("weights", "insights.npz")
    with file.open("rb") as opened, np.load(opened) as arrays:
        return Models(dict(arrays))
