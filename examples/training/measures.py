"""The measures that the figures are made of; pure functions of labels and scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the range that 95 % of redrawn samples of meetings fall into."""

    value: float
    low: float
    high: float


def f1(labels: Numbers, marked: NDArray[np.bool_]) -> float:
    """Harmonic mean of precision and recall, from 0 to 1."""
    hits = float(labels[marked].sum())
    total = float(marked.sum() + labels.sum())
    return 2 * hits / total if total else 0.0


def average_precision(labels: Numbers, scores: Numbers) -> float:
    """Mean precision at each true one, the surest first."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    ranks = np.arange(1, len(labels) + 1)
    found = labels[order] == 1
    return float((hits / ranks)[found].mean()) if found.any() else 0.0


def best_threshold(labels: Numbers, scores: Numbers) -> tuple[float, float]:
    """The score from which on marking gives the best F1, and that F1."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    values = 2 * hits / (np.arange(1, len(labels) + 1) + labels.sum())
    at = int(values.argmax())
    below = scores[order][min(at + 1, len(order) - 1)]
    return float((scores[order][at] + below) / 2), float(values[at])


def by_meeting(
    meetings: NDArray[np.str_], measure: Callable[[NDArray[np.int64]], float], *, draws: int = 300, seed: int = 1
) -> Interval:
    """A figure over all rows, and its range when meetings are drawn again with replacement."""
    rows = {name: np.flatnonzero(meetings == name) for name in np.unique(meetings)}
    names = sorted(rows)
    random = np.random.default_rng(seed)
    redrawn = [
        measure(np.concatenate([rows[names[n]] for n in random.integers(len(names), size=len(names))]))
        for _ in range(draws)
    ]
    low, high = np.percentile(redrawn, [2.5, 97.5])
    return Interval(measure(np.arange(len(meetings))), float(low), float(high))


def calibration(labels: Numbers, odds: Numbers) -> tuple[float, float]:
    """The slope and shift that turn log-odds into honest ones (Newton's method with cautious steps)."""
    columns = np.stack([odds, np.ones_like(odds)], axis=1)
    found = np.array([1.0, 0.0])
    loss = _surprise(columns @ found, labels)
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(columns @ found, -50.0, 50.0)))
        curve = columns.T @ (columns * (chance * (1 - chance))[:, None]) + 1e-3 * np.eye(2)
        step = np.linalg.solve(curve, columns.T @ (labels - chance))
        while np.abs(step).max() > 1e-9 and _surprise(columns @ (found + step), labels) > loss:
            step = step / 2
        found = found + step
        loss = _surprise(columns @ found, labels)
    return float(found[0]), float(found[1])


def _surprise(odds: Numbers, labels: Numbers) -> float:
    return float((np.logaddexp(0.0, odds) - labels * odds).sum())
