from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import earmark.ears
import earmark.filters
from earmark.alive import SignOfLife
from earmark.audio import Cause
from earmark.clock import SystemClock
from earmark.errors import AlreadyListening, EarmarkError, SourceError, SourceFailed
from earmark.events import ConversationEnded, ConversationStarted
from tests.core.listening import Guest, listening, quiet
from tests.core.rooms import frames


@pytest.fixture(autouse=True)
def _quick_tries() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(earmark.ears, "_FIRST_DELAY_SECONDS", 0.05)
        patch.setattr(earmark.ears, "_MOST_DELAY_SECONDS", 0.1)
        patch.setattr(earmark.filters, "_REOPEN_SECONDS", 0.05)
        yield


async def test_a_room_is_heard_and_told(tmp_path: Path) -> None:
    guest = Guest()
    async with listening(tmp_path, guest) as room:
        guest.feed(frames(30))
        await room.until(lambda: room.heard >= 3)
        outcome = await room.end()
    assert guest.told_seconds == pytest.approx(3)
    assert outcome.status.heard_seconds == pytest.approx(3)
    kinds = [type(event) for event in await room.events()]
    assert kinds.count(ConversationStarted) == kinds.count(ConversationEnded) == 1
    assert not await room.gaps()


async def test_a_device_that_is_lost_is_opened_again_and_leaves_one_gap(tmp_path: Path) -> None:
    guest = Guest()
    async with listening(tmp_path, guest) as room:
        guest.feed([*frames(2), SourceError("unplugged"), SourceError("still unplugged")])
        await room.until(lambda: guest.opened >= 3)
        await asyncio.sleep(0.7)
        guest.feed(frames(2))
        await room.until(lambda: room.heard >= 0.4)
        await room.end()
    (gap,) = await room.gaps()
    assert gap.cause is Cause.DEVICE_LOST
    assert 0.3 < gap.seconds < 5
    assert guest.told_seconds == pytest.approx(0.4)


async def test_mute_closes_the_device_and_is_no_gap(tmp_path: Path) -> None:
    guest = Guest()
    async with listening(tmp_path, guest) as room:
        guest.feed(frames(2))
        await room.until(lambda: room.heard >= 0.2)
        await room.listener.controls.mute(by="test")
        await room.until(lambda: guest.closed == 1)
        await asyncio.sleep(0.7)
        assert str(room.listener.status().state) == "muted"
        await room.listener.controls.unmute(by="test")
        await room.until(lambda: guest.opened == 2)
        guest.feed(frames(2))
        await room.until(lambda: room.heard >= 0.4)
        outcome = await room.end()
    assert not await room.gaps()
    assert outcome.status.not_sent_seconds > 0.4
    assert guest.told_seconds == pytest.approx(0.4)


async def test_a_quiet_room_is_paused_upstream_and_its_next_word_is_told(tmp_path: Path) -> None:
    guest = Guest()
    async with listening(tmp_path, guest, "conversation.idle_after=0.3", filters='["level"]') as room:
        guest.feed(frames(10))
        guest.feed(quiet(20, first=10))
        await room.until(lambda: guest.peer.paused == 1)
        await room.until(lambda: room.listener.status().state == "paused")
        guest.feed(frames(10, first=30))
        await room.until(lambda: room.heard >= 2)
        outcome = await room.end()
    assert guest.told_seconds == pytest.approx(2)
    assert outcome.status.not_sent_seconds == pytest.approx(2, abs=0.5)
    assert not await room.gaps()
    assert len(guest.peer.conversations) == 1


@pytest.mark.parametrize(("name", "passes"), [("guard", False), ("helper", True)])
async def test_a_filter_that_fails_blocks_or_passes_as_its_offer_says(tmp_path: Path, name: str, passes: bool) -> None:
    guest = Guest()
    async with listening(tmp_path, guest, filters=f'["{name}"]') as room:
        guest.feed(frames(5))
        await room.until(lambda: room.heard >= 0.5)
        guest.filter_fails = True
        guest.feed(frames(5, first=5))
        await room.until(lambda: guest.sound.empty() and room.listener.crew.stages["filter"][0].report.failures)  # type: ignore[index]
        await room.until(lambda: room.listener.ears is not None and room.listener.ears.until >= 1.0)
        guest.filter_fails = False
        await asyncio.sleep(0.1)
        guest.feed(frames(5, first=10))
        await room.until(lambda: room.heard >= (1.5 if passes else 1.0))
        await room.end()
    assert guest.told_seconds == pytest.approx(1.5 if passes else 1.0)
    lost = [gap for gap in await room.gaps() if gap.cause is Cause.BLOCKED]
    assert sum(gap.seconds for gap in lost) == pytest.approx(0.0 if passes else 0.5)


