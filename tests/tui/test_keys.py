"""Every key, pressed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from earmark.door import ChangeMark, End, Mute, Unmute
from earmark.events import Change
from earmark_tui.api import RoomView
from earmark_tui.feeds import Asked
from earmark_tui.feeds.replay import ReplayFeed
from earmark_tui.keys import NAMES
from earmark_tui.screens.asking import AskFile, AskText, AskYes
from earmark_tui.screens.history import History
from earmark_tui.screens.sheets import Details, Help
from earmark_tui.widgets.marks import Marks
from tests.core.talk import said
from tests.tui.evening import attached, drawn, entries, evening, shown, until, viewer

_tested: set[str] = set()


def of(*names: str) -> Callable[[Any], Any]:
    """Say which keys a test is of."""
    _tested.update(names)
    return lambda test: test


def replay() -> ReplayFeed:
    from tests.tui.evening import Wall

    feed = ReplayFeed("kitchen", entries(evening()), clock=Wall())
    feed.seek(30)
    return feed


def marks(app: Any, name: str) -> Marks:
    found: Marks = app.watching.query_one(f"#{name}", Marks)
    return found


def written(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def sheet(app: Any) -> Any:
    """What lies over the main screen, if anything does."""
    return None if app.screen is app.watching else app.screen


@of("find", "find_next", "find_previous", "clear")
async def test_finding_goes_from_line_to_line_and_is_given_up_with_escape() -> None:
    app = viewer()
    async with shown(app) as pilot:
        await pilot.press("slash", *"the", "enter")
        talk = app.watching.talk
        assert talk.needle.text == "the" and talk.matches() == (7, 7)
        await pilot.press("n")
        assert talk.matches() == (1, 7)
        await pilot.press("N", "N")
        assert talk.matches() == (6, 7)
        await pilot.press("escape")
        assert not talk.needle and talk.chosen is None and talk.following


@of("filter")
async def test_a_filter_leaves_only_the_lines_that_hold_the_words() -> None:
    app = viewer()
    async with shown(app) as pilot:
        await pilot.press("f", *"LANDLORD", "enter")
        assert [item.id for item in app.watching.talk.items] == ["u5", "u6"]
        await pilot.press("escape")
        assert len(app.watching.talk.items) == 10


@of("hold")
async def test_held_talk_stands_still_and_counts_what_comes() -> None:
    feed = attached()
    app = viewer(feed)
    async with shown(app) as pilot:
        await pilot.press("space")
        feed.tell(said("u9", "More.", start=90))
        await until(pilot, lambda: app.watching.talk.waiting == 1)
        assert app.watching.talk.items[-1].id == "u8"
        await pilot.press("space")
        assert app.watching.talk.items[-1].id == "u9"


@of("tick")
async def test_a_mark_is_ticked_off_and_opened_again() -> None:
    feed = attached()
    app = viewer(feed)
    async with shown(app) as pilot:
        await pilot.press("2", "down", "down", "down", "x")
        await until(pilot, lambda: len(feed.asked) == 1)
        await pilot.press("x")
        await until(pilot, lambda: len(feed.asked) == 2)
        await drawn(pilot)
    assert changes(feed.asked) == [("a1", Change.DONE), ("a1", Change.OPEN)]


def changes(asked: list[Asked]) -> list[tuple[str, Change]]:
    return [(one.mark, one.change) for one in asked if isinstance(one, ChangeMark)]


async def test_a_question_is_ticked_off_as_answered() -> None:
    feed = attached()
    app = viewer(feed)
    async with shown(app) as pilot:
        await pilot.press("3", "down", "x")
        await until(pilot, lambda: feed.asked)
        room = app.room
        assert room is not None and room.marks["q3"].state is Change.ANSWERED
    assert changes(feed.asked) == [("q3", Change.ANSWERED)]


async def test_what_the_listener_refuses_is_told_and_not_shown_as_done() -> None:
    feed = attached()
    feed.refuses = "The journal cannot be written."
    app = viewer(feed)
    async with shown(app) as pilot:
        await pilot.press("3", "down", "x")
        await until(pilot, lambda: app._notifications)  # noqa: SLF001 - there is no public way to see them
        room = app.room
        assert room is not None and room.marks["q3"].state is Change.OPEN


@of("dismiss")
async def test_a_mark_that_is_none_is_taken_away() -> None:
    feed = attached()
    app = viewer(feed)
    async with shown(app) as pilot:
        await pilot.press("2", "down", "d")
        await until(pilot, lambda: len(marks(app, "todo").items) == 2)
    assert changes(feed.asked) == [("f1", Change.DISMISSED)]


@of("amend")
async def test_a_mark_is_put_in_other_words() -> None:
    feed = attached()
    app = viewer(feed)
    async with shown(app) as pilot:
        await pilot.press("2", "down", "e")
        assert isinstance(app.screen, AskText)
        app.screen.query_one(Input).value = "Book the holiday"
        await pilot.press("enter")
        await until(pilot, lambda: (room := app.room) and room.marks["f1"].insight.text == "Book the holiday")
    assert changes(feed.asked) == [("f1", Change.AMENDED)]


@of("open_only")
async def test_what_is_done_can_be_hidden() -> None:
    app = viewer()
    async with shown(app) as pilot:
        await pilot.press("o")
        assert [mark.insight.mark for mark in marks(app, "todo").items] == ["f1", "a1"]
        await pilot.press("o")
        assert len(marks(app, "todo").items) == 3


@of("copy", "copy_all")
async def test_a_line_a_mark_and_the_minutes_are_copied() -> None:
    app = viewer()
    async with shown(app) as pilot:
        await pilot.press("y")
        assert app.clipboard == "18:31:06 Ben: Soup. Let us come back to the holiday plans next week."
        await pilot.press("2", "down", "down", "down", "y")
        assert app.clipboard.endswith("where it lies. (Ann · by tomorrow 09:30)")
        await pilot.press("Y")
        await until(pilot, lambda: app.clipboard.startswith("# Supper"))


@of("write")
async def test_a_conversation_is_written_to_a_new_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = viewer()
    async with shown(app) as pilot:
        for _ in range(2):
            await pilot.press("w")
            assert isinstance(app.screen, AskFile)
            await pilot.press("enter")
            await until(pilot, lambda: app._notifications)  # noqa: SLF001 - there is no public way to see them
        assert written(tmp_path) == ["kitchen-2026-03-14-1830.md"]
        await pilot.press("w")
        app.screen.query_one(Input).value = "talk.srt"
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "talk.srt").exists())


@of("mute", "mute_for")
async def test_the_ears_are_closed_and_opened() -> None:
    feed = attached()
    app = viewer(feed)
    async with shown(app) as pilot:
        await pilot.press("m")
        await until(pilot, lambda: (room := app.room) and room.status and room.status.state == "muted")
        await pilot.press("m")
        await until(pilot, lambda: (room := app.room) and room.status and room.status.state == "listening")
        await pilot.press("M")
        await until(pilot, lambda: len(feed.asked) == 3)
    assert [type(asked) for asked in feed.asked] == [Mute, Unmute, Mute]
    assert isinstance(feed.asked[2], Mute) and feed.asked[2].seconds == 900


@of("end")
async def test_the_conversation_is_ended_only_if_that_is_meant() -> None:
    feed = attached()
    app = viewer(feed)
    async with shown(app) as pilot:
        await pilot.press("E", "n")
        assert not feed.asked
        await pilot.press("E", "y")
        await until(pilot, lambda: feed.asked)
    assert isinstance(feed.asked[0], End)


@of("room_next", "room_previous")
async def test_one_goes_from_room_to_room() -> None:
    app = viewer(attached("kitchen", "study"))
    async with shown(app) as pilot:
        for key, name in (("right_curly_bracket", "study"), ("left_curly_bracket", "kitchen")):
            await pilot.press(key)
            room = app.room
            assert room is not None and room.name == name
        assert app.watching.has_class("-many")


@of("details")
async def test_the_details_name_every_stage() -> None:
    app = viewer()
    async with shown(app) as pilot:
        await pilot.press("i")
        assert isinstance(sheet(app), Details)
        await pilot.press("escape")
        assert not sheet(app)


@of("history")
async def test_a_past_conversation_is_replayed_and_left_again() -> None:
    feed = attached()
    app = viewer(feed)
    async with shown(app) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, History))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.feed, ReplayFeed))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.feed is feed)
        await drawn(pilot)
        assert app.room is not None and len(app.room.talk) == 10


@of("slower", "faster", "back", "forward", "to_start", "to_end")
async def test_a_replay_is_steered() -> None:
    feed = replay()
    app = viewer(feed)
    async with shown(app) as pilot:
        await pilot.press("right_square_bracket", "right_square_bracket", "left_square_bracket")
        assert feed.position.speed == 2.0
        for key, seconds in (
            ("full_stop", 40), ("comma", 30), ("right", 40), ("left", 30), ("greater_than_sign", 70),
            ("less_than_sign", 0),
        ):  # fmt: skip
            await pilot.press(key)
            assert feed.position.at_seconds == seconds
        await until(pilot, lambda: app.room is not None and len(app.room.talk) == 1)
        await pilot.press("space")
        assert not feed.position.playing


@of("talk", "todo", "asked", "topics")
async def test_numbers_go_to_panels() -> None:
    app = viewer()
    async with shown(app) as pilot:
        for key, name in (("2", "todo"), ("3", "asked"), ("4", "topics"), ("1", "talk")):
            await pilot.press(key)
            assert app.focused is not None and app.focused.id == name


@of("side")
async def test_the_panels_are_hidden_and_shown_and_that_is_remembered(tmp_path: Path) -> None:
    app = viewer(memory_folder=tmp_path)
    async with shown(app) as pilot:
        await pilot.press("b")
        assert not app.watching.query_one("#side").display
        await pilot.press("2")
        assert app.watching.query_one("#side").display
        await pilot.press("b")
    assert '"side": false' in (tmp_path / "tui.json").read_text()


@of("theme")
async def test_a_key_goes_through_the_colours() -> None:
    app = viewer()
    async with shown(app) as pilot:
        seen = []
        for _ in range(4):
            await pilot.press("t")
            seen.append(app.theme)
    assert seen == ["earmark-light", "earmark-contrast", "earmark-plain", "earmark-dark"]


@of("help")
async def test_the_help_opens_and_closes_with_the_same_key() -> None:
    app = viewer()
    async with shown(app) as pilot:
        await pilot.press("question_mark")
        assert isinstance(sheet(app), Help)
        await pilot.press("question_mark")
        assert not sheet(app)


@of("demo")
async def test_the_recorded_conversation_plays() -> None:
    app = viewer()
    async with shown(app) as pilot:
        await pilot.press("p")
        await drawn(pilot)
        assert isinstance(app.feed, ReplayFeed) and app.feed.room == "kitchen"


@of("quit")
@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_leaving_leaves_at_once(key: str) -> None:
    app = viewer()
    async with shown(app) as pilot:
        await pilot.press(key)
    assert app.return_value == "left"


async def test_leaving_asks_where_a_listener_would_stop() -> None:
    app = viewer(stops=True)
    async with shown(app) as pilot:
        await pilot.press("q")
        assert isinstance(sheet(app), AskYes)
        await pilot.press("n")
        assert not sheet(app)
        await pilot.press("q", "y")
    assert app.return_value == "stop"


@of("next", "previous", "page_down", "page_up", "first", "last")
@pytest.mark.parametrize(("down", "up", "first", "last"), [("down", "up", "home", "end"), ("j", "k", "g", "G")])
async def test_lists_are_walked_through(down: str, up: str, first: str, last: str) -> None:
    app = viewer()
    async with shown(app, size=(100, 12)) as pilot:
        talk = app.watching.talk
        assert app.watching.talk.following
        await pilot.press(down, up)
        assert talk.chosen == len(talk.items) - 2 and not talk.following
        await pilot.press(first)
        assert talk.chosen == 0 and talk.scroll_offset.y == 0
        await pilot.press("pagedown")
        assert talk.scroll_offset.y > 0
        await pilot.press("pageup")
        assert talk.scroll_offset.y == 0
        await pilot.press(last)
        assert talk.following


@of("choose")
async def test_enter_goes_from_a_mark_to_its_words_and_back() -> None:
    app = viewer()
    async with shown(app) as pilot:
        await pilot.press("2", "down", "down", "down", "enter")
        await until(pilot, lambda: (item := app.watching.talk.chosen_item) and item.id == "u3")
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is marks(app, "todo"))
        chosen = marks(app, "todo").chosen_item
        assert chosen is not None and chosen.insight.mark == "a1"


async def test_keys_that_the_user_chose_replace_the_others() -> None:
    app = viewer(keys={"mute": "ctrl+t"})
    async with shown(app) as pilot:
        await pilot.press("m")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: app.feed.asked)  # type: ignore[attr-defined]
        assert len(app.feed.asked) == 1  # type: ignore[attr-defined]


async def test_everything_is_in_the_palette_by_name() -> None:
    app = viewer()
    async with shown(app):
        titles = [command.title for command in app.get_system_commands(app.screen)]
    assert "Room: close the ears, or open them" in titles and "Room: close the ears for an hour" in titles


def test_every_key_was_pressed() -> None:
    assert _tested == NAMES


def test_a_room_is_what_panels_are_given() -> None:
    assert RoomView("kitchen").talk == []
