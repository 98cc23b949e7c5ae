from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec
import pytest

from earmark.clock import moment
from earmark.controls import Kept, RoomControls, _ends
from earmark.errors import EarmarkError
from earmark.events import Change, Durable, Insight, InsightKind, MarkChanged, State, Status
from earmark.journal_rows import Mark

NOON = datetime(2026, 6, 1, 12, 0).astimezone().timestamp()


class SteppingClock:
    """A wall clock that can be set, over a steady one that passes only by sleeping."""

    def __init__(self, wall: float = NOON) -> None:
        self.wall = wall
        self.steady = 1000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    async def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)
        await asyncio.sleep(0)

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class Desk:
    """A room that takes everything down."""

    def __init__(self, *, full: bool = False) -> None:
        self.kept: dict[str, bytes] = {}
        self.events: list[Durable] = []
        self.ended = 0
        self._full = full

    async def keep(self, key: str, value: bytes) -> None:
        if self._full:
            await asyncio.Event().wait()
        self.kept[key] = value

    async def record(self, events: Sequence[Durable]) -> None:
        self.events += events

    async def find_mark(self, mark: str) -> Mark | None:
        if mark != "m1":
            return None
        return Mark(Insight(at=moment(0), id="i", mark="m1", kind=InsightKind.ACTION_ITEM, text="x", conversation="c"))

    def end_conversation(self) -> None:
        self.ended += 1

    def restart_stage(self, stage: str) -> bool:
        return stage == "mqtt"

    def status(self) -> Status:
        return Status(at=moment(0), state=State.IDLE)


def controls(desk: Desk, clock: SteppingClock, quiet: Sequence[str] = ()) -> RoomControls:
    return RoomControls(desk, room="kitchen", clock=clock, quiet_hours=quiet, changed=lambda: None)


async def mind(room: RoomControls, seconds: float) -> None:
    """Let the room look at its clock for a while."""
    minding = asyncio.create_task(room.mind())
    for _ in range(int(seconds) + 2):
        await asyncio.sleep(0)
    minding.cancel()
    await asyncio.gather(minding, return_exceptions=True)


async def test_a_timed_mute_ends_by_itself() -> None:
    clock = SteppingClock()
    room = controls(Desk(), clock)
    await room.mute(seconds=60, by="cli")
    assert room.muted
    assert room.muted_until == moment(NOON + 60)
    await mind(room, 70)
    assert not room.muted


async def test_a_machine_that_learns_the_time_does_not_open_its_ears_for_it() -> None:
    clock = SteppingClock()
    room = controls(Desk(), clock)
    await room.mute(seconds=1800, by="cli")
    clock.wall += 86_400
    await mind(room, 5)
    assert room.muted


@pytest.mark.parametrize("seconds", [0, -1, 1e18, float("inf"), float("nan")])
async def test_a_mute_for_a_time_that_is_none_is_refused(seconds: float) -> None:
    room = controls(Desk(), SteppingClock())
    with pytest.raises(EarmarkError):
        await room.mute(seconds=seconds, by="cli")
    assert not room.muted


async def test_a_mute_survives_a_restart() -> None:
    desk, clock = Desk(), SteppingClock()
    await controls(desk, clock).mute(seconds=100, by="cli")
    again = controls(desk, clock)
    again.restore(desk.kept["controls"])
    assert again.muted
    await mind(again, 110)
    assert not again.muted


async def test_where_nobody_knows_what_was_asked_for_the_ears_stay_closed() -> None:
    room = controls(Desk(), SteppingClock())
    room.restore(b"not json")
    assert room.muted


async def test_mute_counts_at_once_even_where_nothing_can_be_written() -> None:
    room = controls(Desk(full=True), SteppingClock())
    await asyncio.wait_for(room.mute(by="cli"), 5)
    assert room.muted


async def test_quiet_hours_close_the_ears_and_unmuting_opens_them_until_they_are_over() -> None:
    clock = SteppingClock(datetime(2026, 6, 1, 23, 0).astimezone().timestamp())
    room = controls(Desk(), clock, ["22:30-06:30"])
    muted = [room.muted]
    await room.unmute(by="cli")
    muted.append(room.muted)
    clock.pass_by(8 * 3600)
    muted.append(room.muted)
    clock.pass_by(16 * 3600)
    muted.append(room.muted)
    assert muted == [True, False, False, True]


async def test_a_mute_in_quiet_hours_takes_back_an_unmute() -> None:
    clock = SteppingClock(datetime(2026, 6, 1, 23, 0).astimezone().timestamp())
    room = controls(Desk(), clock, ["22:30-06:30"])
    await room.unmute(by="cli")
    await room.mute(seconds=60, by="cli")
    await mind(room, 70)
    assert room.muted


def test_quiet_hours_go_over_midnight() -> None:
    from datetime import time

    late = datetime(2026, 6, 1, 23, 0).astimezone()
    early = datetime(2026, 6, 2, 5, 0).astimezone()
    assert _ends(late, time(22, 30), time(6, 30)) == _ends(early, time(22, 30), time(6, 30))
    assert _ends(datetime(2026, 6, 2, 7, 0).astimezone(), time(22, 30), time(6, 30)) is None


async def test_a_mark_is_changed_by_an_event_of_its_own() -> None:
    desk = Desk()
    await controls(desk, SteppingClock()).change_mark("m1", Change.DONE, by="mqtt")
    (changed,) = desk.events
    assert isinstance(changed, MarkChanged)
    assert (changed.mark, changed.change, changed.by, changed.conversation) == ("m1", Change.DONE, "mqtt", "c")


async def test_a_mark_or_stage_that_is_not_there_is_named() -> None:
    room = controls(Desk(), SteppingClock())
    with pytest.raises(EarmarkError, match="nosuch"):
        await room.change_mark("nosuch", Change.DONE, by="cli")
    with pytest.raises(EarmarkError, match="nosuch"):
        await room.restart_stage("nosuch", by="cli")
    await room.restart_stage("mqtt", by="cli")


async def test_a_knob_stays_where_it_was_turned() -> None:
    desk, clock = Desk(), SteppingClock()
    room = controls(desk, clock)
    assert room.tuned("gate", "threshold", 0.5) == 0.5
    await room.tune("gate", "threshold", 0.3, by="cli")
    assert room.tuned("gate", "threshold", 0.5) == 0.3
    assert msgspec.json.decode(desk.kept["controls"], type=Kept).knobs == {"gate.threshold": 0.3}
