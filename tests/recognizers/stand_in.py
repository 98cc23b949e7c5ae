"""A model for tests: it says how long a segment is, and dies of loud ones."""

from __future__ import annotations

import os
import time

import numpy as np

from earmark_engine.recognizers.hearing import Sound, Transcribed
from earmark_engine.recognizers.types import RecognizerError

DEADLY = 0.95


class StandIn:
    """Says the length of a segment in hundredths of a second."""

    interim_is_final = False

    def interim(self, sound: Sound) -> str:
        return f"{len(sound) // 160}…"

    def final(self, sound: Sound, vocabulary: tuple[str, ...]) -> Transcribed:
        if np.abs(sound).max() > DEADLY:
            os._exit(3)
        return Transcribed(text=" ".join([str(len(sound) // 160), *vocabulary]), confidence=0.5)


class Slow(StandIn):
    """Takes its time."""

    def final(self, sound: Sound, vocabulary: tuple[str, ...]) -> Transcribed:
        time.sleep(3600)
        return super().final(sound, vocabulary)


def load(settings: str) -> StandIn:
    return StandIn()


def load_slow(settings: str) -> StandIn:
    return Slow()


def load_nothing(settings: str) -> StandIn:
    raise RecognizerError("There is no model here; put one there.")


def load_and_die(settings: str) -> StandIn:
    os.write(2, b"the model is broken\n")
    os._exit(4)
