"""Whisper: the better ear on a bigger machine. Interim text by Moonshine, final text by Whisper.

An extra: `pip install 'earmark[whisper]'` brings faster-whisper, but no model. A model is named (and must be on the
machine, unless its download is allowed) or given as a folder. Whisper makes up text where nobody spoke, so it is given
only segments in which a voice was detected, and what it is unsure of is left out.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from earmark.room import Room
from earmark_engine.recognizers.hearing import Sound, Transcribed, Transcriber
from earmark_engine.recognizers.moonshine import load_moonshine
from earmark_engine.recognizers.pool import Pool
from earmark_engine.recognizers.types import Recognizer, RecognizerError, Word

LEAST_LOG_PROBABILITY = -1.0
MOST_COMPRESSION = 2.2
MOST_NO_SPEECH = 0.6
NEEDED = ("config.json", "model.bin", "tokenizer.json")
"""Without its tokenizer the library would fetch one."""


class WhisperSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How Whisper works, and where its model is."""

    model: str = "base.en"
    """A model's name, such as `tiny.en`, `base.en` or `small.en`, or a folder that holds one."""
    download: bool = False
    """Whether a model that is not on the machine may be fetched from the model hub, once."""
    threads: int = 2
    """Cores that one final text may use."""
    workers: int = 1
    """Most processes that recognise at the same time; each holds the models in memory."""
    interim_seconds: float = 1.0
    """How much more must be said before the text so far is shown again; longer by itself on a slow machine."""
    nice: int = 5
    """How far the workers stand back for other programs, from 0 (not at all) to 19."""


@asynccontextmanager
async def open_whisper(settings: WhisperSettings, room: Room) -> AsyncIterator[Recognizer]:
    """Start a worker in the background; `ready` waits for it."""
    async with Pool(
        name="whisper",
        languages=("en",),
        load="earmark_engine.recognizers.whisper:load_whisper",
        settings=settings,
        workers=settings.workers,
        log=room.log,
    ) as pool:
        yield pool


class Whisper:
    """Both models in a worker."""

    interim_is_final = False

    def __init__(self, model: Any, quick: Transcriber) -> None:
        self._model = model
        self._quick = quick

    def interim(self, sound: Sound) -> str:
        """The text so far, by the quick model."""
        return self._quick.interim(sound)

    def final(self, sound: Sound, vocabulary: tuple[str, ...]) -> Transcribed:
        """The text by the good model, without what it made up."""
        pieces, _ = self._model.transcribe(
            sound,
            language="en",
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            hotwords=", ".join(vocabulary) or None,
        )
        return transcribed([piece for piece in pieces if spoken(piece)])


def spoken(piece: Any) -> bool:
    """Whether a piece of Whisper's text is likely to have been said."""
    if piece.avg_logprob < LEAST_LOG_PROBABILITY or piece.compression_ratio > MOST_COMPRESSION:
        return False
    return bool(piece.no_speech_prob <= MOST_NO_SPEECH)


def transcribed(pieces: Iterable[Any]) -> Transcribed:
    """What Whisper said, in our words; its confidence is how likely it found its own words on average."""
    words = tuple(
        Word(
            text=word.word.strip(),
            start=float(word.start),
            end=float(word.end),
            confidence=round(float(word.probability), 3),
        )
        for piece in pieces
        for word in piece.words or ()
        if word.word.strip()
    )
    if not words:
        return Transcribed(text="")
    confidence = sum(word.confidence or 0.0 for word in words) / len(words)
    return Transcribed(text=" ".join(word.text for word in words), words=words, confidence=round(confidence, 3))


def load_whisper(settings: str) -> Whisper:
    """Load both models, inside a worker."""
    told = msgspec.json.decode(settings, type=WhisperSettings)
    if find_spec("faster_whisper") is None:
        raise RecognizerError("The recogniser whisper needs faster-whisper: pip install 'earmark[whisper]'")
    if not told.download:
        os.environ["HF_HUB_OFFLINE"] = "1"
    from faster_whisper import WhisperModel

    path = model_folder(told)
    return Whisper(
        WhisperModel(path, device="cpu", compute_type="int8", cpu_threads=told.threads), load_moonshine("{}")
    )


def model_folder(settings: WhisperSettings) -> str:
    """Where the model is, fetched if that is allowed; raises `RecognizerError` with what to do where it is not."""
    folder = Path(settings.model).expanduser()
    if not folder.is_dir():
        folder = Path(_found(settings))
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise RecognizerError(
            f"The folder {folder} holds no Whisper model for faster-whisper: {missing[0]} is missing."
        )
    return str(folder)


def _found(settings: WhisperSettings) -> str:
    from faster_whisper.utils import download_model

    try:
        return str(download_model(settings.model, local_files_only=not settings.download))
    except ValueError as error:
        raise RecognizerError(f"The recogniser whisper knows no model {settings.model!r}: {error}") from None
    except Exception as error:  # the hub's library raises whatever its own network stack does
        if settings.download:
            raise RecognizerError(f"The Whisper model {settings.model!r} could not be fetched: {error}") from error
        raise RecognizerError(
            f"The Whisper model {settings.model!r} is not on this machine; set `model` to a folder that holds it, or "
            "`download = true` to let it be fetched once from the model hub."
        ) from None
