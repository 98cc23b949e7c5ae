"""Events of made-up conversations, and sinks that behave in all the ways there are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

from earmark import Offer, Sink
from earmark.audio import Cause
from earmark.events import (
    AnyEvent,
    Change,
    ConversationEnded,
    ConversationStarted,
    Durable,
    Gap,
    Insight,
    InsightKind,
    MarkChanged,
    Speaker,
    Topic,
    Utterance,
)
from earmark.hookspecs import EventStream

BEGAN = datetime(2026, 3, 14, 18, 30, tzinfo=UTC)
ANN, BEN = Speaker(name="Ann"), Speaker(name="Ben")


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def said(
    name: str, text: str = "Good evening.", *, start: float = 0.0, conversation: str = "c1", by: Speaker = ANN
) -> Utterance:
    return Utterance(
        id=name,
        room="kitchen",
        conversation=conversation,
        at=at(start),
        text=text,
        start=start,
        end=start + 4,
        speaker=by,
    )


def began(conversation: str = "c1", *, start: float = 0.0, title: str | None = None) -> ConversationStarted:
    return ConversationStarted(
        id=f"{conversation}-began", room="kitchen", conversation=conversation, at=at(start), title=title
    )


def ended(conversation: str = "c1", *, start: float = 60.0, seconds: float = 60.0) -> ConversationEnded:
    return ConversationEnded(
        id=f"{conversation}-ended",
        room="kitchen",
        conversation=conversation,
        at=at(start),
        reason="silence",
        seconds=seconds,
    )


def marked(
    mark: str,
    text: str,
    *,
    kind: InsightKind = InsightKind.ACTION_ITEM,
    of: Utterance | None = None,
    revision: int = 0,
    assignee: Speaker | None = None,
    due: datetime | None = None,
    due_has_time: bool = True,
) -> Insight:
    return Insight(
        id=f"{mark}-{revision}",
        room="kitchen",
        conversation=of.conversation if of else "c1",
        at=of.at if of else BEGAN,
        mark=mark,
        kind=kind,
        text=text,
        revision=revision,
        utterance=of.id if of else None,
        speaker=of.speaker if of else None,
        assignee=assignee,
        due=due,
        due_has_time=due_has_time,
    )


def changed(mark: str, change: Change, *, text: str | None = None, start: float = 30.0) -> MarkChanged:
    return MarkChanged(
        id=f"{mark}-{change}-{start}",
        room="kitchen",
        conversation="c1",
        at=at(start),
        mark=mark,
        change=change,
        by="cli",
        text=text,
    )


def about(text: str, *utterances: Utterance, score: float = 0.5) -> Topic:
    return Topic(
        id=f"topic-{text}",
        room="kitchen",
        conversation="c1",
        at=BEGAN,
        text=text,
        score=score,
        utterances=tuple(utterance.id for utterance in utterances),
    )


def missing(start: float, seconds: float) -> Gap:
    return Gap(
        id=f"gap-{start}",
        room="kitchen",
        conversation="c1",
        at=at(start),
        start=start,
        seconds=seconds,
        cause=Cause.SPOOL_FULL,
    )


def sentences(first: int, last: int) -> list[Durable]:
    return [said(f"u{number}", f"sentence number {number}", start=number) for number in range(first, last)]


class Taker:
    """A sink that takes events in its own manner; everything it ever took is in `taken`."""

    def __init__(self, manner: Callable[[AnyEvent], object] = lambda event: None, *, batch: int = 0) -> None:
        self.taken: list[str] = []
        """What it was done with, so that asking for more acknowledges it."""
        self.opened = 0
        self.batches: list[int] = []
        self._manner = manner
        self._batch = batch

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Sink]:
        self.opened += 1
        yield self

    async def run(self, events: EventStream) -> None:
        if self._batch:
            async for batch in events.batches(self._batch):
                self.batches.append(len(batch))
                for event in batch:
                    await self._take(event)
        else:
            async for event in events:
                await self._take(event)

    async def _take(self, event: AnyEvent) -> None:
        answer = self._manner(event)
        if asyncio.iscoroutine(answer):
            await answer
        self.taken.append(event.id)


def offer_of(name: str, *, cursor: bool = True) -> Offer[Sink]:
    def never(settings: object, room: object) -> AbstractAsyncContextManager[Sink]:
        raise AssertionError("the tests open their sinks themselves")

    return Offer(name, "A sink of the tests.", never, cursor=cursor)


async def until(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    """Return once it is so; fails when it takes too long."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)
