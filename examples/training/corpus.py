"""Reads the labelled meetings and lays them out for training.

Every row is seen in up to three conditions: *written* (as transcribed), *stripped* (lower case, no
punctuation) and *heard* (by a recogniser of the corpus's time). Rows are never moved from one meeting to
another, so that what lies around a sentence is what was said around it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from earmark_engine.insights import features
from earmark_engine.insights.features import Seen
from earmark_engine.insights.models import HEADS

Condition = Literal["written", "stripped", "heard"]
Row = dict[str, Any]

UNLABELLED = -1.0
ELICITS, ASKS, ACTION, FOLLOW_UP, TASK = range(len(HEADS))


def read(folder: Path, corpus: str, split: str) -> list[Row]:
    """The rows of one file, in order of meeting and time; none where the file is not there."""
    path = folder / f"{corpus}.{split}.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def label(row: Row) -> tuple[float, ...]:
    """What is known of a row for each of `HEADS`; -1 where nobody looked."""
    question = UNLABELLED if row["question"] is None else float(row["question"])
    if "task" in row:
        return question, question, UNLABELLED, UNLABELLED, float(row["task"])
    if "commit" in row:
        follow = float(row["commit"] or row["directive"])
        return UNLABELLED, question, UNLABELLED, follow, UNLABELLED if follow else 0.0
    action = float(row["action_item"]) if row["actions_annotated"] else UNLABELLED
    return question, UNLABELLED, action, UNLABELLED, UNLABELLED if action == 1.0 else 0.0


def text_of(row: Row, condition: Condition) -> str | None:
    """What the models are given of a row, or None where the recogniser's text is missing."""
    if condition == "heard":
        heard: str | None = row.get("asr")
        return heard
    if condition == "written":
        return str(row["text"])
    return " ".join(token for token in features.tokens(row["text"]) if token not in features.MARKS)


def see_all(rows: Iterable[Row], condition: Condition, *, speakers: bool = True) -> list[Seen]:
    """Every row as the models see it."""
    return [
        features.see(
            text_of(row, condition) or "",
            row["start"],
            row["end"],
            row["speaker"] if speakers else None,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Ragged:
    """Rows of different length, end to end."""

    flat: NDArray[Any]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[NDArray[Any]]) -> Ragged:
        """Lay rows end to end."""
        lengths = [len(row) for row in rows]
        return cls(np.concatenate(rows), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def take(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The values of some rows, and whose each is (counted within `rows`)."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        ends = np.cumsum(lengths)
        within = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        owner = np.repeat(np.arange(len(rows)), lengths)
        return self.flat[within + np.repeat(self.offsets[rows], lengths)], owner


@dataclass(frozen=True)
class Block:
    """One corpus in one condition, row by row."""

    condition: Condition
    seen: list[Seen]
    own: Ragged
    around: Ragged
    shape: NDArray[np.int64]
    """(rows, own slots)"""
    relations: NDArray[np.int64]
    """(rows, neighbours, relation slots)"""
    visible: NDArray[np.bool_]
    """(rows, neighbours): whether that neighbour is there at all"""
    labels: NDArray[np.float32]
    meetings: NDArray[np.str_]
    present: NDArray[np.bool_]
    """Whether this row has a text in this condition."""
    home: bool = False
    """Whether this is made-up talk, whose few words must not be learned by heart."""

    def only(self, meetings: frozenset[str]) -> Block:
        """The same rows, of which only those of some meetings may be learned from."""
        return replace(self, present=self.present & np.isin(self.meetings, sorted(meetings)))


def block(rows: Sequence[Row], condition: Condition) -> Block:
    """Lay out rows in one condition."""
    seen = see_all(rows, condition)
    meetings = np.array([row["meeting"] for row in rows])
    relations, visible = _relations(seen, meetings)
    return Block(
        condition=condition,
        seen=seen,
        own=Ragged.of([features.own_keys(one) for one in seen]),
        around=Ragged.of([features.neighbour_keys(one) for one in seen]),
        shape=np.array([features.own_shape(one) for one in seen]),
        relations=relations,
        visible=visible,
        labels=np.array([label(row) for row in rows], dtype=np.float32),
        meetings=meetings,
        present=np.array([text_of(row, condition) is not None for row in rows]),
        home=bool(rows) and "task" in rows[0],
    )


def _relations(seen: Sequence[Seen], meetings: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    places = features.NEIGHBOURS
    relations = np.zeros((len(seen), len(places), features.RELATION_SLOTS), np.int64)
    visible = np.zeros((len(seen), len(places)), np.bool_)
    for at, one in enumerate(seen):
        for column, place in enumerate(places):
            other = at + place
            if 0 <= other < len(seen) and meetings[other] == meetings[at]:
                relations[at, column] = features.relation(one, seen[other], place)
                visible[at, column] = True
    return relations, visible
