"""Something to hear and something to tell: frames and one event of each kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import numpy as np
from msgspec.structs import replace

from earmark.audio import Cause, Frame
from earmark.clock import moment
from earmark.events import (
    Change,
    ConversationEnded,
    ConversationStarted,
    Durable,
    Entity,
    Gap,
    Insight,
    InsightKind,
    MarkChanged,
    Sentiment,
    SentimentHeard,
    Speaker,
    Topic,
    TrackerHit,
    Utterance,
)

BEGAN = 1_700_000_000.0
_HARD = "Ünïcode — 日本語 🎧 \x1b[31mred\x1b[0m \x00 <b>& \"quotes\" 'too'\n"


def noise(seconds: float, *, rate: int = 16_000, block: int = 1600, first: int = 0, seed: int = 1) -> list[Frame]:
    """Quiet noise in blocks, the same for the same place."""
    count = round(seconds * rate / block)
    return [
        Frame(
            samples=np.random.default_rng([seed, first + n]).integers(-3000, 3000, block).astype(np.int16),
            rate=rate,
            position=(first + n) * block,
            at=BEGAN + (first + n) * block / rate,
        )
        for n in range(count)
    ]


def utterances(count: int, *, conversation: str = "c1", text: str = "Sentence {n}.") -> list[Durable]:
    """Sentences that follow each other."""
    return [
        Utterance(
            id=f"u{n}",
            room="test-room",
            conversation=conversation,
            at=moment(BEGAN + n),
            text=text.format(n=n),
            start=float(n),
            end=n + 0.9,
        )
        for n in range(count)
    ]


def one_of_each() -> list[Durable]:
    """One event of each durable kind, with all that they can say."""
    at, ada = moment(BEGAN), Speaker(name="Ada", id="s1", user_id="ada@example.org")
    common: dict[str, Any] = {"room": "test-room", "conversation": "c1", "at": at}
    good = Sentiment(score=0.8, suggested="positive")
    made: Iterable[Durable] = (
        ConversationStarted(**common, title="Breakfast"),
        Utterance(
            **common, text="Can you call 020 7946 0018 tomorrow?", start=0.5, end=2.0, speaker=ada, confidence=0.9
        ),
        Insight(
            **common,
            mark="m1",
            kind=InsightKind.ACTION_ITEM,
            text="Call the plumber",
            speaker=ada,
            assignee=Speaker(name="Grace"),
            due=at + timedelta(days=1),
            utterance="e1",
            start=0.5,
            confidence=0.7,
        ),
        Insight(**common, mark="m2", kind=InsightKind.QUESTION, text="Can you call?"),
        Insight(**common, mark="m3", kind=InsightKind.FOLLOW_UP, text="Come back to it", withheld=True),
        MarkChanged(**common, mark="m1", change=Change.DONE, by="cli"),
        SentimentHeard(**common, utterance="e1", sentiment=good),
        Topic(**common, text="plumbing", score=0.5, utterances=("e1",)),
        TrackerHit(**common, tracker="help", phrase="call", text="Can you call", utterance="e1"),
        Entity(**common, kind="person", value="Ada", category="name", utterance="e1"),
        Gap(**common, start=2.0, seconds=0.5, cause=Cause.OVERRUN),
        Utterance(**common, text=_HARD, start=3.0, end=4.0),
        Utterance(**common, text="", start=4.0, end=4.0, withheld=True),
        ConversationEnded(**common, reason="silence", seconds=60.0),
    )
    return [replace(event, id=f"e{n}") for n, event in enumerate(made)]
