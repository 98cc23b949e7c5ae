from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from earmark_gate.decision import Rule, State, decide

WINDOW_SECONDS = 0.032
RULE = Rule(threshold=0.5, hang_over_seconds=0.1)
PROBABILITIES = st.lists(st.floats(0, 1), max_size=200)


def run(probabilities: list[float], rule: Rule = RULE) -> list[bool]:
    state, passed = State(), []
    for probability in probabilities:
        state = decide(state, rule, probability=probability, seconds=WINDOW_SECONDS)
        passed.append(state.speaking)
    return passed


def test_it_opens_once_speech_is_likely_for_a_while_and_closes_after_the_hang_over() -> None:
    closed, opened = [False] * 4, [True] * 4
    assert run([0.1, 0.49, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1]) == [*closed, *opened, False, False]


def test_a_click_does_not_open_it() -> None:
    assert not any(run([0.9, 0.9, 0.1, 0.9, 0.1, 0.9, 0.9]))


def test_a_little_less_likely_keeps_it_open_and_does_not_open_it() -> None:
    assert run([0.4] * 9) == [False] * 9
    assert run([0.6] * 3 + [0.4] * 20) == [False] * 2 + [True] * 21


def test_the_threshold_may_change_between_two_windows() -> None:
    state = decide(State(), Rule(threshold=0.9, hang_over_seconds=1), probability=0.6, seconds=1)
    assert not state.speaking
    assert decide(state, Rule(threshold=0.5, hang_over_seconds=1), probability=0.6, seconds=1).speaking


@given(PROBABILITIES)
def test_speech_that_lasts_passes_to_its_end(probabilities: list[float]) -> None:
    passed = run([*probabilities, *[0.5] * 10])
    assert all(passed[-8:])


@given(PROBABILITIES, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_lower_threshold_never_passes_less(probabilities: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    lax, strict = (run(probabilities, Rule(threshold=value, hang_over_seconds=0.1)) for value in (low, high))
    assert all(more or not less for more, less in zip(lax, strict, strict=True))
