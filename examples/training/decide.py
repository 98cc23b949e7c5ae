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

from earmark_engine.insights.models import Models

GRAMS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""What the n-grams may weigh beside the network."""
FALSE_TASKS = 1e-4
"""How many sentences of a meeting may sound like a household task: one in ten thousand."""
HOUSEHOLD_SEED = 99

Pairs = list[tuple[NDArray[np.float64], Scored]]


def decide(models: Models, folder: Path) -> list[float]:
    """The numbers of `models.Decision`."""
    ami = corpus.read(folder, "ami", "dev")
    icsi = score(models, corpus.read(folder, "icsi", "dev"), "stripped")
    written, stripped = score(models, ami, "written"), score(models, ami, "stripped")
    chosen: list[float] = []
    for head, sets in (
        (scoring.QUESTION, (written, stripped, icsi)),
        (scoring.ACTION, (written, stripped)),
        (scoring.FOLLOW_UP, (icsi,)),
    ):
        chosen += _rule([one.where(one.labels[:, head] != corpus.UNLABELLED) for one in sets], head)
    return [*chosen, 1.0, _task_shift([written, stripped, icsi])]


def _odds(scored: Scored, head: int, weight: float) -> NDArray[np.float64]:
    odds: NDArray[np.float64] = (scored.net[:, :, head] + weight * scored.grams[:, :, head]).max(axis=1)
    return odds


def _rule(sets: Sequence[Scored], head: int) -> list[float]:
    labels = [one.labels[:, head] for one in sets]

    def worth(weight: float) -> float:
        return sum(average_precision(y, _odds(one, head, weight)) for y, one in zip(labels, sets, strict=True))

    weight = max(GRAMS, key=worth)
    odds = [_odds(one, head, weight) for one in sets]
    slope, shift = calibration(np.concatenate(labels), np.concatenate(odds))
    sure = [1 / (1 + np.exp(-(slope * one + shift))) for one in odds]
    grid = np.arange(0.1, 0.5, 0.01)
    means = [sum(f1(y, p >= t) for y, p in zip(labels, sure, strict=True)) for t in grid]
    return [weight, slope, shift, float(grid[int(np.argmax(means))])]


def _task_shift(meetings: Sequence[Scored]) -> float:
    """So that hardly a sentence of a meeting passes for a household task that is none."""
    odds = np.concatenate([one.net[:, :, scoring.TASK].max(axis=1) for one in meetings])
    return -float(np.quantile(odds, 1 - FALSE_TASKS))
