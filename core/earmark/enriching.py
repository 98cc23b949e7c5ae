"""Events on their way through the enrichers, before they are stored or shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from msgspec.structs import fields, replace

from earmark.events import AnyEvent, Event, Hearing
from earmark.hookspecs import Enricher
from earmark.stages import Stage, contained, describe, few
from earmark.tasks import at_work

_ENRICH_SECONDS = 2.0
_REOPEN_SECONDS = 5.0
_TEXTS = ("text", "value", "phrase")


class Enrichment:
    """The enrichers of a room, in the order that the configuration gives."""

    def __init__(self, stages: Sequence[Stage], monotonic: Callable[[], float]) -> None:
        self._links = [_Link(stage, monotonic) for stage in stages]

    def __bool__(self) -> bool:
        return bool(self._links)

    async def enrich(self, event: AnyEvent) -> list[AnyEvent]:
        """What is kept in place of an event."""
        events = [event]
        for link in self._links:
            events = [kept for one in events for kept in await link.enrich(one)]
        return events

    async def close(self) -> None:
        """Close every enricher."""
        for link in self._links:
            await link.close()


class _Link:
    """One enricher, opened when it is first needed and opened again after it failed."""

    def __init__(self, stage: Stage, monotonic: Callable[[], float]) -> None:
        self._stage = stage
        self._monotonic = monotonic
        self._enricher: Any = None
        self._open = AsyncExitStack()
        self._retry_at = 0.0
        self._turn = asyncio.Lock()

    async def enrich(self, event: AnyEvent) -> list[AnyEvent]:
        async with self._turn:
            return await self._enrich(event)

    async def _enrich(self, event: AnyEvent) -> list[AnyEvent]:
        if self._stage.restarts.is_set():
            self._stage.restarts.clear()
            await self.close()
        try:
            enricher = await self._opened()
            if enricher is None:
                return self._without(event)
            with at_work(self._stage):
                given = await contained(lambda: enricher.enrich(event), self._stage.label, "enriching", _ENRICH_SECONDS)
            return [_checked(one) for one in few(given)]
        except Exception as error:  # whatever a plugin raises must not end the room
            self._failed(error)
            await self.close()
            return self._without(event)

    async def _opened(self) -> Enricher | None:
        if self._enricher is None and self._monotonic() >= self._retry_at:
            self._enricher = await self._open.enter_async_context(self._stage.open())
        enricher: Enricher | None = self._enricher
        return enricher

    async def close(self) -> None:
        self._enricher = None
        await self._open.aclose()

    def _failed(self, error: Exception) -> None:
        passes = "text is withheld" if self._stage.offer.on_failure == "withhold" else "events pass without it"
        self._stage.report.fail(f"{self._stage.label} failed, {passes}: {describe(error)}")
        self._stage.log.error("%s", self._stage.report.problem)
        self._retry_at = self._monotonic() + _REOPEN_SECONDS

    def _without(self, event: AnyEvent) -> list[AnyEvent]:
        if self._stage.offer.on_failure != "withhold":
            return [event]
        return withheld(event)


def withheld(event: AnyEvent) -> list[AnyEvent]:
    """The event without its text; live text is not shown at all."""
    if isinstance(event, Hearing):
        return []
    names = {field.name for field in fields(event)}
    changes: dict[str, Any] = {name: "" for name in _TEXTS if name in names and getattr(event, name)}
    if changes and "withheld" in names:
        changes["withheld"] = True
    return [replace(event, **changes)] if changes else [event]


def _checked(event: object) -> AnyEvent:
    if not isinstance(event, Event):
        raise TypeError(f"gave {type(event).__name__} instead of an event")
    return event  # type: ignore[return-value] # every event is one of the union
