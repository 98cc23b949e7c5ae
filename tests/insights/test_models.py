"""The models as they are shipped."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_engine.insights import features, models
from earmark_engine.insights.models import Models, Read
from earmark_engine.insights.types import Kind

SENTENCES = tomllib.loads(Path(__file__).with_name("household.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shipped() -> Models:
    return models.shipped()


def read(weights: Models, text: str, start: float = 0.0, speaker: str | None = None) -> Read:
    return weights.read(features.see(text, start, start + 0.3 * len(text.split()), speaker))


def sure(weights: Models, text: str) -> dict[Kind, float]:
    return weights.confidences(read(weights, text), {})


def marked(weights: Models, text: str) -> set[Kind]:
    return {kind for kind, value in sure(weights, text).items() if weights.decision.marked(kind, value)}


def test_all_weights_together_are_smaller_than_two_megabytes() -> None:
    folder = resources.files("earmark_engine.insights").joinpath("weights")
    assert sum(len(file.read_bytes()) for file in folder.iterdir() if file.is_file()) < 2_000_000


def test_the_models_need_numpy_alone() -> None:
    code = "import sys; from earmark_engine.insights import models; models.shipped(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"scipy", "torch", "sklearn"}.intersection(run.stdout.split())


@pytest.mark.parametrize("text", SENTENCES["tasks"])
def test_a_household_task_is_marked(shipped: Models, text: str) -> None:
    assert marked(shipped, text) & {Kind.ACTION_ITEM, Kind.FOLLOW_UP}


@pytest.mark.parametrize("text", SENTENCES["missed"])
def test_the_list_of_known_misses_is_honest(shipped: Models, text: str) -> None:
    """A task that better weights find moves to the list of those that must be marked."""
    assert not marked(shipped, text) & {Kind.ACTION_ITEM, Kind.FOLLOW_UP}


@pytest.mark.parametrize("text", SENTENCES["idle"])
def test_idle_talk_is_not_marked(shipped: Models, text: str) -> None:
    assert not marked(shipped, text)


@pytest.mark.parametrize("text", SENTENCES["questions"])
def test_a_household_question_is_marked(shipped: Models, text: str) -> None:
    assert Kind.QUESTION in marked(shipped, text)


def test_a_plain_question_is_no_task(shipped: Models) -> None:
    assert marked(shipped, "What time is it?") == {Kind.QUESTION}


def test_a_question_is_heard_without_its_question_mark(shipped: Models) -> None:
    assert sure(shipped, "what time does the bakery open")[Kind.QUESTION] > 0.5
    assert sure(shipped, "the bakery opens at eight")[Kind.QUESTION] < 0.2


def test_what_is_said_after_a_sentence_changes_how_sure_one_is(shipped: Models) -> None:
    sentence = read(shipped, "you want it blue", 0.0, "ann")
    answer = read(shipped, "yes", 1.6, "ben")
    alone = shipped.confidences(sentence, {})[Kind.QUESTION]
    assert shipped.confidences(sentence, {1: answer})[Kind.QUESTION] > alone


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), st.floats(0, 1e5), st.sampled_from([-2, -1, 1, 2]))
def test_any_text_has_a_confidence_between_0_and_1(text: str, other: str, start: float, place: int) -> None:
    weights = models.shipped()
    found = weights.confidences(read(weights, text, start), {place: read(weights, other, start)})
    assert set(found) == set(Kind)
    assert all(0.0 <= value <= 1.0 for value in found.values())


def test_asking_for_the_usual_confidence_gives_each_kind_its_own_threshold() -> None:
    assert models.effective_threshold(0.2, 0.5) == pytest.approx(0.2)
    assert models.effective_threshold(0.3, 0.5) == pytest.approx(0.3)


@pytest.mark.parametrize("asked", [0.6, 0.7, 0.8, 0.95, 1.0])
def test_asking_for_more_is_taken_at_its_word(asked: float) -> None:
    assert models.effective_threshold(0.2, asked) == pytest.approx(asked)


def test_asking_for_less_marks_more() -> None:
    assert models.effective_threshold(0.2, 0.25) == pytest.approx(0.1)
    assert models.effective_threshold(0.2, 0.0) == 0.0


@given(st.floats(0.05, 0.5), st.floats(0, 1), st.floats(0, 1))
def test_asking_for_more_never_marks_more(default: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert models.effective_threshold(default, low) <= models.effective_threshold(default, high) + 1e-9
