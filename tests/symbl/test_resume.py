"""A room over a line that breaks, to a service that knows nothing of our extension."""

import asyncio
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import earmark.uplink
from earmark.audio import Frame
from earmark.events import Utterance
from earmark.room import Room
from earmark.settings import Secret
from earmark_symbl.lifecycle import (
    Alternative,
    RawSpeech,
    RecognitionResult,
    RecognitionStopped,
    RecognizedWord,
    SpeechPayload,
    WireTime,
)
from earmark_symbl.requests import Audio, StopRequest
from earmark_symbl.results import Content, Message, MessageResponse, Polarity, WireSentiment
from earmark_symbl.settings import SymblSettings
from earmark_symbl.transport import open_symbl
from tests.core.rooms import RATE, room
from tests.symbl.service import Script, Service, Talk, serving

SECONDS = 12
WORDS = 4
How = Literal["nothing", "final", "message", "late"]


@pytest.fixture(autouse=True, scope="module")
def _quick_tries() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(earmark.uplink, "_FIRST_DELAY_SECONDS", 0.002)
        patch.setattr(earmark.uplink, "_MOST_DELAY_SECONDS", 0.01)
        yield


def text(second: int) -> str:
    """Four words that no other second has."""
    return " ".join(hashlib.sha256(bytes((second, word))).hexdigest()[:6] for word in range(WORDS))


def sound() -> list[Frame]:
    """Every sample tells its second, counted from 1."""
    return [
        Frame(
            samples=np.full(RATE // 10, tenth // 10 + 1, dtype=np.int16),
            rate=RATE,
            position=tenth * RATE // 10,
            at=1_700_000_000 + tenth / 10,
        )
        for tenth in range(SECONDS * 10)
    ]


@dataclass
class Hearer:
    """Says four words for every second it hears, and loses the line as planned."""

    late: list[int] = field(default_factory=list)
    messages: int = 0

    def script(self, plan: tuple[int, How] | None) -> Script:
        async def play(talk: Talk) -> None:
            try:
                await talk.listen()
            except AssertionError:
                return  # after a loss the room also looks whether the line works, and leaves again
            for second in self.late:
                await talk.say(self.message(second))
            self.late.clear()
            await self.listen(talk, plan)

        return play

    async def listen(self, talk: Talk, plan: tuple[int, How] | None) -> None:
        told_samples = 0
        while True:
            heard = await talk.hear()
            samples = np.frombuffer(talk.audio, dtype="<i2")[told_samples:]
            going_on = isinstance(heard, Audio)
            whole = samples[samples != samples[-1]] if going_on else samples
            for second in dict.fromkeys(whole.tolist()):
                start, told_samples = told_samples, told_samples + int(np.sum(whole == second))
                if await self.tell(talk, second, (start / RATE, told_samples / RATE), plan):
                    return
            if isinstance(heard, StopRequest):
                await talk.say(RecognitionStopped())
            if not going_on:
                return

    async def tell(self, talk: Talk, second: int, span: tuple[float, float], plan: tuple[int, How] | None) -> bool:
        """Say what was heard in a second; whether the line is lost over it."""
        how = plan[1] if plan and plan[0] == second else None
        if how in (None, "final", "message"):
            await talk.say(final(second, *span))
        if how in (None, "message"):
            await talk.say(self.message(second))
        if how == "late":
            self.late.append(second)
        if how is not None:
            talk.drop()
        return how is not None

    def message(self, second: int) -> MessageResponse:
        self.messages += 1
        neutral = WireSentiment(polarity=Polarity(score=0.0))
        said = Message(
            id=f"m{self.messages}", payload=Content(content=text(second).capitalize() + "."), sentiment=neutral
        )
        return MessageResponse(messages=(said,))


def final(second: int, start: float, end: float) -> RecognitionResult:
    each = (end - start) / WORDS
    words = tuple(
        RecognizedWord(
            word=word, start_time=WireTime.of(start + number * each), end_time=WireTime.of(start + (number + 1) * each)
        )
        for number, word in enumerate(text(second).split())
    )
    alternative = Alternative(words=words, transcript=text(second))
    return RecognitionResult(is_final=True, payload=SpeechPayload(raw=RawSpeech(alternatives=(alternative,))))


async def utterances(folder: Path, plans: list[tuple[int, How]]) -> list[Utterance]:
    """What a room journals of the whole sound."""
    hearer = Hearer()
    service = Service(scripts=[hearer.script(plan) for plan in [*plans, *[None] * 3]])
    async with serving(service):
        chosen = SymblSettings(url=service.url, token=Secret("token-one"), block_samples=1600)
        async with open_symbl(chosen, cast(Room, None)) as transport, room(folder, transport) as kitchen:
            await kitchen.hear(sound())
            await kitchen.end()
            return [event for event in await kitchen.events() if isinstance(event, Utterance)]


losses = st.lists(
    st.tuples(st.integers(1, SECONDS), st.sampled_from(["nothing", "final", "message", "late"])), max_size=4
)


@settings(max_examples=10, deadline=None)
@given(plans=losses)
def test_every_second_is_told_once_and_in_its_place_however_the_line_breaks(plans: list[tuple[int, How]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(utterances(Path(folder), sorted(plans, key=lambda plan: plan[0])))
    assert sorted(event.text for event in told) == sorted(text(n + 1).capitalize() + "." for n in range(SECONDS))
    places = {event.text: event.start for event in told}
    for second in range(SECONDS):
        assert places[text(second + 1).capitalize() + "."] == pytest.approx(second, abs=0.02)
