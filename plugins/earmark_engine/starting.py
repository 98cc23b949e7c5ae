"""What a `start_request` comes to: what is refused, what the client is told, and how its sound is heard."""

from __future__ import annotations

from earmark_engine.audio_clock import AudioClock
from earmark_engine.insights.types import Kind, Person
from earmark_engine.leg import Leg
from earmark_engine.live import Live
from earmark_engine.recognizers.types import LanguageUnknown, Recognizer, understands
from earmark_engine.sound.decode import open_decoder
from earmark_engine.wire import View
from earmark_symbl import api as symbl


def check(start: symbl.StartRequest, recognizer: Recognizer) -> None:
    """Refuse by name what the engine cannot do, before it says that it listens."""
    open_decoder(start.encoding, start.rate)
    language = _language(start)
    if not understands(recognizer.languages, language):
        known = ", ".join(recognizer.languages)
        raise LanguageUnknown(f"The recogniser {recognizer.name} does not know '{language}'; it knows: {known}.")


def view_of(start: symbl.StartRequest, key: str) -> View:
    """What the client asks to be told."""
    config = start.config or symbl.Config()
    threshold = config.confidence_threshold
    asked = set(start.insight_types or ())
    return View(
        kinds=frozenset(kind for kind in Kind if kind in asked),
        threshold=0.5 if threshold is None else threshold,
        sentiment=bool(config.sentiment or start.sentiments),
        entities=bool(config.detect_entities),
        clock=key,
        extended=start.earmark is not None,
    )


async def open_leg(
    live: Live, start: symbl.StartRequest, *, key: str, person: Person | None, recognizer: Recognizer
) -> Leg:
    """A new leg of the conversation; raises what the recogniser raises where it cannot listen."""
    user = {**(start.speaker or {}), **({"id": person.id} if person else {})}
    leg = Leg(key=key, person=person, user=user, clock=_clock(live, start, key), owner=live)
    recognition = start.config.speech_recognition if start.config else None
    leg.interim = not (recognition and recognition.interim_results is False)
    await leg.open(recognizer, language=_language(start), vocabulary=live.terms.vocabulary)
    live.legs[key] = leg
    return leg


def _clock(live: Live, start: symbl.StartRequest, key: str) -> AudioClock:
    """Where the sound lies that the leg will be fed."""
    resume = start.earmark
    if resume is None:
        return AudioClock(live.now())
    # What was told already is not heard again, whoever has heard it: an engine before this one, or a broken recogniser.
    position = max(resume.position, live.understanding.told_until(key))
    seconds = live.seconds_of(position / resume.rate)
    clock = AudioClock(seconds)
    clock.capture(position=position, rate=resume.rate, seconds=seconds)
    return clock


def _language(start: symbl.StartRequest) -> str:
    return (start.config.language_code if start.config else None) or "en-US"
