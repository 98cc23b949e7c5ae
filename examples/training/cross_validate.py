"""Cross-validates the action items over train and dev, meeting by meeting, and writes the figures down.

    python examples/training/cross_validate.py --data FOLDER

In each of five folds a fifth of the annotated AMI meetings is left out and both models are trained again on the
others, with less than what is shipped: without ICSI, and for four epochs. The threshold is chosen on the other four
fifths' left-out scores. `evaluate.py` shows the figures beside its own.
"""

from __future__ import annotations

import train  # sets up the libraries; must come first  # isort: skip

import argparse
import json
import sys
from pathlib import Path

import corpus
import linear
import measures
import numpy as np
import pack
import scoring
from corpus import Condition
from evaluate import CONDITIONS, CROSS_VALIDATION
from measures import Interval
from net import Course, Trainer
from numpy.typing import NDArray
from scoring import Scored, score

FOLDS = 5
EPOCHS = 4
GRAMS = 2.0
"""What the n-grams weigh beside the network, as shipped."""


ONLY_ACTIONS = tuple(strength * (head == corpus.ACTION) for head, strength in enumerate(train.STRENGTHS))


def main() -> int:
    """Train and score every fold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with ami.train.jsonl.gz and so on")
    parser.add_argument("--out", type=Path, default=CROSS_VALIDATION)
    given = parser.parse_args()
    ami = [row for split in ("train", "dev") for row in corpus.read(given.data, "ami", split)]
    everything = [corpus.block(ami, condition) for condition in CONDITIONS]
    names = sorted({row["meeting"] for row in ami if row["actions_annotated"]})
    fold_of = {name: n % FOLDS for n, name in enumerate(np.random.default_rng(1).permutation(names))}
    left_out: dict[Condition, list[tuple[int, Scored]]] = {condition: [] for condition in CONDITIONS}
    for fold in range(FOLDS):
        kept = frozenset(row["meeting"] for row in ami if fold_of.get(row["meeting"]) != fold)
        learned = [part.only(kept) for part in everything]
        trained = Trainer([learned], Course(seed=fold + 1, epochs=EPOCHS)).train()
        table = linear.fit(learned[:2], strengths=ONLY_ACTIONS)
        weights = pack.opened(pack.arrays_of(trained, table))
        rows = [row for row in ami if fold_of.get(row["meeting"]) == fold]
        for condition in CONDITIONS:
            left_out[condition].append((fold, score(weights, rows, condition)))
        print(f"fold {fold + 1} of {FOLDS} done", flush=True)
    figures = {}
    for condition, parts in left_out.items():
        f1, ap = _figures(parts)
        figures[f"action items AMI {condition} cross-validation F1"] = [f1.value, f1.low, f1.high]
        figures[f"action items AMI {condition} cross-validation AP"] = [ap.value, ap.low, ap.high]
    given.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(given.out.read_text(encoding="utf-8"))
    return 0


def _figures(parts: list[tuple[int, Scored]]) -> tuple[Interval, Interval]:
    odds, labels, meetings, folds = [], [], [], []
    for fold, scored in parts:
        known = scored.where(scored.labels[:, scoring.ACTION] != corpus.UNLABELLED)
        column = known.net[:, :, scoring.ACTION] + GRAMS * known.grams[:, :, scoring.ACTION]
        odds.append(column.max(axis=1))
        labels.append(known.labels[:, scoring.ACTION])
        meetings.append(known.meetings)
        folds.append(np.full(len(known.rows), fold))
    y, z, name, fold_of = (np.concatenate(each) for each in (labels, odds, meetings, folds))
    marked = _marked(y, z, fold_of)
    f1 = measures.by_meeting(name, lambda rows: measures.f1(y[rows], marked[rows]))
    ap = measures.by_meeting(name, lambda rows: measures.average_precision(y[rows], z[rows]))
    return f1, ap


def _marked(labels: NDArray[np.float64], odds: NDArray[np.float64], folds: NDArray[np.int64]) -> NDArray[np.bool_]:
    marked = np.zeros(len(labels), np.bool_)
    for fold in range(FOLDS):
        here = folds == fold
        marked[here] = odds[here] >= measures.best_threshold(labels[~here], odds[~here])[0]
    return marked


if __name__ == "__main__":
    sys.exit(main())
