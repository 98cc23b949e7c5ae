"""Packs what was learned into the one file that the package carries, and opens it as it will be used."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from linear import Table
from net import Trained
from numpy.typing import NDArray

from earmark_engine.insights.models import Models

Arrays = dict[str, NDArray[Any]]


def arrays_of(trained: Trained, table: Table) -> Arrays:
    """Network and regressions as small numbers; the rules of decision are added later."""
    state = {name: tensor.numpy() for name, tensor in trained.net.state_dict().items()}
    arrays: Arrays = {"words": trained.words, "keys": table.keys, "grams.bias": table.bias}
    arrays["vectors"], arrays["vectors.scale"] = _bytes(state["vectors.weight"])
    arrays["grams"], arrays["grams.scale"] = _bytes(table.weights)
    for name in ("first", "second"):
        arrays[name] = _half(np.concatenate(state[f"{name}.weight"].transpose(2, 1, 0)))
        arrays[f"{name}.bias"] = _half(state[f"{name}.bias"])
    for name in ("context", "fuse", "out", "straight"):
        arrays[name] = _half(state[f"{name}.weight"].T)
        if f"{name}.bias" in state:
            arrays[f"{name}.bias"] = _half(state[f"{name}.bias"])
    return arrays


def opened(arrays: Arrays) -> Models:
    """The models as the package will have them; without rules of decision yet, with neutral ones."""
    neutral = {"decision": np.array([0.5, 1.0, 0.0, 0.5] * 3 + [1.0, 0.0])}
    return Models(neutral | arrays)


def save(arrays: Arrays, path: Path) -> None:
    """Write the file; the same arrays always make the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    path.write_bytes(buffer.getvalue())


def _bytes(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    scale = np.maximum(np.abs(values).max(axis=0), 1e-9) / 127
    return np.round(values / scale).astype(np.int8), scale.astype(np.float32)


def _half(values: NDArray[np.float32]) -> NDArray[np.float16]:
    return np.ascontiguousarray(values).astype(np.float16)
