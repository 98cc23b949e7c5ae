"""A viewer attached to a real listener, through losses of the line and of the listener."""

from __future__ import annotations

import asyncio
from pathlib import Path

from earmark.clock import SystemClock
from earmark.door import Mute
from earmark.events import Utterance
from earmark_tui.app import Viewer
from earmark_tui.feeds.local import LocalFeed
from tests.tui.evening import until
from tests.tui.listening import Cutter, feed, journaled, listening


def watching(source: LocalFeed) -> Viewer:
    return Viewer(source, clock=SystemClock(), room="kitchen", environ={})


def seen(app: Viewer) -> int:
    return app.room.events if app.room else 0


async def test_twenty_kills_of_the_line_lose_nothing(tmp_path: Path) -> None:
    app = watching(feed(tmp_path, runtime="cut"))
    async with (
        listening(tmp_path, frames=100_000, every_seconds=0.01) as running,
        Cutter(tmp_path, cuts=20, after_bytes=2500).open() as cutter,
        app.run_test(size=(80, 24)) as pilot,
    ):
        await until(pilot, lambda: cutter.cuts == 20, seconds=60)
        await running.end()
        events = await journaled(tmp_path)
        await until(pilot, lambda: seen(app) == len(events), seconds=20)
        assert app.room is not None
        assert [item.id for item in app.room.talk if isinstance(item, Utterance)] == [
            event.id for event in events if isinstance(event, Utterance)
        ]
        assert len(events) > 200


async def test_a_listener_that_is_killed_and_started_again_is_found_again(tmp_path: Path) -> None:
    app = watching(feed(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.watching.has_class("-nobody"))
        async with listening(tmp_path, frames=10_000, every_seconds=0.02):
            await until(pilot, lambda: seen(app) > 5, seconds=20)
        await until(pilot, lambda: app.room and not app.room.line.attached)
        assert not app.watching.has_class("-nobody")
        before = seen(app)
        async with listening(tmp_path, frames=10_000, every_seconds=0.02):
            await until(pilot, lambda: app.room and app.room.line.attached and seen(app) > before + 5, seconds=20)
        await asyncio.sleep(0)
        await until(pilot, lambda: app.room and not app.room.line.attached)
        # What a listener journals while it closes its door is seen at the next attachment.
        missed = len(await journaled(tmp_path)) - seen(app)
        assert 0 <= missed <= 2


async def test_a_key_reaches_the_listener(tmp_path: Path) -> None:
    app = watching(feed(tmp_path))
    async with listening(tmp_path, frames=10_000, every_seconds=0.02), app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.room and app.room.status and app.room.line.attached)
        await pilot.press("m")
        await until(pilot, lambda: app.room and app.room.status and app.room.status.state == "muted")
        await app.feed.ask("kitchen", Mute(by="tui"))


async def test_one_who_comes_late_sees_what_was_said(tmp_path: Path) -> None:
    async with listening(tmp_path, frames=30, every_seconds=0.0) as running:
        await running.task
    async with listening(tmp_path, frames=10_000, every_seconds=0.05):
        app = watching(feed(tmp_path))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: seen(app) >= 30)
            summaries = await app.feed.conversations("kitchen")
            assert summaries[-1].utterances >= 30
