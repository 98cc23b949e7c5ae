"""Moonshine: the recogniser that comes along, English, from the package `moonshine-voice` with its model inside.

The package's own streams keep every second of sound that they ever heard and fail on some pauses, so each segment is
given to it whole, with its own voice detection switched off.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from earmark.room import Room
from earmark_engine.recognizers.hearing import Sound, Transcribed
from earmark_engine.recognizers.pool import Pool
from earmark_engine.recognizers.types import RATE, Recognizer, RecognizerError

BLOCK = 1600
"""The package takes sound in whole blocks of this many samples and leaves the rest out."""
OPTIONS = {
    "return_audio_data": "false",
    "vad_threshold": "0.0",
    "vad_max_segment_duration": "60",
    "vad_hop_size": str(BLOCK),
}


class MoonshineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the bundled recogniser works."""

    workers: int = 0
    """Most processes that recognise at the same time; 0: one less than there are cores, at most four."""
    interim_seconds: float = 1.0
    """How much more must be said before the text so far is shown again; longer by itself on a slow machine."""
    nice: int = 5
    """How far the workers stand back for other programs, from 0 (not at all) to 19."""


OLD_SPELLING = re.compile(r"\b(to)-(day|morrow|night)\b", re.IGNORECASE)


@asynccontextmanager
async def open_moonshine(settings: MoonshineSettings, room: Room) -> AsyncIterator[Recognizer]:
    """Start a worker in the background; `ready` waits for it."""
    async with Pool(
        name="moonshine",
        languages=("en",),
        load="earmark_engine.recognizers.moonshine:load_moonshine",
        settings=settings,
        workers=settings.workers,
        log=room.log,
    ) as pool:
        yield pool


class Moonshine:
    """The model in a worker."""

    interim_is_final = True

    def __init__(self, transcriber: Any) -> None:
        self._transcriber = transcriber

    def interim(self, sound: Sound) -> str:
        """The text of a segment."""
        whole = np.concatenate([sound, np.zeros(-len(sound) % BLOCK, np.float32)])
        transcript = self._transcriber.transcribe_without_streaming(whole.tolist(), RATE)
        return modern(" ".join(line.text.strip() for line in transcript.lines).strip())

    def final(self, sound: Sound, vocabulary: tuple[str, ...]) -> Transcribed:
        """The same; this model takes no hints about its vocabulary, and tells neither times nor confidence."""
        return Transcribed(text=self.interim(sound))


def modern(text: str) -> str:
    """The text with `to-day`, `to-morrow` and `to-night` as they are written now; the model read old books."""
    return OLD_SPELLING.sub(r"\1\2", text)


def load_moonshine(settings: str) -> Moonshine:
    """Load the bundled model, inside a worker."""
    del settings  # nothing in them is the model's own
    folder = model_folder()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from moonshine_voice.moonshine_api import ModelArch
    from moonshine_voice.transcriber import Transcriber

    return Moonshine(Transcriber(folder, ModelArch.TINY, options=OPTIONS))


def model_folder() -> Path:
    """Where the package keeps the English model; raises `RecognizerError` where it does not."""
    found = find_spec("moonshine_voice")
    if found is None or not found.submodule_search_locations:
        raise RecognizerError(
            "The recogniser moonshine needs the package moonshine-voice 0.1.0, which exists for 64-bit machines: "
            "pip install moonshine-voice==0.1.0"
        )
    folder = Path(found.submodule_search_locations[0]) / "assets" / "tiny-en"
    if not folder.is_dir():
        raise RecognizerError(
            f"The package moonshine-voice has no model in {folder}; only version 0.1.0 brings it along: "
            "pip install moonshine-voice==0.1.0"
        )
    return folder
