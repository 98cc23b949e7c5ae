"""One room, wired together and kept alive: source → filters → uplink → enrichers → journal → sinks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from earmark.alive import SignOfLife
from earmark.backoff import delays
from earmark.bus import Bus
from earmark.clock import Clock
from earmark.config import Config
from earmark.controls import STATE_KEY as CONTROLS_KEY
from earmark.controls import RoomControls
from earmark.crew import Crew, restartable, run_until_restart
from earmark.delivery import Delivery
from earmark.door import Doorkeeper
from earmark.ears import Ears
from earmark.enriching import Enrichment
from earmark.errors import JournalError
from earmark.events import AnyEvent, Durable, Hearing, Status, is_durable
from earmark.filters import Chain
from earmark.forgetting import Forgotten, Selection
from earmark.host import Host, Kind
from earmark.journal import Journal
from earmark.journal_rows import Mark
from earmark.lock import hold
from earmark.paths import RoomFolders
from earmark.peers import Peer
from earmark.recorder import Recorder
from earmark.stages import Stage, describe
from earmark.systemd import Notifier
from earmark.tally import Tally
from earmark.tasks import unstoppable
from earmark.uplink import STATE_KEY as UPLINK_KEY
from earmark.uplink import Spool, Uplink
from earmark.vitals import Vitals
from earmark.watchdog import Watchdog

_DRAIN_SECONDS = 20.0
_LEAVE_SECONDS = 8.0
_SINKS_SECONDS = 10.0
_SIGN_SECONDS = 1.0
_AGAIN_SECONDS = 1.0
_TRIM_SECONDS = 6 * 3600.0
_SERVICE_DELAY_SECONDS = 1.0
_MOST_SERVICE_DELAY_SECONDS = 60.0
_MOST_LIVE_TEXTS = 64

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    tally: Tally
    status: Status
    spooled_seconds: float
    """Sound that waits on disk for the next start."""


class Listener:
    """Listens to one room until its source is over or somebody says stop."""

    def __init__(
        self, host: Host, config: Config, *, folders: RoomFolders, clock: Clock, notifier: Notifier | None = None
    ) -> None:
        self._config = config
        self._settings = config.settings
        self._folders = folders
        self._clock = clock
        self._notifier = notifier or Notifier({})
        self.crew = Crew(host, config)
        self._bus = Bus()
        self._changed = asyncio.Event()
        self._control_changed = asyncio.Event()
        self._leaving = False
        self._stopping = False
        self._reason = "source_ended"
        self.ears: Ears | None = None
        self.tally = Tally()
        self.vitals = Vitals(self, room=self._settings.room, clock=clock, notifier=self._notifier)

    # -- from outside ---------------------------------------------------------------------------------------------

    def stop(self, *, leave: bool) -> None:
        """Stop hearing and deliver what was heard.

        The conversation ends, or with `leave` stays joinable for whoever starts next.
        """
        self._leaving = self._leaving or leave
        self._stopping = self.vitals.stopping = True
        self._reason = "stopped"
        if self.ears is not None:
            self.ears.stop()
            self.uplink.hurry()

    async def run(self) -> Outcome:
        """Listen; raises an `EarmarkError` only for what makes listening pointless."""
        self._folders.make()
        asyncio.get_running_loop().set_task_factory(unstoppable)
        watchdog = Watchdog(self.crew.packages, self.crew.blocked)
        with hold(self._folders.state, self._settings.room), watchdog.watching():
            async with AsyncExitStack() as stack:
                await self._move_in(stack)
                await self._listen()
            return Outcome(self.tally, self.status(), self.spool.seconds)

    async def _move_in(self, stack: AsyncExitStack) -> None:
        """Open what the room needs, whoever works in it."""
        settings = self._settings
        self.journal = await stack.enter_async_context(Journal.open(self._folders.journal, clock=self._clock))
        self.recorder = Recorder(self.journal, self._bus, self._clock)
        self.controls = RoomControls(
            self, room=settings.room, clock=self._clock, quiet_hours=settings.quiet_hours, changed=self._wake
        )
        self.controls.restore(await self.journal.state(CONTROLS_KEY))
        self.crew.hire(self._folders, self._clock, self.controls, self._bus, self.journal)
        self._enrichment = Enrichment(self.crew.stages[Kind.ENRICHER], self._clock.monotonic)
        stack.push_async_callback(self._enrichment.close)
        self._peer = Peer(self.crew.transport)
        stack.push_async_callback(self._peer.close)
        self.spool = Spool(
            self._folders.runtime / "spool",
            self._folders.state / "spool",
            seconds=settings.spool.seconds,
            megabytes=settings.spool.megabytes,
            durable=settings.spool.durable,
        )
        stack.callback(self.spool.close)
        self._sign = SignOfLife(self._folders.runtime / "alive", self._clock)
        self._live_texts: asyncio.Queue[AnyEvent] = asyncio.Queue(_MOST_LIVE_TEXTS)
        self.uplink = Uplink(
            room=settings.room,
            transport=self._peer,
            ready=self._peer.open,
            spool=self.spool,
            store=self._store,
            tell=self._tell,
            clock=self._clock,
            live=self.crew.live,
            conversation=settings.conversation,
            spooling=settings.spool,
            changed=self._changed.set,
        )
        keeper = Doorkeeper(self.controls, self.journal, self._bus.watch, self._forget)
        await stack.enter_async_context(keeper.open(self._folders.runtime))

    # -- the run --------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        await self._prepare()
        delivery = Delivery(self.journal, self._clock)
        self._bus.publish(self.status())
        self._notifier.tell(READY="1")
        async with self._helpers(delivery) as sinks:
            try:
                await self._hear()
            finally:
                self._notifier.tell(STOPPING="1")
                self._bus.publish(self.status())
                await delivery.shutdown(_SINKS_SECONDS)
                self._bus.close()
                await asyncio.gather(*sinks, return_exceptions=True)

    async def _prepare(self) -> None:
        """Find where an earlier process stopped, and put the ears on its capture clock."""
        last = self._sign.take()
        kept = await self.journal.state(UPLINK_KEY)
        rejoin = self.crew.live and last is not None and last[0] <= self._settings.conversation.rejoin_within
        self.uplink.restore(kept, rejoin=rejoin)
        heard = base = self.uplink.known_until
        if last is not None:
            away_seconds, sign = last
            heard = max(heard, sign.until)
            base = max(heard, sign.capture + away_seconds)
        self.ears = Ears(
            self.crew.source,
            Chain(self.crew.stages[Kind.FILTER], self._clock.monotonic),
            controls=self.controls,
            control_changed=self._control_changed,
            clock=self._clock,
            base_seconds=base,
            heard_until_seconds=heard if rejoin else None,
            tell=self._bus.publish,
        )
        if self._stopping:
            self.ears.stop()

    @asynccontextmanager
    async def _helpers(self, delivery: Delivery) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Everything that runs beside the way of the sound."""
        background = [
            asyncio.create_task(self._keep_going(name, work), name=f"earmark {name}")
            for name, work in {
                "controls": self.controls.mind,
                "status": lambda: self.vitals.publish(self._bus.publish, self._changed),
                "sign of life": self._give_signs,
                "pulse": self.vitals.beat,
                "retention": self._retain,
                "live text": self._enrich_live,
                "tally": self._count,
            }.items()
        ]
        background += [asyncio.create_task(self._serve(stage)) for stage in self.crew.stages[Kind.SERVICE]]
        sinks = [asyncio.create_task(self._deliver(delivery, stage)) for stage in self.crew.stages[Kind.SINK]]
        try:
            yield sinks
        finally:
            for task in (*background, *sinks):
                task.cancel()
            await asyncio.gather(*background, *sinks, return_exceptions=True)

    async def _keep_going(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do something beside the way of the sound, again if it fails."""
        while True:
            try:
                await work()
                return
            except Exception as error:  # a mistake beside the way of the sound must not go unnoticed, nor stop it
                _log.exception("The room's %s failed and is begun anew: %s", name, describe(error))
                await self._clock.sleep(_AGAIN_SECONDS)

    async def _hear(self) -> None:
        """Hear until the source is over or somebody says stop, then deliver what was heard."""
        hearing = asyncio.create_task(self._take_in(), name="earmark ears")
        saying = asyncio.create_task(self.uplink.run(), name="earmark uplink")
        try:
            await asyncio.wait({hearing, saying}, return_when=asyncio.FIRST_COMPLETED)
            if saying.done():
                saying.result()
            try:
                await hearing
            finally:
                if self._leaving or not hearing.done() or hearing.cancelled() or hearing.exception():
                    self.uplink.stop()
                else:
                    self.uplink.source_ended(self._reason)
                await self._say_the_rest(saying)
        finally:
            for task in (hearing, saying):
                task.cancel()
            await asyncio.gather(hearing, saying, return_exceptions=True)

    async def _say_the_rest(self, saying: asyncio.Task[None]) -> None:
        """Wait for the uplink; a recording is heard to its end, a live room only for so long."""
        limit = _LEAVE_SECONDS if self._leaving else _DRAIN_SECONDS
        while not saying.done():
            patient = not self.crew.live and not self._stopping
            done, _ = await asyncio.wait({saying}, timeout=1.0 if patient else limit)
            if not done and not patient:
                self.uplink.stop()
                await asyncio.wait({saying}, timeout=_LEAVE_SECONDS)
                break
        if saying.done():
            saying.result()

    async def _take_in(self) -> None:
        assert self.ears is not None
        limit = self._settings.conversation.exit_on_silence
        async for item in self.ears.listen():
            await self.uplink.take(item)
            if limit is not None and self.uplink.silent_seconds >= limit and not self._stopping:
                self._reason = "silence"
                self.ears.stop()

    async def _deliver(self, delivery: Delivery, stage: Stage) -> None:
        try:
            target = str(stage.offer.target(stage.settings)) if stage.offer.target else ""
        except (Exception, SystemExit) as error:
            stage.report.fail(f"{stage.label} cannot say where it delivers to: {describe(error)}")
            stage.report.state = "failed"
            stage.log.error("%s", stage.report.problem)
            return
        await delivery.run_sink(
            stage.offer,
            lambda: restartable(stage, self._reader_gone),
            target=target,
            report=stage.report,
            from_start=getattr(stage.settings, "from_", "") == "start",
        )

    def _reader_gone(self) -> None:
        """Stop, if whoever read our output was the only one who did, as in `earmark listen | head`."""
        if len(self.crew.stages[Kind.SINK]) == 1:
            self.stop(leave=False)

    async def _serve(self, stage: Stage) -> None:
        """Run a service, again and again."""
        waits = delays(_SERVICE_DELAY_SECONDS, _MOST_SERVICE_DELAY_SECONDS, self.uplink.rng)
        while True:
            stage.restarts.clear()
            try:
                async with stage.open() as service:
                    await run_until_restart(stage, service.run)
                if stage.restarts.is_set():
                    continue
                stage.report.fail(f"{stage.label} ended by itself.")
            except Exception as error:  # a service's fault must not end the room
                stage.report.fail(f"{stage.label} failed: {describe(error)}")
            stage.log.error("%s", stage.report.problem)
            await self._clock.sleep(next(waits))

    # -- events ---------------------------------------------------------------------------------------------------

    async def _store(self, events: Sequence[Durable], state: Mapping[str, bytes | None]) -> None:
        """Enrich and journal; returns when all is on disk."""
        kept: list[Durable] = []
        for event in events:
            given = await self._enrichment.enrich(event) if self._enrichment else [event]
            kept += [one for one in given if is_durable(one)]  # type: ignore[misc] # live ones are ruled out
        while True:
            try:
                await self.recorder.record(kept, state=state)
                return
            except JournalError as error:
                # As much waits to be written as memory should hold: whoever brought this waits with it.
                _log.warning("%s", error)
                await self._clock.sleep(_AGAIN_SECONDS)

    def _tell(self, event: AnyEvent) -> None:
        """Show live text, through the enrichers where there are any."""
        if not self._enrichment:
            self._bus.publish(event)
            return
        if self._live_texts.full():
            self._live_texts.get_nowait()
        self._live_texts.put_nowait(event)

    async def _enrich_live(self) -> None:
        while True:
            for event in await self._enrichment.enrich(await self._live_texts.get()):
                if isinstance(event, Hearing):
                    self._bus.publish(event)

    async def _count(self) -> None:
        async for event in self._bus.watch(size=4096):
            self.tally.hear(event)

    # -- what the controls need -----------------------------------------------------------------------------------

    async def keep(self, key: str, value: bytes) -> None:
        """Store a state."""
        await self.recorder.record((), state={key: value})

    async def record(self, events: Sequence[Durable]) -> None:
        """Store events."""
        await self._store(events, {})

    async def find_mark(self, mark: str) -> Mark | None:
        """A mark as it is now."""
        return await self.journal.mark(mark)

    def end_conversation(self) -> None:
        """End the conversation."""
        self.uplink.end_conversation()

    def restart_stage(self, stage: str) -> bool:
        """Have a stage closed and opened anew."""
        found = self.crew.restart(stage)
        self._control_changed.set()
        return found

    async def _forget(self, selection: Selection) -> Forgotten:
        if selection.speaker is None:
            await self.uplink.forget(selection.conversation, selection.since, selection.until)
        return await self.journal.forget(selection)

    # -- the state of the room ------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._changed.set()
        self._control_changed.set()

    def status(self) -> Status:
        """How the room is."""
        return self.vitals.status()

    async def _give_signs(self) -> None:
        assert self.ears is not None
        while True:
            with suppress(OSError):
                # What a filter holds back would die with the process: only what the uplink took is accounted for.
                until = min(self.ears.until, self.uplink.taken_until or self.ears.until)
                self._sign.give(capture=self.ears.now, until=until)
            await self._clock.sleep(_SIGN_SECONDS)

    async def _retain(self) -> None:
        settings = self._settings
        while True:
            try:
                await self.journal.trim(days=settings.retain_days, days_by_kind=settings.retain)
            except Exception as error:  # it is tried again; the room goes on
                _log.warning("Old events could not be deleted: %s", describe(error))
            await self._clock.sleep(_TRIM_SECONDS)
