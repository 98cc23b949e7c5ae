"""The recognisers that come along."""

from __future__ import annotations

from collections.abc import Iterable

from earmark.hookspecs import Offer
from earmark_engine.recognizers.moonshine import MoonshineSettings, open_moonshine
from earmark_engine.recognizers.types import Recognizer
from earmark_engine.recognizers.whisper import WhisperSettings, open_whisper


def offers() -> Iterable[Offer[Recognizer]]:
    """What the engine's own answer to ``earmark_recognizers`` is; the first is the default."""
    yield Offer(
        "moonshine", "Understand English, offline, on a small machine", open_moonshine, settings=MoonshineSettings
    )
    yield Offer(
        "whisper",
        "Understand English better on a bigger machine: interim text by Moonshine, final text by Whisper",
        open_whisper,
        settings=WhisperSettings,
    )
