"""Each screen as it looks, small, usual and on a wall, in the dark and in the light."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped] # it publishes none
from syrupy.assertion import SnapshotAssertion

from earmark_tui.app import Viewer
from earmark_tui.feeds.replay import ReplayFeed
from tests.tui.evening import Wall, attached, drawn, entries, evening, nobody, shown, until, viewer

SIZES = {"usual": (100, 30), "small": (60, 20), "wall": (200, 50)}
THEMES = ("dark", "light")


def _replay() -> ReplayFeed:
    feed = ReplayFeed("kitchen", entries(evening()), clock=Wall())
    feed.seek(40)
    return feed


SCREENS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "evening": (attached, ("2", "down", "down")),
    "house": (lambda: attached("kitchen", "study"), ()),
    "found": (attached, ("slash", *"landlord", "enter")),
    "replay": (_replay, ()),
    "nobody": (nobody, ()),
    "help": (attached, ("question_mark",)),
    "details": (attached, ("i",)),
    "history": (attached, ("h",)),
}


async def _ready(pilot: Any, app: Viewer, screen: str) -> None:
    await pilot.press(*SCREENS[screen][1])
    if screen == "history":
        await until(pilot, lambda: app.focused is not None and app.focused.id == "past")
    await pilot.pause(0.05)


@pytest.mark.parametrize("screen", SCREENS)
async def test_the_screen_looks_as_it_was_found_good(screen: str, snapshot: SnapshotAssertion) -> None:
    pictures = snapshot.use_extension(SVGImageExtension)
    app = viewer(SCREENS[screen][0]())
    async with shown(app, size=SIZES["usual"]) as pilot:
        await _ready(pilot, app, screen)
        for theme in THEMES:
            app.theme = f"earmark-{theme}"
            for name, size in SIZES.items():
                await pilot.resize_terminal(*size)
                await drawn(pilot)
                await pilot.pause(0.05)
                assert app.export_screenshot() == pictures(name=f"{screen}-{name}-{theme}")


@pytest.mark.parametrize("screen", ["evening", "help"])
def test_the_screen_needs_no_colour(screen: str, snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = viewer(SCREENS[screen][0]())

    async def look(pilot: Any) -> None:
        await drawn(pilot)
        await _ready(pilot, app, screen)

    assert snap_compare(app, terminal_size=SIZES["usual"], run_before=look)