async def test_a_source_that_can_never_work_ends_the_listener(tmp_path: Path) -> None:
    guest = Guest()
    async with listening(tmp_path, guest) as room:
        guest.feed([SourceFailed("There is no such file.")])
        with pytest.raises(EarmarkError, match="no such file"):
            await asyncio.wait_for(asyncio.shield(room.task), 10)


async def test_the_second_listener_of_a_room_says_who_is_the_first_and_stops(tmp_path: Path) -> None:
    async with listening(tmp_path, Guest()) as first:
        await first.until((first.folders.runtime / "door").exists)
        async with listening(tmp_path, Guest()) as second:
            with pytest.raises(AlreadyListening, match=str(os.getpid())):
                await asyncio.wait_for(asyncio.shield(second.task), 10)
        await first.end()


async def test_a_listener_that_leaves_is_rejoined_in_the_same_conversation(tmp_path: Path) -> None:
    guest = Guest()
    async with listening(tmp_path, guest) as room:
        guest.feed(frames(5))
        await room.until(lambda: room.heard >= 0.5)
        await room.end(leave=True)
    async with listening(tmp_path, guest) as room:
        guest.feed(frames(5, first=5))
        await room.until(lambda: room.heard >= 0.5)
        await room.end()
    kinds = [type(event) for event in await room.events()]
    assert kinds.count(ConversationStarted) == kinds.count(ConversationEnded) == 1
    assert guest.told_seconds == pytest.approx(1)
    assert len(guest.peer.conversations) == 1


async def test_a_listener_that_comes_back_too_late_begins_another_conversation(tmp_path: Path) -> None:
    guest = Guest()
    for _ in range(2):
        async with listening(tmp_path, guest, "conversation.rejoin_within=0.05") as room:
            guest.feed(frames(5))
            await room.until(lambda: room.heard >= 0.5)
            await room.end(leave=True)
        await asyncio.sleep(0.3)
    first, second = (event for event in await room.events() if isinstance(event, ConversationStarted))
    assert second.follows == first.conversation


class Stepping(SystemClock):
    """A machine that learns what time it is."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


@pytest.mark.parametrize("step", [1e6, -1e6])
async def test_a_step_of_the_wall_clock_disturbs_neither_window_nor_conversation(tmp_path: Path, step: float) -> None:
    clock = Stepping()
    guest = Guest(clock)
    async with listening(tmp_path, guest, clock=clock) as room:
        guest.feed(frames(10))
        await room.until(lambda: room.heard >= 1)
        clock.ahead = step
        await asyncio.sleep(0.2)
        guest.feed(frames(10, first=10))
        await room.until(lambda: room.heard >= 2)
        await room.end(leave=True)
    async with listening(tmp_path, guest, clock=clock) as room:
        guest.feed(frames(10, first=20))
        await room.until(lambda: room.heard >= 1)
        await room.end()
    kinds = [type(event) for event in await room.events()]
    assert kinds.count(ConversationStarted) == kinds.count(ConversationEnded) == 1
    assert guest.told_seconds == pytest.approx(3)
    assert len(guest.peer.conversations) == 1


# -- the sign of life -------------------------------------------------------------------------------------------------


def test_a_sign_of_life_says_for_how_long_its_room_was_away(tmp_path: Path) -> None:
    clock = Stepping()
    SignOfLife(tmp_path / "alive", clock).give(capture=12.5, until=12.0)
    clock.ahead = 1e9
    taken = SignOfLife(tmp_path / "alive", clock).take()
    assert taken is not None
    away_seconds, sign = taken
    assert 0 <= away_seconds < 5
    assert (sign.capture, sign.until) == (12.5, 12.0)


@pytest.mark.parametrize("left", [None, b"", b"nonsense", b'{"boot":"other","monotonic":0,"capture":1,"until":1}'])
def test_a_sign_that_is_missing_damaged_or_of_another_boot_counts_for_nothing(
    tmp_path: Path, left: bytes | None
) -> None:
    path = tmp_path / "alive"
    if left is not None:
        path.write_bytes(left)
    assert SignOfLife(path, SystemClock()).take() is None
