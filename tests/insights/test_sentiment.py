"""How sentences sound, held against sentences that were judged by ear."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.insights.sentiment import sentiment

JUDGED: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "sentiment.toml").read_text(encoding="utf-8"))


def test_nearly_all_sentences_sound_as_they_were_judged() -> None:
    judged = [(label, text) for label, texts in JUDGED.items() for text in texts]
    right = sum(sentiment(text).suggested == label for label, text in judged)
    assert right / len(judged) >= 0.95


@pytest.mark.parametrize("text", ["Yeah.", "Okay, well, sure.", "No.", "It was, like, three.", "I'd like two of them."])
def test_words_that_mean_nothing_in_speech_are_neutral(text: str) -> None:
    assert sentiment(text).score == 0
    assert sentiment(text).suggested == "neutral"


@pytest.mark.parametrize(("text", "suggested"), [("I like it.", "positive"), ("I don't like it.", "negative")])
def test_to_like_something_is_not_idle(text: str, suggested: str) -> None:
    assert sentiment(text).suggested == suggested


@given(st.text(max_size=300))
def test_any_text_has_a_score_between_minus_one_and_one(text: str) -> None:
    assert -1 <= sentiment(text).score <= 1


def test_the_lexicon_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, earmark_engine.insights.sentiment; print('vaderSentiment' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
