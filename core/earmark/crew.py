"""Everybody who works in a room: stages made from the configuration, and what each tells of itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from earmark.bus import Bus
from earmark.clock import Clock
from earmark.config import Chosen, Config
from earmark.errors import PluginError
from earmark.events import StageStatus
from earmark.hookspecs import EventStream, Sink
from earmark.host import Host, Kind
from earmark.paths import RoomFolders
from earmark.room import Archive, Controls, Room, StageReport, Watch
from earmark.stages import Stage

_KINDS = (Kind.SOURCE, Kind.FILTER, Kind.TRANSPORT, Kind.ENRICHER, Kind.SINK, Kind.SERVICE)


class Crew:
    """The stages of one room."""

    def __init__(self, host: Host, config: Config) -> None:
        """Look everything up and decode every setting; raises `SettingsError` before anything is opened."""
        config.check(host)
        self._config = config
        self._chosen: dict[Kind, list[Chosen]] = {kind: config.chosen(host, kind) for kind in _KINDS}
        self.stages: dict[Kind, list[Stage]] = {}

    @property
    def live(self) -> bool:
        """Whether sound is lost when nobody takes it."""
        return self._chosen[Kind.SOURCE][0].offered.offer.live

    def hire(self, folders: RoomFolders, clock: Clock, controls: Controls, bus: Bus, archive: Archive) -> None:
        """Give every stage its room."""
        for kind, chosen in self._chosen.items():
            self.stages[kind] = [
                Stage(
                    kind=kind.value,
                    name=one.offered.name,
                    offer=one.offered.offer,
                    settings=one.settings,
                    room=self._room(kind, one.offered.name, folders, clock, controls, bus, archive),
                )
                for one in chosen
            ]

    def _room(
        self, kind: Kind, name: str, folders: RoomFolders, clock: Clock, controls: Controls, bus: Bus, archive: Archive
    ) -> Room:
        settings = self._config.settings
        watch: Watch = bus.watch
        return Room(
            name=settings.room,
            rate=settings.rate,
            folder=folders.state / f"{kind.value}-{name}",
            runtime=folders.runtime,
            clock=clock,
            log=logging.getLogger(f"earmark.{name}"),
            controls=controls,
            watch=watch,
            stage=StageReport(kind=kind.value, name=name),
            archive=archive,
            people=settings.people,
            owner=settings.owner,
        )

    @property
    def source(self) -> Stage:
        """Where sound comes from."""
        return self.stages[Kind.SOURCE][0]

    @property
    def transport(self) -> Stage:
        """The way to the speech service."""
        return self.stages[Kind.TRANSPORT][0]

    def all(self) -> Iterator[Stage]:
        """Every stage, in the order of the way of the data."""
        for kind in _KINDS:
            yield from self.stages.get(kind, [])

    def restart(self, name: str) -> bool:
        """Have the stages of a name closed and opened anew; whether there are any."""
        found = [stage for stage in self.all() if stage.name == name]
        for stage in found:
            stage.restarts.set()
        return bool(found)

    def statuses(self) -> tuple[StageStatus, ...]:
        """How each is doing."""
        return tuple(_status(stage.report) for stage in self.all())

    def problems(self) -> list[str]:
        """What is wrong just now with any of them."""
        return [stage.report.problem for stage in self.all() if stage.report.problem]


def _status(report: StageReport) -> StageStatus:
    return StageStatus(
        kind=report.kind,
        name=report.name,
        state="waiting" if report.wait_name and report.state == "running" else report.state,
        reason=report.problem or report.wait_name,
        failures=report.failures,
        refused=report.refused,
        delivered=report.delivered,
        lag=report.lag,
        counters=dict(report.counters),
        details=dict(report.details),
    )


@asynccontextmanager
async def restartable(stage: Stage, reader_gone: Callable[[], None]) -> AsyncIterator[Sink]:
    """The stage's sink, which gives up where it is when a restart is asked for."""
    async with stage.open() as sink:
        yield _Restartable(stage, sink, reader_gone)


class _Restartable:
    def __init__(self, stage: Stage, sink: Any, reader_gone: Callable[[], None]) -> None:
        self._stage = stage
        self._sink = sink
        self._reader_gone = reader_gone

    async def run(self, events: EventStream) -> None:
        running = asyncio.ensure_future(self._sink.run(events))
        asked = asyncio.ensure_future(self._stage.restarts.wait())
        try:
            await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
                return
            self._stage.restarts.clear()
            raise PluginError(f"{self._stage.label} is restarted because somebody asked for it.")
        except BrokenPipeError:
            self._reader_gone()
            raise
        finally:
            for future in (running, asked):
                future.cancel()
            await asyncio.gather(running, asked, return_exceptions=True)
