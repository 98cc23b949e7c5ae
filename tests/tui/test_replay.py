"""Playing the past again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from earmark.door import Mute
from earmark.errors import EarmarkError
from earmark.events import Hearing, encode
from earmark_tui.feeds import Inbox, News
from earmark_tui.feeds.replay import ReplayFeed, demo_recording, offsets, read_file
from earmark_tui.house import House
from tests.core.talk import BEGAN
from tests.tui.evening import entries, evening


class Stopwatch:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return BEGAN.timestamp() + self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


async def told(feed: ReplayFeed, inbox: Inbox, house: House) -> int:
    running = asyncio.create_task(feed.run(inbox))
    for _ in range(20):
        await asyncio.sleep(0)
        house.take(inbox.take(1000))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return len(house.rooms["kitchen"].talk)


async def test_events_come_at_the_pace_that_is_asked_for() -> None:
    clock = Stopwatch()
    feed = ReplayFeed("kitchen", entries(evening()), clock=clock)
    inbox, house = Inbox(), House()
    assert await told(feed, inbox, house) == 1
    clock.at = 11
    assert await told(feed, inbox, house) == 3
    feed.faster(2)
    clock.at = 21
    assert feed.position.speed == 4 and feed.position.at_seconds == 51
    assert await told(feed, inbox, house) == 8


async def test_going_back_begins_anew_and_a_held_replay_stands_still() -> None:
    clock = Stopwatch()
    feed = ReplayFeed("kitchen", entries(evening()), clock=clock)
    inbox, house = Inbox(), House()
    feed.seek(1000)
    assert await told(feed, inbox, house) == 10 and feed.position.at_seconds == feed.of_seconds == 70
    feed.seek(11)
    feed.toggle()
    clock.at = 50
    assert await told(feed, inbox, house) == 3 and feed.position.at_seconds == 11


async def test_from_its_end_a_replay_begins_again() -> None:
    feed = ReplayFeed("kitchen", entries(evening()), clock=Stopwatch())
    feed.seek(1000)
    feed.toggle()
    assert feed.position.at_seconds == 0 and feed.position.playing


async def test_nothing_can_be_asked_of_the_past() -> None:
    feed = ReplayFeed("kitchen", entries(evening()), clock=Stopwatch())
    with pytest.raises(EarmarkError, match="replay"):
        await feed.ask("kitchen", Mute())
    assert len(await feed.of_conversation("kitchen", "c1")) == len(evening())


def test_a_mark_that_was_ticked_off_days_later_does_not_hold_the_replay_up() -> None:
    assert offsets(entries(evening()))[-1] == 70


def test_the_recording_that_comes_along_has_live_text_and_no_paths_of_a_machine() -> None:
    found = demo_recording()
    assert sum(isinstance(moment.event, Hearing) for moment in found) > 20
    assert b"/" not in b"".join(encode(moment.event) for moment in found)


def test_a_file_that_holds_no_events_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_bytes(encode(evening()[0]) + b"\n\n{}\n")
    with pytest.raises(EarmarkError, match="line 3"):
        read_file(path)
    with pytest.raises(EarmarkError, match="cannot be read"):
        read_file(tmp_path / "none.jsonl")
    with pytest.raises(EarmarkError, match="nothing"):
        ReplayFeed("kitchen", [], clock=Stopwatch())


async def test_an_inbox_holds_so_much_and_then_makes_one_wait() -> None:
    inbox = Inbox(most=10)
    for _ in range(2):
        await inbox.put(News("kitchen", entries(evening()[:5])))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await inbox.put(News("kitchen", entries(evening()[:1])))
    inbox.take(1)
    await inbox.put(News("kitchen", entries(evening()[:1])))
