"""Puts an engine together from what plugins offer and what its owner set."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, cast

import msgspec

from earmark.clock import Clock, SystemClock
from earmark.errors import EarmarkError, SettingsError
from earmark.hookspecs import Offer
from earmark.host import Host, Offered
from earmark.room import Room, StageReport
from earmark_engine.engine import Engine, Equipment, Limits
from earmark_engine.hookspecs import DetectorMaker
from earmark_engine.insights.types import Person, Tracker
from earmark_engine.live import Means
from earmark_engine.recognizers.types import RATE, Recognizer
from earmark_engine.store import Store, in_memory
from earmark_engine.tokens import Tokens

SettingsOf = Callable[[Offered], msgspec.Struct]
"""The settings of an offer, from wherever the owner wrote them."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an engine is to be."""

    tokens: Tokens
    recognizer: str = "moonshine"
    detector: str = "linear"
    limits: Limits = field(default_factory=Limits)
    file: Path | None = None
    """Where conversations are kept; in memory only, if not set."""
    remembered: int = 200
    """How many conversations that are over are kept in memory, where there is no file."""
    people: tuple[str, ...] = ()
    owner: str | None = None
    trackers: tuple[Tracker, ...] = ()


@asynccontextmanager
async def open_engine(plan: Plan, *, host: Host, settings_of: SettingsOf, room: Room) -> AsyncIterator[Engine]:
    """An engine that works while the body runs; raises `EarmarkError` where it cannot."""
    async with AsyncExitStack() as stack:
        recognizer = await _enter(stack, host.find("recognizer", plan.recognizer), settings_of, room)
        detector = await _enter(stack, host.find("detector", plan.detector), settings_of, room)
        store = await stack.enter_async_context(_store(plan))
        means = Means(
            store=store,
            detector=cast("DetectorMaker", detector),
            clock=room.clock,
            people=tuple(Person(name=name) for name in plan.people),
            owner=Person(name=plan.owner) if plan.owner else None,
            saved_trackers=plan.trackers,
        )
        equipment = Equipment(
            tokens=plan.tokens,
            recognizer=cast("Recognizer", recognizer),
            means=means,
            limits=plan.limits,
            clock=room.clock,
            log=room.log,
            lasting=plan.file is not None,
        )
        await equipment.recognizer.ready()
        yield await stack.enter_async_context(Engine(equipment).running())


async def _enter(stack: AsyncExitStack, offered: Offered, settings_of: SettingsOf, room: Room) -> object:
    offer: Offer[Any] = offered.offer
    return await stack.enter_async_context(offer.open(settings_of(offered), room))


def _store(plan: Plan) -> AbstractAsyncContextManager[Store]:
    if plan.file is None:
        return in_memory(remembered=plan.remembered)
    from earmark_engine.sqlite import open_sqlite

    return open_sqlite(plan.file)


def converted(tables: Mapping[str, Mapping[str, Any]]) -> SettingsOf:
    """Settings from tables that stand inside of the engine's own, by the names of the offers."""

    def settings_of(offered: Offered) -> msgspec.Struct:
        try:
            return msgspec.convert(dict(tables.get(offered.name, {})), offered.offer.settings)
        except msgspec.MsgspecError as error:
            raise SettingsError(
                f"[engine.{offered.name}]: {error}. `earmark plugins` lists what can be set."
            ) from error

    return settings_of


def alone(log: logging.Logger, folder: Path, clock: Clock | None = None) -> Room:
    """A room for an engine that stands alone: a place to work in, and nobody to listen to."""
    nobody = cast("Any", _Nobody())
    return Room(
        name="engine",
        rate=RATE,
        folder=folder,
        runtime=folder,
        clock=clock or SystemClock(),
        log=log,
        controls=nobody,
        watch=nobody,
        stage=StageReport(kind="service", name="engine"),
        archive=nobody,
    )


class _Nobody:
    """Stands where a room would have something that an engine alone has not."""

    def __getattr__(self, name: str) -> NoReturn:
        raise EarmarkError(f"An engine that stands alone has no '{name}': it listens to no room.")
