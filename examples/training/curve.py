"""How a listener feels action items: what people wrote down, and whether it was marked when it was said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import scoring
from corpus import UNLABELLED, Condition, Row, text_of
from numpy.typing import NDArray
from scoring import AHEAD, Scored

from earmark_engine.insights.marker import LinearDetector
from earmark_engine.insights.models import Models
from earmark_engine.insights.types import Context, Kind, Person, Sentence

WITHIN_SECONDS = 15.0
_BEGAN = datetime(2000, 1, 1, tzinfo=UTC)
FALSE_MARKS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)


def points(weights: Models, scored: Scored, items: Sequence[Row]) -> list[dict[str, float]]:
    """Share of items marked at some numbers of false marks a meeting; the last is at the shipped threshold.

    An item is marked when a sentence that began while it was said, or at most 15 s later, is marked by then.
    A mark is false when its sentence is no evidence of any item and lies in no item's time.
    """
    kept = scored.where(scored.labels[:, scoring.ACTION] != UNLABELLED)
    sure = np.maximum.accumulate(kept.confidences(weights.decision, Kind.ACTION_ITEM), axis=1)
    made = _when_made(kept)
    spans = [(row["meeting"], row["start"], row["end"]) for row in items if row["start"] is not None]
    spans = [span for span in spans if span[0] in set(kept.meetings)]
    inside = _inside(kept, spans)
    best = np.array([_surest(sure, made, rows, span[2]) for rows, span in zip(inside, spans, strict=True)])
    elsewhere = kept.labels[:, scoring.ACTION] == 0
    for rows in inside:
        elsewhere[rows] = False
    wrong = np.sort(sure[elsewhere, -1])[::-1]
    meetings = len(np.unique(kept.meetings))
    thresholds = [float(wrong[min(int(rate * meetings), len(wrong) - 1)]) for rate in FALSE_MARKS]
    thresholds.append(weights.decision.rules[Kind.ACTION_ITEM].threshold)
    return [
        {
            "threshold": threshold,
            "false marks a meeting": float((wrong > threshold).sum()) / meetings,
            "items": float((best > threshold).mean()),
        }
        for threshold in thresholds
    ]


def heard(rows: Sequence[Row], items: Sequence[Row], condition: Condition) -> dict[str, float]:
    """The same two figures for the detector as a whole, which marks a matter once and amends it."""
    marks: list[tuple[Row, float]] = []
    detector, meeting = LinearDetector(Context()), None
    for number, row in enumerate(rows):
        if row["meeting"] != meeting:
            detector, meeting = LinearDetector(Context()), row["meeting"]
        found = detector.said(_sentence(number, row, condition))
        made = (mark for mark in found.marks if mark.kind is Kind.ACTION_ITEM and mark.revision == 0)
        marks += ((rows[int(mark.sentences[0])], row["end"]) for mark in made)
    annotated = {row["meeting"] for row in rows if row["actions_annotated"]}
    spans = [item for item in items if item["start"] is not None and item["meeting"] in annotated]
    counted = [(row, at) for row, at in marks if row["meeting"] in annotated]
    in_time = [any(_is_in(row, item) and at <= item["end"] + WITHIN_SECONDS for row, at in counted) for item in spans]
    wrong = [row for row, _ in counted if not row["action_item"] and not any(_is_in(row, item) for item in spans)]
    return {
        "false marks a meeting": len(wrong) / max(len(annotated), 1),
        "items": sum(in_time) / max(len(in_time), 1),
    }


def _sentence(number: int, row: Row, condition: Condition) -> Sentence:
    return Sentence(
        id=str(number),
        text=text_of(row, condition) or "",
        start=row["start"],
        end=row["end"],
        at=_BEGAN + timedelta(seconds=row["start"]),
        speaker=Person(id=row["speaker"]),
    )


def _is_in(row: Row, item: Row) -> bool:
    same = bool(row["meeting"] == item["meeting"])
    return same and row["end"] > item["start"] and row["start"] < item["end"] + WITHIN_SECONDS


def _when_made(kept: Scored) -> NDArray[np.float64]:
    """When each sentence was weighed: at its own end, and at the ends of the next two."""
    ends = np.array([row["end"] for row in kept.rows])
    made = np.stack([ends, *(np.append(ends[n:], ends[-1:].repeat(n)) for n in range(1, AHEAD + 1))], axis=1)
    latest: NDArray[np.float64] = np.maximum(made, ends[:, None])
    return latest


def _inside(kept: Scored, spans: Sequence[tuple[str, float, float]]) -> list[NDArray[np.int64]]:
    starts = np.array([row["start"] for row in kept.rows])
    ends = np.array([row["end"] for row in kept.rows])
    meetings = kept.meetings
    return [
        np.flatnonzero((meetings == name) & (ends > start) & (starts < end + WITHIN_SECONDS))
        for name, start, end in spans
    ]


def _surest(sure: NDArray[np.float64], made: NDArray[np.float64], rows: NDArray[np.int64], end: float) -> float:
    """The highest confidence that any of these sentences reached in time."""
    in_time = made[rows] <= end + WITHIN_SECONDS
    return float(np.where(in_time, sure[rows], 0.0).max(initial=0.0))
