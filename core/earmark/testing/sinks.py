"""The checks for sinks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from earmark.clock import SystemClock
from earmark.events import Durable
from earmark.host import Kind
from earmark.journal import Journal
from earmark.settings import Secret
from earmark.streams import JournalStream, Position
from earmark.testing.common import Conformance, within
from earmark.testing.samples import one_of_each, utterances
from earmark.testing.subject import Bench


class SinkConformance(Conformance):
    """A sink takes everything, in order, and asks for more only when it has it safe."""

    kind = Kind.SINK

    async def exercise(self, opened: Any, bench: Bench) -> None:
        """Take one event of each kind."""
        await _give(opened, bench, one_of_each())

    def test_it_takes_every_kind_of_event_and_returns_when_there_are_no_more(self, bench: Bench) -> None:
        """All ten kinds, with text of every sort; then the room shuts down."""
        bench.run(self._all)

    async def _all(self, bench: Bench) -> None:
        async with bench.opened() as sink:
            feed = await _give(sink, bench, one_of_each())
        assert feed.acknowledged == len(one_of_each()), "it returned before it had asked for everything"

    def test_it_copes_with_a_room_in_which_nothing_happens(self, bench: Bench) -> None:
        """The stream ends before it has given anything."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as sink:
                await _give(sink, bench, [])

        bench.run(check)

    def test_it_waits_for_events_that_come_later(self, bench: Bench) -> None:
        """The stream is quiet, then goes on."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as sink:
                feed = await Feed.over(bench)
                running = asyncio.create_task(sink.run(feed.stream))
                await asyncio.wait({running}, timeout=0.1)
                assert not running.done(), "it returned although the stream had not ended"
                await bench.journal.append(utterances(3))
                feed.ending.set()
                await within(10, running, "it does not take what comes later")
            assert feed.acknowledged == 3

        bench.run(check)

    def test_it_acknowledges_only_what_has_arrived(self, bench: Bench) -> None:
        """Whenever it asks for more, what it had is where it belongs."""
        if bench.subject.arrived is None:
            pytest.skip("the subject does not say what has `arrived`")
        arrived, early = bench.subject.arrived, set[str]()

        async def check(bench: Bench) -> None:
            async with bench.opened() as sink:
                events = utterances(50)
                feed = await Feed.over(bench)
                feed.look = lambda taken: early.update({e.id for e in events[:taken]} - set(arrived()))
                await bench.journal.append(events)
                feed.ending.set()
                await sink.run(feed.stream)

        bench.run(check)
        assert not early, f"acknowledged before they had arrived: {sorted(early)[:3]}"

    def test_everything_arrives(self, bench: Bench) -> None:
        """Not one event is missing."""
        if bench.subject.arrived is None:
            pytest.skip("the subject does not say what has `arrived`")
        bench.run(self._all)
        missing = {event.id for event in one_of_each()} - set(bench.subject.arrived())
        assert not missing, f"these never arrived: {sorted(missing)}"

    def test_repeats_do_no_harm(self, bench: Bench) -> None:
        """Delivery is at least once: the same events may come again."""

        async def check(bench: Bench) -> None:
            await bench.journal.append(one_of_each())
            for _ in range(2):
                async with bench.opened() as sink:
                    feed = await Feed.over(bench, target=None)
                    feed.ending.set()
                    await sink.run(feed.stream)

        bench.run(check)

    def test_cancelled_in_the_middle_it_goes_on_where_it_was(self, bench: Bench) -> None:
        """What was not acknowledged comes again after it is opened anew."""

        async def check(bench: Bench) -> None:
            await bench.journal.append(utterances(300))
            async with bench.opened() as sink:
                feed = await Feed.over(bench)
                running = asyncio.create_task(sink.run(feed.stream))
                await asyncio.wait({running}, timeout=0.02)
                running.cancel()
                await asyncio.wait({running}, timeout=5)
                assert running.done(), "it does not stop when it is cancelled"
            async with bench.opened() as sink:
                feed = await Feed.over(bench)
                feed.ending.set()
                await sink.run(feed.stream)
            assert feed.position.taken == bench.journal.last

        bench.run(check)
        if bench.subject.arrived is not None:
            missing = {event.id for event in utterances(300)} - set(bench.subject.arrived())
            assert not missing, f"lost in between: {sorted(missing)[:3]}"

    def test_it_takes_a_thousand_events(self, bench: Bench) -> None:
        """After a long outage there is much to catch up with."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as sink:
                feed = await _give(sink, bench, utterances(1000))
            assert feed.acknowledged == 1000

        bench.run(check)

    def test_it_takes_very_long_text(self, bench: Bench) -> None:
        """Nobody promised that people stop."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as sink:
                await _give(sink, bench, utterances(2, text="long " * 20_000))

        bench.run(check)

    def test_its_target_is_stable_and_holds_no_secret(self, bench: Bench) -> None:
        """The cursor belongs to the target, and its name stands in the journal in clear."""

        async def check(bench: Bench) -> None:
            if bench.offer.target is None:
                return
            settings = bench.settings()
            target = bench.offer.target(settings)
            assert target == bench.offer.target(bench.settings())
            secrets = [getattr(settings, name) for name in settings.__struct_fields__]
            assert not [s for s in secrets if isinstance(s, Secret) and s and s.reveal() in target]

        bench.run(check)


class Feed:
    """A sink's stream over a real journal, which notes what is acknowledged."""

    def __init__(self, journal: Journal, position: Position) -> None:
        self.position = position
        self.acknowledged = 0
        self.ending = asyncio.Event()
        self.look = _ignore
        self.stream = JournalStream(journal, position, SystemClock(), self.ending, self._acknowledged)

    @classmethod
    async def over(cls, bench: Bench, *, target: str | None = "here") -> Feed:
        """From where the sink stood before, or from the start."""
        position = Position(bench.journal, sink=bench.subject.offer, target=target, now=0)
        await position.find(from_start=True)
        return cls(bench.journal, position)

    def _acknowledged(self, events: int) -> None:
        self.acknowledged += events
        self.look(self.acknowledged)


def _ignore(taken: int) -> None:
    return None


async def _give(sink: Any, bench: Bench, events: Sequence[Durable]) -> Feed:
    feed = await Feed.over(bench)
    feed.acknowledged = 0
    if events:
        await bench.journal.append(_fresh(events, bench))
    feed.ending.set()
    await sink.run(feed.stream)
    return feed


def _fresh(events: Sequence[Durable], bench: Bench) -> Sequence[Durable]:
    """The events, with other ids if they were given before: the journal drops repeats."""
    if bench.journal.last == 0:
        return events
    return [replace(event, id=f"{event.id}-{bench.journal.last}") for event in events]
