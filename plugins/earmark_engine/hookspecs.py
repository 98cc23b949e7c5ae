"""The engine's own hooks: what else can turn sound into words, and words into marks.

Both give the core's `Offer`; an offer's `open(settings, room)` is entered once, when the engine starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from earmark.hookspecs import Offer, hookspec
from earmark_engine.insights.types import Context, Detector
from earmark_engine.recognizers.types import Recognizer

DetectorMaker: TypeAlias = Callable[[Context], Detector]
"""Makes a detector for one conversation."""


@hookspec
def earmark_recognizers() -> Iterable[Offer[Recognizer]]:  # type: ignore[empty-body]
    """What turns sound into words; one is chosen by name."""


@hookspec
def earmark_detectors() -> Iterable[Offer[DetectorMaker]]:  # type: ignore[empty-body]
    """What finds questions, action items, follow-ups, topics and entities; one is chosen by name."""
