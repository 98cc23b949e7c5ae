"""When the gate is open: a pure function of how likely speech is, window by window.

Rules:

1. It opens when speech has been at least as likely as the threshold for 90 ms, which no click and no start of a hum is.
   What came up to a pre-roll before passes too.
2. While it is open, a little less likely is enough, so that it does not flutter.
3. It closes when that has not been so for the hang-over.
"""

from __future__ import annotations

from dataclasses import dataclass

_ONSET_SECONDS = 0.09
_LENIENCE = 0.15
_LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Rule:
    """What is asked of speech."""

    threshold: float
    hang_over_seconds: float


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered between windows."""

    speaking: bool = False
    quiet_seconds: float = 0.0
    """While it is open: for how long there has been no speech."""
    likely_seconds: float = 0.0
    """While it is closed: for how long there has been some."""


def decide(state: State, rule: Rule, *, probability: float, seconds: float) -> State:
    """The state after a window of `seconds`; the window passes if it is `speaking`."""
    if not state.speaking:
        likely = state.likely_seconds + seconds if probability >= rule.threshold else 0.0
        return State(speaking=True) if likely >= _ONSET_SECONDS else State(likely_seconds=likely)
    if probability >= max(_LEAST, rule.threshold - _LENIENCE):
        return State(speaking=True)
    quiet = state.quiet_seconds + seconds
    return State(speaking=True, quiet_seconds=quiet) if quiet < rule.hang_over_seconds else State()
