"""Chooses on dev how log-odds become confidences, and from which confidence on a mark is made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import corpus
import numpy as np
import scoring
from measures import average_precision, calibration, f1
from numpy.typing import NDArray
from scoring import Scored, score

from earmark_engine.insights.models import Decision, Models

GRAMS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""What the n-grams may weigh beside the network."""
FALSE_TASKS = 2e-4
"""How many sentences of a meeting may sound like a household task: two in ten thousand."""
THRESHOLDS = np.arange(0.08, 0.5, 0.01)
SMOOTHED_OVER = 5
"""A threshold is worth the mean F1 of so many thresholds around it, so that no lucky one is taken."""


def decide(models: Models, folder: Path) -> list[float]:
    """The numbers of `models.Decision`."""
    ami = corpus.read(folder, "ami", "dev")
    icsi = score(models, corpus.read(folder, "icsi", "dev"), "stripped")
    written, stripped = score(models, ami, "written"), score(models, ami, "stripped")
    sets = {
        scoring.QUESTION: _labelled((written, stripped, icsi), scoring.QUESTION),
        scoring.ACTION: _labelled((written, stripped), scoring.ACTION),
        scoring.FOLLOW_UP: _labelled((icsi,), scoring.FOLLOW_UP),
    }
    rules = {column: _rule(some, column) for column, some in sets.items()}
    task = [1.0, _task_shift([written, stripped, icsi])]
    undecided = Decision.of(np.array([*(n for rule in rules.values() for n in (*rule, 0.5)), *task]))
    thresholds = {column: _threshold(some, column, undecided) for column, some in sets.items()}
    return [*(n for column, rule in rules.items() for n in (*rule, thresholds[column])), *task]


def _labelled(sets: Sequence[Scored], column: int) -> list[Scored]:
    return [one.where(one.labels[:, column] != corpus.UNLABELLED) for one in sets]


def _odds(scored: Scored, column: int, weight: float) -> NDArray[np.float64]:
    odds: NDArray[np.float64] = (scored.net[:, :, column] + weight * scored.grams[:, :, column]).max(axis=1)
    return odds


def _rule(sets: Sequence[Scored], column: int) -> tuple[float, float, float]:
    """What the n-grams weigh, and the slope and shift that make the sum honest."""
    labels = [one.labels[:, column] for one in sets]

    def worth(weight: float) -> float:
        return sum(average_precision(y, _odds(one, column, weight)) for y, one in zip(labels, sets, strict=True))

    weight = max(GRAMS, key=worth)
    odds = [_odds(one, column, weight) for one in sets]
    return weight, *calibration(np.concatenate(labels), np.concatenate(odds))


def _task_shift(meetings: Sequence[Scored]) -> float:
    """So that hardly a sentence of a meeting passes for a household task."""
    odds = np.concatenate([one.net[:, :, scoring.TASK].max(axis=1) for one in meetings])
    return -float(np.quantile(odds, 1 - FALSE_TASKS))


def _threshold(sets: Sequence[Scored], column: int, decision: Decision) -> float:
    kind = scoring.KINDS[column]
    pairs = [(one.labels[:, column], one.confidence(decision, kind)) for one in sets]
    worth = [sum(f1(labels, sure >= threshold) for labels, sure in pairs) for threshold in THRESHOLDS]
    smooth = np.convolve(worth, np.ones(SMOOTHED_OVER), mode="valid")
    return round(float(THRESHOLDS[int(np.argmax(smooth)) + SMOOTHED_OVER // 2]), 2)
