"""Trains the linear models over hashed n-grams, with scipy.

Each head is a logistic regression over the n-grams of a sentence and, at their places, of the sentences
around it. Rare and weightless n-grams are dropped at the end; what is left is a table of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from corpus import UNLABELLED, Block, Ragged
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

from earmark_engine.insights import features
from earmark_engine.insights.models import AROUND, HEADS

LEARNED = HEADS[:4]
"""The heads that the meetings teach."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What was learned: for every n-gram (sorted) one weight a head."""

    keys: NDArray[np.uint32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


def fit(
    blocks: Sequence[Block],
    *,
    strengths: Sequence[float],
    least_count: int = 8,
    kept: int = 60_000,
) -> Table:
    """Learn one regression a head; `strengths` says for each how far it may trust its data, 0 to leave it out."""
    keys = _frequent(blocks, least_count)
    matrix, labels, common = _matrix(blocks, keys)
    weights = np.zeros((len(keys), len(LEARNED)))
    bias = np.zeros(len(LEARNED))
    for head, strength in enumerate(strengths):
        rows = labels[:, head] != UNLABELLED
        if not strength or not rows.any():
            continue
        found = _regression(matrix[rows], labels[rows, head], strength)
        weights[:, head], bias[head] = found[:-1], found[-1]
    weights *= common[:, None]
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9)
    heaviest = np.sort(np.argsort(-(np.abs(weights) / scale).max(axis=1), kind="stable")[:kept])
    return Table(keys=keys[heaviest], weights=weights[heaviest].astype(np.float32), bias=bias.astype(np.float32))


def _parts(part: Block) -> list[tuple[Ragged, int | None]]:
    return [(part.own, None), *((part.around, column) for column in range(len(features.NEIGHBOURS)))]


def _keys_of(
    part: Block, ragged: Ragged, column: int | None, rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
    """The n-grams of rows (or of the neighbours of rows), whose each is, and how many each row has."""
    if column is None:
        keys, owner = ragged.take(rows)
    else:
        place = features.NEIGHBOURS[column]
        here = np.flatnonzero(part.visible[rows, column])
        keys, owner = ragged.take(rows[here] + place)
        keys, owner = features.as_neighbour(keys, features.PLACES[column : column + 1])[0], here[owner]
    return keys, owner, np.bincount(owner, minlength=len(rows))


def _frequent(blocks: Sequence[Block], least_count: int) -> NDArray[np.uint32]:
    found: dict[int | None, list[NDArray[np.uint32]]] = {}
    for part in blocks:
        rows = np.flatnonzero(part.present)
        for ragged, column in _parts(part):
            found.setdefault(column, []).append(_keys_of(part, ragged, column, rows)[0])
    kept = []
    for column, keys in found.items():
        unique, count = np.unique(np.concatenate(keys), return_counts=True)
        kept.append(unique[count >= (least_count if column is None else 4 * least_count)])
    return np.unique(np.concatenate(kept))


def _matrix(
    blocks: Sequence[Block], keys: NDArray[np.uint32]
) -> tuple[sparse.csr_matrix, NDArray[np.float32], NDArray[np.float64]]:
    stacked, labels = [], []
    for part in blocks:
        rows = np.flatnonzero(part.present)
        total = sparse.csr_matrix((len(rows), len(keys)), dtype=np.float32)
        for ragged, column in _parts(part):
            found, owner, counts = _keys_of(part, ragged, column, rows)
            at = np.minimum(np.searchsorted(keys, found), len(keys) - 1)
            known = keys[at] == found
            at, owner = at[known], owner[known]
            values = (1.0 if column is None else AROUND) / np.sqrt(np.maximum(counts, 1))[owner]
            total = total + sparse.csr_matrix((values.astype(np.float32), (owner, at)), shape=(len(rows), len(keys)))
        stacked.append(total)
        labels.append(part.labels[rows])
    matrix = sparse.vstack(stacked).tocsr()
    documents = np.bincount(matrix.indices, minlength=len(keys))
    rarity = np.log(matrix.shape[0] / np.maximum(documents, 1)) / 4.0
    return matrix @ sparse.diags(rarity).astype(np.float32), np.concatenate(labels), rarity


def _regression(matrix: sparse.csr_matrix, labels: NDArray[np.float32], strength: float) -> NDArray[np.float64]:
    signs = np.where(labels > 0, 1.0, -1.0)
    transposed = matrix.T.tocsr()
    start = np.zeros(matrix.shape[1] + 1)
    start[-1] = np.log(max(labels.mean(), 1e-4))
    return np.asarray(
        minimize(
            _objective(matrix, transposed, signs, strength),
            start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 120, "ftol": 1e-7},
        ).x
    )


def _objective(
    matrix: sparse.csr_matrix, transposed: sparse.csr_matrix, signs: NDArray[np.float64], strength: float
) -> Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]:
    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = point[:-1]
        margins = signs * (matrix @ weights + point[-1])
        pull = -signs / (1.0 + np.exp(np.clip(margins, -50.0, 50.0)))
        gradient = np.append(strength * (transposed @ pull) + weights, strength * pull.sum())
        return float(strength * np.logaddexp(0.0, -margins).sum() + 0.5 * weights @ weights), gradient

    return loss
