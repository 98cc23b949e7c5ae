"""From the journal to sinks that behave in all the ways there are."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from earmark import Refused
from earmark.clock import SystemClock
from earmark.delivery import Delivery
from earmark.events import AnyEvent
from earmark.hookspecs import EventStream
from earmark.journal import Journal, Selection
from earmark.room import StageReport
from earmark.sink_runner import Patience
from tests.core.talk import Taker, began, ended, offer_of, said, sentences, until

QUICK = Patience(
    first_delay_seconds=0.001,
    longest_delay_seconds=0.005,
    notice_seconds=0.05,
    hang_seconds=0.15,
    check_seconds=0.01,
    give_up_seconds=0.05,
    breaker_failures=4,
    breaker_seconds=0.02,
)
CLOCK = SystemClock()


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path / "journal.db", clock=CLOCK) as journal:
        yield journal


class House:
    """A delivery and the sinks that run on it."""

    def __init__(self, journal: Journal) -> None:
        self.delivery = Delivery(journal, CLOCK, patience=QUICK, rng=random.Random(1))
        self.tasks: list[asyncio.Task[None]] = []

    def run(
        self, taker: Taker, *, name: str = "taker", target: str = "", cursor: bool = True, from_start: bool = False
    ) -> StageReport:
        report = StageReport("sink", name)
        run = self.delivery.run_sink(
            offer_of(name, cursor=cursor), taker.open, target=target, report=report, from_start=from_start
        )
        self.tasks.append(asyncio.create_task(run))
        return report

    async def close(self, deadline_seconds: float = 5.0) -> None:
        await self.delivery.shutdown(deadline_seconds)
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def house(journal: Journal) -> AsyncIterator[House]:
    house = House(journal)
    yield house
    await house.close()


def names(first: int, last: int) -> list[str]:
    return [f"u{number}" for number in range(first, last)]


# -- where a sink starts --------------------------------------------------------------------------------------------


async def test_a_new_target_starts_with_the_present_conversation(journal: Journal, house: House) -> None:
    await journal.append([began("c1"), said("old"), ended("c1"), began("c2"), said("u0", conversation="c2")])
    house.run(taker := Taker())
    await journal.append([said("u1", conversation="c2")])
    await until(lambda: taker.taken == ["c2-began", "u0", "u1"])


async def test_a_new_target_starts_at_now_where_no_conversation_goes_on(journal: Journal, house: House) -> None:
    await journal.append([began("c1"), said("old"), ended("c1")])
    report = house.run(taker := Taker())
    await until(lambda: report.state == "running")
    await journal.append(sentences(0, 2))
    await until(lambda: taker.taken == names(0, 2))


async def test_a_new_target_misses_nothing_that_is_journaled_while_it_starts(journal: Journal, house: House) -> None:
    house.run(taker := Taker())
    await asyncio.sleep(0)
    await journal.append([said("gap", conversation=""), began("c1"), said("u1", conversation="c1")])
    await until(lambda: taker.taken == ["gap", "c1-began", "u1"])


async def test_a_new_target_starts_with_everything_if_asked_to(journal: Journal, house: House) -> None:
    await journal.append([began("c1"), said("old"), ended("c1")])
    house.run(taker := Taker(), from_start=True)
    await until(lambda: taker.taken == ["c1-began", "old", "c1-ended"])


async def test_a_sink_without_a_cursor_starts_at_now(journal: Journal, house: House) -> None:
    await journal.append([began("c1"), said("old")])
    report = house.run(taker := Taker(), cursor=False)
    await until(lambda: report.state == "running")
    await journal.append(sentences(0, 2))
    await until(lambda: taker.taken == names(0, 2))
    assert await journal.cursor("taker", "") is None


async def test_each_target_has_a_cursor_of_its_own(journal: Journal) -> None:
    await journal.append(sentences(0, 3))
    for target, expected in (("a", names(0, 3)), ("a", []), ("b", names(0, 3))):
        house = House(journal)
        house.run(taker := Taker(), target=target)
        await house.close()
        assert taker.taken == expected


async def test_a_sink_goes_on_where_it_stood_before_the_restart(tmp_path: Path) -> None:
    takers = [Taker(), Taker()]
    for number, taker in enumerate(takers):
        async with Journal.open(tmp_path / "journal.db", clock=CLOCK) as journal:
            await journal.append(sentences(number * 5, number * 5 + 5))
            house = House(journal)
            house.run(taker)
            await house.close()
    assert [taker.taken for taker in takers] == [names(0, 5), names(5, 10)]


# -- acknowledging --------------------------------------------------------------------------------------------------


async def test_an_event_is_acknowledged_when_the_next_is_asked_for_and_not_before(
    journal: Journal, house: House
) -> None:
    gate = asyncio.Event()
    await journal.append(sentences(0, 3))
    taker = Taker(lambda event: gate.wait() if event.id == "u1" else None)
    report = house.run(taker)
    await until(lambda: report.delivered == 1)
    assert await journal.cursor("taker", "") == 1
    gate.set()
    await until(lambda: report.delivered == 3)
    assert await journal.cursor("taker", "") == 3
    assert report.lag == 0


async def test_a_batch_is_acknowledged_as_a_whole(journal: Journal, house: House) -> None:
    await journal.append(sentences(0, 25))
    report = house.run(taker := Taker(batch=10))
    await until(lambda: report.delivered == 25)
    assert taker.taken == names(0, 25)
    assert taker.batches == [10, 10, 5]


async def test_a_cancelled_wait_for_the_next_event_loses_nothing(journal: Journal, house: House) -> None:
    class Impatient(Taker):
        async def run(self, events: EventStream) -> None:
            stream = aiter(events)
            while True:
                try:
                    self.taken.append((await asyncio.wait_for(anext(stream), 0.005)).id)
                except TimeoutError:
                    continue
                except StopAsyncIteration:
                    return

    house.run(taker := Impatient())
    for number in range(10):
        await journal.append(sentences(number, number + 1))
        await asyncio.sleep(0.008)
    await until(lambda: taker.taken == names(0, 10))


async def test_events_that_were_forgotten_are_passed_over(journal: Journal, house: House) -> None:
    await journal.append(sentences(0, 3))
    report = house.run(taker := Taker())
    await until(lambda: report.delivered == 3)
    gate = asyncio.Event()
    house.run(slow := Taker(lambda event: gate.wait()), name="slow")
    await until(lambda: slow.opened)
    await journal.forget(Selection())
    gate.set()
    await until(lambda: house.tasks and slow.taken)
    await journal.append(sentences(7, 9))
    await until(lambda: taker.taken == names(0, 3) + names(7, 9) and slow.taken[-2:] == names(7, 9))


async def test_a_sink_that_finds_only_forgotten_events_has_nothing_to_catch_up_with(
    journal: Journal, house: House
) -> None:
    await journal.append(sentences(0, 3))
    await journal.forget(Selection())
    report = house.run(taker := Taker(), from_start=True)
    async with asyncio.timeout(20):
        while await journal.cursor("taker", "") != 3:
            await asyncio.sleep(0.002)
    await until(lambda: report.state == "running" and report.lag == 0)
    assert taker.taken == []


# -- sinks under fire -----------------------------------------------------------------------------------------------


def raising_for(name: str, times: int, error: Callable[[], Exception]) -> Callable[[AnyEvent], object]:
    left = [times]

    def manner(event: AnyEvent) -> None:
        if event.id == name and left[0]:
            left[0] -= 1
            raise error()

    return manner


async def test_a_sink_that_raises_is_opened_again_and_goes_on_with_that_event(journal: Journal, house: House) -> None:
    await journal.append(sentences(0, 5))
    report = house.run(taker := Taker(raising_for("u2", 2, lambda: OSError("the broker is gone"))))
    await until(lambda: report.delivered == 5)
    assert taker.taken == names(0, 5)
    assert (taker.opened, report.failures, report.problem) == (3, 2, None)


async def test_the_same_failure_is_logged_once_until_the_sink_works_again(
    journal: Journal, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await journal.append(sentences(0, 2))
    report = house.run(Taker(raising_for("u1", 6, lambda: OSError("the broker is gone"))))
    await until(lambda: report.delivered == 2)
    assert [record.levelname for record in caplog.records if "broker is gone" in record.message] == ["WARNING"]
    assert "takes events again" in caplog.text


async def test_after_a_success_the_pauses_are_short_again(journal: Journal) -> None:
    house = House(journal)
    house.delivery = Delivery(
        journal, CLOCK, patience=Patience(first_delay_seconds=0.001, longest_delay_seconds=1e6, check_seconds=0.01)
    )
    failed: set[str] = set()

    def once_each(event: AnyEvent) -> None:
        if event.id not in failed:
            failed.add(event.id)
            raise OSError("the broker is gone")

    await journal.append(sentences(0, 30))
    report = house.run(Taker(once_each))
    await until(lambda: report.delivered == 30)
    assert report.failures == 30
    await house.close()


async def test_a_sink_that_returns_early_has_failed(journal: Journal, house: House) -> None:
    class Leaver(Taker):
        async def run(self, events: EventStream) -> None:
            self.taken.append((await anext(aiter(events))).id)

    await journal.append(sentences(0, 2))
    report = house.run(taker := Leaver())
    await until(lambda: report.failures >= 3)
    assert "more events will come" in str(report.problem)
    assert set(taker.taken) == {"u0"}, "what was not asked past is not acknowledged"


async def test_a_sink_that_cannot_be_opened_is_tried_again(journal: Journal, house: House) -> None:
    tries = []

    class Closed(Taker):
        @asynccontextmanager
        async def open(self) -> AsyncIterator[Taker]:
            tries.append(1)
            if len(tries) < 3:
                raise ConnectionRefusedError("nobody there")
            yield self

    await journal.append(sentences(0, 2))
    report = house.run(taker := Closed())
    await until(lambda: report.delivered == 2)
    assert taker.taken == names(0, 2)
    assert report.failures == 2


async def test_an_event_that_is_refused_is_counted_and_passed_over(journal: Journal, house: House) -> None:
    await journal.append(sentences(0, 5))
    report = house.run(taker := Taker(raising_for("u2", 99, lambda: Refused("too long"))))
    await until(lambda: report.delivered == 4)
    assert taker.taken == ["u0", "u1", "u3", "u4"]
    assert (report.refused, report.failures, report.lag) == (1, 0, 0)


async def test_of_a_refused_batch_only_the_event_that_is_refused_is_passed_over(journal: Journal, house: House) -> None:
    await journal.append(sentences(0, 30))
    report = house.run(taker := Taker(raising_for("u7", 99, lambda: Refused("too long")), batch=10))
    await until(lambda: report.delivered == 29)
    assert set(taker.taken) == set(names(0, 30)) - {"u7"}
    assert report.refused == 1
    assert taker.batches[-2:] == [10, 10], "after it, batches are whole again"


async def test_a_refusal_from_within_a_task_group_counts_as_one(journal: Journal, house: House) -> None:
    await journal.append(sentences(0, 2))
    refusing = raising_for("u0", 99, lambda: ExceptionGroup("tasks", [Refused("too long")]))
    report = house.run(taker := Taker(refusing))
    await until(lambda: report.delivered == 1)
    assert (taker.taken, report.refused) == (["u1"], 1)


async def test_a_sink_that_hangs_is_named_cancelled_and_opened_again(journal: Journal, house: House) -> None:
    hangs = [asyncio.Event().wait]

    def manner(event: AnyEvent) -> Awaitable[object] | None:
        return hangs.pop()() if hangs else None

    await journal.append(sentences(0, 3))
    report = house.run(taker := Taker(manner))
    await until(lambda: report.problem)
    assert "taker is slow or hangs" in str(report.problem)
    await until(lambda: report.delivered == 3)
    assert taker.taken == names(0, 3)
    assert (taker.opened, report.failures, report.problem) == (2, 1, None)


async def test_a_sink_that_will_not_even_be_cancelled_is_left_behind_and_can_acknowledge_nothing(
    journal: Journal, house: House
) -> None:
    let_go = asyncio.Event()
    stubborn = [True]

    async def manner(event: AnyEvent) -> None:
        while stubborn:
            stubborn.pop()
            while not let_go.is_set():
                try:
                    await let_go.wait()
                except asyncio.CancelledError:
                    continue

    await journal.append(sentences(0, 3))
    report = house.run(taker := Taker(lambda event: manner(event) if stubborn else None))
    await until(lambda: report.delivered == 3)
    assert taker.taken == names(0, 3)
    let_go.set()
    await until(lambda: taker.taken == [*names(0, 3), "u0"])
    assert report.delivered == 3


async def test_a_wait_that_was_announced_is_no_hang(journal: Journal, house: House) -> None:
    report = StageReport("sink", "taker")
    gate = asyncio.Event()

    async def manner(event: AnyEvent) -> None:
        report.waiting("for the broker", CLOCK.monotonic() + 60)
        await gate.wait()

    taker = Taker(manner)
    await journal.append(sentences(0, 1))
    house.tasks.append(
        asyncio.create_task(house.delivery.run_sink(offer_of("taker"), taker.open, target="", report=report))
    )
    await asyncio.sleep(QUICK.hang_seconds * 2)
    gate.set()
    await until(lambda: report.delivered == 1)
    assert (taker.opened, report.failures) == (1, 0)


async def test_a_sink_with_nothing_to_take_does_not_hang(journal: Journal, house: House) -> None:
    report = house.run(taker := Taker())
    await asyncio.sleep(QUICK.hang_seconds * 2)
    assert (taker.opened, report.failures, report.problem) == (1, 0, None)


async def test_after_failures_in_a_row_the_breaker_opens_and_a_single_event_closes_it(
    journal: Journal, house: House
) -> None:
    broken = [True]

    def manner(event: AnyEvent) -> None:
        if broken:
            raise OSError("the broker is gone")

    await journal.append(sentences(0, 30))
    report = house.run(taker := Taker(manner, batch=10))
    await until(lambda: report.state == "open")
    assert "OSError: the broker is gone" in str(report.problem)
    assert "30 events wait" in str(report.problem)
    await until(lambda: report.failures > QUICK.breaker_failures)
    broken.clear()
    taker.batches.clear()
    await until(lambda: report.delivered == 30)
    assert taker.batches == [1, 10, 10, 9]
    assert (report.state, report.problem) == ("running", None)
    assert taker.taken == names(0, 30)


async def test_no_sink_delays_another_or_loses_anything_whatever_it_does(journal: Journal, house: House) -> None:
    draw = random.Random(3)
    hung, slow = asyncio.Event(), asyncio.Event()

    def now_and_then(event: AnyEvent) -> None:
        if draw.random() < 0.2:
            raise ConnectionError("a bad line")

    def always(event: AnyEvent) -> None:
        raise ValueError("I never work")

    good, bad, flaky = Taker(), Taker(always), Taker(now_and_then)
    hanging, slower = Taker(lambda event: hung.wait()), Taker(lambda event: slow.wait(), batch=5)
    takers = {"good": good, "bad": bad, "flaky": flaky, "hanging": hanging, "slow": slower}
    reports = {name: house.run(taker, name=name) for name, taker in takers.items()}
    for first in range(0, 100, 10):
        await journal.append(sentences(first, first + 10))
        await until(lambda last=first + 10: good.taken == names(0, last))  # type: ignore[misc]
    assert reports["hanging"].delivered == reports["slow"].delivered == reports["bad"].delivered == 0
    hung.set()
    slow.set()
    await until(lambda: all(reports[name].delivered == 100 for name in ("flaky", "hanging", "slow")))
    assert flaky.taken == names(0, 100)
    assert list(dict.fromkeys(hanging.taken)) == list(dict.fromkeys(slower.taken)) == names(0, 100)
    assert "bad" in str(reports["bad"].problem)
    await until(lambda: reports["bad"].lag == 100)


# -- shutting down --------------------------------------------------------------------------------------------------


async def test_a_shutdown_ends_streams_only_after_what_is_journaled(journal: Journal) -> None:
    house = House(journal)
    report = house.run(taker := Taker(lambda event: asyncio.sleep(0)))
    await until(lambda: report.state == "running")
    await journal.append(sentences(0, 500))
    await house.close()
    assert taker.taken == names(0, 500)
    assert (report.state, report.delivered) == ("closed", 500)


async def test_a_sink_that_is_not_done_by_the_deadline_is_cancelled_and_keeps_its_place(journal: Journal) -> None:
    house = House(journal)
    await journal.append(sentences(0, 3))
    report = house.run(taker := Taker(lambda event: asyncio.Event().wait() if event.id == "u1" else None))
    await until(lambda: taker.taken == ["u0"])
    await house.close(deadline_seconds=0.02)
    assert await journal.cursor("taker", "") == 1
    assert report.delivered == 1


async def test_a_sink_that_waits_to_be_tried_again_does_not_hold_up_a_shutdown(journal: Journal) -> None:
    def manner(event: AnyEvent) -> None:
        raise OSError("no")

    house = House(journal)
    house.delivery = Delivery(journal, CLOCK, patience=Patience(first_delay_seconds=1e6, longest_delay_seconds=1e6))
    await journal.append(sentences(0, 3))
    report = house.run(Taker(manner))
    await until(lambda: report.state == "retrying")
    async with asyncio.timeout(5):
        await house.close(deadline_seconds=100)
