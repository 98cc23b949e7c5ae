"""Runs the models over meetings as a listener would: sentence by sentence, then again as others follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from corpus import Condition, Row, label, see_all, text_of
from numpy.typing import NDArray

from earmark_engine.insights.features import NEIGHBOURS
from earmark_engine.insights.models import COLUMNS, Decision, Models, Read
from earmark_engine.insights.types import Kind

QUESTION, ACTION, FOLLOW_UP, TASK = range(len(COLUMNS))
KINDS = (Kind.QUESTION, Kind.ACTION_ITEM, Kind.FOLLOW_UP)
AHEAD = max(NEIGHBOURS)


@dataclass(frozen=True)
class Scored:
    """What the models say of every row that has a text, after 0, 1 and 2 further sentences."""

    rows: list[Row]
    net: NDArray[np.float64]
    """(rows, sentences ahead, `COLUMNS`)"""
    grams: NDArray[np.float64]
    labels: NDArray[np.float64]
    """(rows, `COLUMNS`)"""

    @property
    def meetings(self) -> NDArray[np.str_]:
        """The meeting of each row."""
        return np.array([row["meeting"] for row in self.rows])

    def confidence(self, decision: Decision, kind: Kind) -> NDArray[np.float64]:
        """The highest confidence in each row while it is listened to: that is what marks it."""
        highest: NDArray[np.float64] = self.confidences(decision, kind).max(axis=1)
        return highest

    def confidences(self, decision: Decision, kind: Kind) -> NDArray[np.float64]:
        """The confidence in each row after 0, 1 and 2 further sentences."""
        return np.array(
            [
                [decision.confidences(n, g)[kind] for n, g in zip(net, grams, strict=True)]
                for net, grams in zip(self.net, self.grams, strict=True)
            ]
        )

    def where(self, keep: NDArray[np.bool_]) -> Scored:
        """Only some of the rows."""
        rows = [row for row, kept in zip(self.rows, keep, strict=True) if kept]
        return Scored(rows, self.net[keep], self.grams[keep], self.labels[keep])


def score(models: Models, rows: Sequence[Row], condition: Condition, *, speakers: bool = True) -> Scored:
    """Score every row of some meetings in one condition."""
    seen = see_all(rows, condition, speakers=speakers)
    reads = [models.read(one) for one in seen]
    net = np.zeros((len(rows), AHEAD + 1, len(COLUMNS)))
    grams = np.zeros((len(rows), AHEAD + 1, len(COLUMNS) - 1))
    for at in range(len(rows)):
        for ahead, around in enumerate(_around(rows, reads, at)):
            net[at, ahead], grams[at, ahead] = models.logits(reads[at], around)
    labels = np.array([(max(label(row)[:2]), *label(row)[2:]) for row in rows], np.float64)
    there = np.array([text_of(row, condition) is not None for row in rows])
    return Scored(list(rows), net, grams, labels).where(there)


def _around(rows: Sequence[Row], reads: Sequence[Read], at: int) -> Iterator[dict[int, Read]]:
    around = {
        place: reads[at + place]
        for place in NEIGHBOURS
        if 0 <= at + place < len(rows) and rows[at + place]["meeting"] == rows[at]["meeting"]
    }
    for ahead in range(AHEAD + 1):
        yield {place: read for place, read in around.items() if place <= ahead}
