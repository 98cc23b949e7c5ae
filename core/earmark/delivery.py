"""From the journal to the sinks: at least once, in order, each at its own pace.

What can happen to a sink, and what is done:

1. It asks for more: what it was given before is acknowledged, and its failures are forgotten.
2. It raises, or returns before the stream ended: it is opened again after a pause and goes on with what was not
   acknowledged.
3. It raises `Refused`: that one event is passed over and counted. Of a batch, the events are given again one by one.
4. It takes nothing for long while events wait: it is named, later cancelled, and opened again. A wait that it has
   announced with `StageReport.waiting` is not held against it.
5. It fails several times in a row: its breaker opens. Now and then it is tried with a single event, and a success
   closes it.
6. The room shuts down: the stream ends after the last event, and only the deadline cancels a sink.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from earmark.clock import Clock
from earmark.hookspecs import Offer
from earmark.journal import Journal
from earmark.room import StageReport
from earmark.sink_runner import Means, OpenSink, Patience, SinkRunner
from earmark.streams import Position


class Delivery:
    """Runs the sinks of a room over its journal."""

    def __init__(
        self, journal: Journal, clock: Clock, *, patience: Patience | None = None, rng: random.Random | None = None
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._ending = asyncio.Event()
        self._means = Means(
            clock=clock,
            patience=patience or Patience(),
            rng=rng or random.Random(),  # noqa: S311 - no secret is drawn
            ending=self._ending,
        )
        self._running: set[asyncio.Task[Any]] = set()

    async def run_sink(
        self,
        offer: Offer[Any],
        open_sink: OpenSink,
        *,
        target: str,
        report: StageReport,
        from_start: bool = False,
    ) -> None:
        """Give a sink every event until the room shuts down, whatever the sink does.

        A target that is new starts with the present conversation, or with everything if `from_start`; a sink without
        a cursor starts at now.
        """
        now, target_kept = self._journal.last, target if offer.cursor else None
        position = Position(self._journal, sink=offer.name, target=target_kept, now=now)
        runner = SinkRunner(offer.name, self._journal, position, self._means, report)
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await runner.run(open_sink, from_start=from_start)
        finally:
            self._running.discard(task)

    async def shutdown(self, deadline_seconds: float) -> None:
        """End every stream after its last event, and cancel the sinks that are not done by the deadline."""
        self._ending.set()
        deadline = asyncio.create_task(self._clock.sleep(deadline_seconds))
        running = set(self._running)
        while running and not deadline.done():
            done, _ = await asyncio.wait({*running, deadline}, return_when=asyncio.FIRST_COMPLETED)
            running -= done
        deadline.cancel()
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
