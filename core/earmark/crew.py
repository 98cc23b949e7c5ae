"""Everybody who works in a room: stages made from the configuration, and what each tells of itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
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
from earmark.stages import Stage, guarded
from earmark.tasks import at_work
from earmark.watchdog import Blocked

_KINDS = (Kind.SOURCE, Kind.FILTER, Kind.TRANSPORT, Kind.ENRICHER, Kind.SINK, Kind.SERVICE)


class Crew:
    """The stages of one room."""

    def __init__(self, host: Host, config: Config) -> None:
        """Look everything up and decode every setting; raises `SettingsError` before anything is opened."""
        config.check(host)
        self._config = config
        self._chosen: dict[Kind, list[Chosen]] = {kind: config.chosen(host, kind) for kind in _KINDS}
        self.stages: dict[Kind, list[Stage]] = {}
        self.notices: dict[str, str] = {}
        """What each plugin did last to the whole room, in a sentence; shown until the plugin's stage is restarted."""

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

    def packages(self) -> dict[str, str]:
        """The package that each chosen plugin's code lies in, and the plugin's name."""
        found = {}
        for chosen in (one for several in self._chosen.values() for one in several):
            module = getattr(chosen.offered.offer.open, "__module__", "") or ""
            found[module.rpartition(".")[0] or module] = chosen.offered.plugin
        return found

    def blocked(self, blocked: Blocked) -> None:
        """Hold it against a plugin's stages that it held up the event loop."""
        for kind, several in self._chosen.items():
            for chosen, stage in zip(several, self.stages.get(kind, ()), strict=False):
                if chosen.offered.plugin == blocked.plugin:
                    stage.report.count("blocked_loop")
                    stage.report.count("blocked_seconds", round(blocked.seconds, 3))
                    self.notices[chosen.offered.plugin] = blocked.sentence

    def restart(self, name: str) -> bool:
        """Have the stages of a name closed and opened anew; whether there are any."""
        found = [stage for stage in self.all() if stage.name == name]
        for stage in found:
            stage.restarts.set()
        if found:
            self.notices.clear()
        return bool(found)

    def statuses(self) -> tuple[StageStatus, ...]:
        """How each is doing."""
        return tuple(_status(stage.report) for stage in self.all())

    def problems(self) -> list[str]:
        """What is wrong just now with any of them."""
        return [stage.report.problem for stage in self.all() if stage.report.problem] + list(self.notices.values())


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
        try:
            await run_until_restart(self._stage, lambda: self._sink.run(events))
        except BrokenPipeError:
            self._reader_gone()
            raise
        if self._stage.restarts.is_set():
            self._stage.restarts.clear()
            raise PluginError(f"{self._stage.label} is restarted because somebody asked for it.")


async def run_until_restart(stage: Stage, run: Callable[[], Awaitable[None]]) -> None:
    """Run what a stage does until it ends, fails, or somebody asks for it to be opened anew."""
    with at_work(stage):
        running = asyncio.ensure_future(guarded(run, stage.label, "running"))
    asked = asyncio.ensure_future(stage.restarts.wait())
    try:
        await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for future in (running, asked):
            future.cancel()
        await asyncio.gather(running, asked, return_exceptions=True)
