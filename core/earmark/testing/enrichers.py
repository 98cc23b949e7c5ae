"""The checks for enrichers."""

from __future__ import annotations

import asyncio
from typing import Any

from earmark.clock import moment
from earmark.events import AnyEvent, Event, Hearing, is_durable
from earmark.host import Kind
from earmark.testing.common import Conformance, within
from earmark.testing.samples import BEGAN, one_of_each, utterances
from earmark.testing.subject import Bench

_SECONDS = 1.0
HEARING = Hearing(room="test-room", conversation="c1", at=moment(BEGAN), text="Can you call 020 7946", final=False)


class EnricherConformance(Conformance):
    """An enricher takes any event and gives events, soon, and the same for the same."""

    kind = Kind.ENRICHER

    async def exercise(self, opened: Any, bench: Bench) -> None:
        """Take one event of each kind."""
        for event in one_of_each():
            await opened.enrich(event)

    def test_it_gives_events_for_every_kind(self, bench: Bench) -> None:
        """Each event becomes a sequence of events, and soon."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as enricher:
                for event in one_of_each():
                    assert all(isinstance(one, Event) for one in await enriched(enricher, event))

        bench.run(check)

    def test_live_text_passes_through_it(self, bench: Bench) -> None:
        """What is hidden in the journal must not be shown while it is recognised."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as enricher:
                given = await enriched(enricher, HEARING)
            assert all(isinstance(one, Hearing) for one in given), "live text becomes live text, or nothing"

        bench.run(check)

    def test_what_it_changes_keeps_its_id(self, bench: Bench) -> None:
        """Consumers drop repeats by `id`: the changed event is the same event."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as enricher:
                for event in one_of_each():
                    given = await enriched(enricher, event)
                    ids = [one.id for one in given]
                    same = [one for one in given if type(one) is type(event)]
                    assert not same or event.id in ids, f"{type(event).__name__} has lost its id"
                    assert len(set(ids)) == len(ids) and "" not in ids, "new events need ids of their own"

        bench.run(check)

    def test_what_it_gives_is_of_the_same_room_and_conversation(self, bench: Bench) -> None:
        """Also what it adds."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as enricher:
                for event in one_of_each():
                    for one in await enriched(enricher, event):
                        assert (one.room, one.conversation) == (event.room, event.conversation)

        bench.run(check)

    def test_what_is_kept_stays_kept(self, bench: Bench) -> None:
        """A durable event does not become a live one."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as enricher:
                for event in one_of_each():
                    assert all(is_durable(one) for one in await enriched(enricher, event))

        bench.run(check)

    def test_the_same_event_again_gives_the_same(self, bench: Bench) -> None:
        """After a crash an event may come twice; its id must lead to the same text."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as enricher:
                for event in one_of_each():
                    assert await enriched(enricher, event) == await enriched(enricher, event)

        bench.run(check)

    def test_it_copes_with_any_text(self, bench: Bench) -> None:
        """Nothing, much, and signs of every sort."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as enricher:
                for text in ("", " ", "word " * 5000, "\x00\x1b[31m\u2028🎧" * 10, "1" * 2000, "a@" * 2000):
                    await enriched(enricher, utterances(1, text=text.replace("{", "").replace("}", ""))[0])

        bench.run(check)

    def test_it_is_asked_several_things_at_once(self, bench: Bench) -> None:
        """Live text comes while an event is still at work."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as enricher:
                alone = [await enriched(enricher, event) for event in one_of_each()]
                together = await asyncio.gather(*(enriched(enricher, event) for event in one_of_each()))
                assert together == alone

        bench.run(check)


async def enriched(enricher: Any, event: AnyEvent) -> list[AnyEvent]:
    """What an enricher gives for an event."""
    return list(await within(_SECONDS, enricher.enrich(event), "it gives nothing"))
