"""Prints figures beside their baselines and aims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measures import Interval


@dataclass(frozen=True)
class Figure:
    """One measured figure (from 0 to 1), with what it is held against (in per cent)."""

    name: str
    interval: Interval
    baseline: float | None = None
    aim: float | None = None

    def as_json(self) -> dict[str, str | float | None]:
        """All of it, in per cent."""
        return {
            "name": self.name,
            "value": round(100 * self.interval.value, 2),
            "low": round(100 * self.interval.low, 2),
            "high": round(100 * self.interval.high, 2),
            "baseline": self.baseline,
            "aim": self.aim,
        }


def table(title: str, figures: Sequence[Figure]) -> str:
    """A table for a terminal."""
    rows = [("", "measured", "95 % interval", "baseline", "aim")]
    for figure in figures:
        value, low, high = (100 * n for n in (figure.interval.value, figure.interval.low, figure.interval.high))
        rows.append(
            (figure.name, f"{value:.1f}", f"{low:.1f} to {high:.1f}", _number(figure.baseline), _number(figure.aim))
        )
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return "\n".join([title, *lines])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
