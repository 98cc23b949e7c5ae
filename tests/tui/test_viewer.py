"""The viewer itself: panels of plugins, the mouse, the clipboard, what is remembered, what the command line takes."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.widgets import Static

from earmark.cli.main import main
from earmark.errors import SettingsError
from earmark.hookspecs import hookimpl
from earmark.host import Host
from earmark_tui.api import PanelOffer, RoomView
from earmark_tui.clipboard import sequences
from earmark_tui.feeds import LineChanged
from earmark_tui.keys import NAMES
from earmark_tui.memory import Memory, chosen_keys, recall, remember
from earmark_tui.opening import panels_of
from earmark_tui.room import Line
from earmark_tui.widgets.bars import figures_of, words_for
from earmark_tui.widgets.guests import Guest
from tests.tui.evening import NOW, attached, shown, status, until, viewer


class Count(Static):
    """A plugin's panel: how much was said."""

    def show(self, room: RoomView) -> None:
        self.update(f"{len(room.talk)} lines")


class Broken(Static):
    def show(self, room: RoomView) -> None:
        raise RuntimeError("out of order")


async def test_a_plugins_panel_shows_the_room_and_a_broken_one_says_so() -> None:
    no_widget: Any = int
    offers = [
        PanelOffer("count", "Count", Count),
        PanelOffer("broken", "Broken", Broken),
        PanelOffer("no", "No", no_widget),
    ]
    app = viewer(panels=offers)
    async with shown(app, size=(120, 60)) as pilot:
        await pilot.pause()
        words = [str(guest.query_one(Static).content) for guest in app.watching.query(Guest)]
    assert words[0] == "10 lines"
    assert "out of order" in words[1] and "not a widget" in words[2]


def test_panels_are_found_by_their_hook() -> None:
    @hookimpl
    def earmark_panels() -> list[PanelOffer]:
        return [PanelOffer("count", "Count", Count)]

    @hookimpl
    def failing() -> list[PanelOffer]:
        raise RuntimeError("no")

    host = Host(
        plugins=[
            ("good", SimpleNamespace(earmark_panels=earmark_panels)),
            ("bad", SimpleNamespace(earmark_panels=failing)),
        ],
        discover=False,
    )
    host.load()
    assert "count" in [offer.name for offer in panels_of(host)]


async def test_the_mouse_chooses_and_goes_to_the_words() -> None:
    app = viewer()
    async with shown(app) as pilot:
        await pilot.click("#todo", offset=(6, 1))
        todo: Any = app.watching.query_one("#todo")
        assert todo.chosen == 0
        await pilot.click("#todo", offset=(6, 1), times=2)
        await until(pilot, lambda: (item := app.watching.talk.chosen_item) and item.id == "u8")


async def test_scrolling_back_is_told_and_new_talk_does_not_move_it() -> None:
    feed = attached()
    app = viewer(feed)
    async with shown(app, size=(100, 14)) as pilot:
        talk = app.watching.talk
        await pilot.press("home")
        feed.tell(status())
        await pilot.pause(0.1)
        assert talk.scroll_offset.y == 0 and not talk.following


async def test_a_lost_listener_is_told_and_its_talk_stays() -> None:
    feed = attached()
    app = viewer(feed)
    async with shown(app) as pilot:
        assert feed.inbox is not None
        feed.inbox.put_now(LineChanged("kitchen", Line(attached=False, reason="It has stopped.", retry_at=1003.0)))
        await until(pilot, lambda: app.room and not app.room.line.attached)
        await until(pilot, lambda: app.watching.query_one("#problems").display)
        assert len(app.watching.talk.items) == 10


def test_the_state_tells_what_one_would_ask_next() -> None:
    from datetime import timedelta

    from earmark.events import State

    soon = NOW + timedelta(seconds=7)
    assert words_for(status(State.RECONNECTING, next_attempt_at=soon), NOW).endswith("reconnecting, again in 7 s")
    assert words_for(status(State.MUTED, muted_until=NOW + timedelta(minutes=9)), NOW).endswith("muted for 9 min")


def test_figures_name_only_what_is_not_nothing() -> None:
    room = RoomView("kitchen")
    room.status = status(backlog_seconds=0.0, gaps=0, lost_seconds=0.0, reconnects=0, not_sent_seconds=600)
    assert figures_of(room) == "2 min heard · 10 min not sent"


@pytest.mark.parametrize(
    ("environ", "passed_on"),
    [({}, None), ({"TMUX": "x"}, "\x1bPtmux;"), ({"TERM": "tmux-256color"}, "\x1bPtmux;"), ({"STY": "x"}, "\x1bP")],
)
def test_copying_reaches_the_terminal_through_what_lies_between(environ: dict[str, str], passed_on: str | None) -> None:
    found = sequences("Grüße", environ)
    assert base64.b64decode(found[0].removeprefix("\x1b]52;c;").removesuffix("\a")).decode() == "Grüße"
    assert [text[: len(passed_on or "")] for text in found[1:]] == ([passed_on] if passed_on else [])


def test_what_is_remembered_survives_and_what_is_broken_is_forgotten(tmp_path: Path) -> None:
    remember(Memory(theme="earmark-light", side=False), tmp_path / "new")
    assert recall(tmp_path / "new") == Memory(theme="earmark-light", side=False)
    (tmp_path / "new" / "tui.json").write_text("{")
    assert recall(tmp_path / "new") == Memory()


def test_keys_of_the_users_own_are_read_and_mistakes_are_named(tmp_path: Path) -> None:
    assert chosen_keys(tmp_path, NAMES) == {}
    (tmp_path / "tui.toml").write_text('[keys]\nmute = "ctrl+m"\n')
    assert chosen_keys(tmp_path, NAMES) == {"mute": "ctrl+m"}
    (tmp_path / "tui.toml").write_text('[keys]\nmutte = "x"\n')
    with pytest.raises(SettingsError, match='did you mean "mute"'):
        chosen_keys(tmp_path, NAMES)


def test_a_picture_of_the_demo_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "demo.svg"
    assert main(["tui", "--demo", "--at", "20", "--screenshot", str(path), "--size", "90x26"]) == 0
    assert "plumber" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--demo", "--mqtt"], "only one"),
        (["--size", "9x9"], "no size"),
        (["--replay", "none.jsonl"], "cannot be read"),
        (["--replay", "latest"], "Nothing has been heard"),
        (["--connect", "ftp://x"], "no address"),
        (["--connect", "x", "--token-file", "none"], "cannot be read"),
        ([], "needs a terminal"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("EARMARK_STATE", str(tmp_path))
    assert main(["tui", *arguments]) in (1, 2)
    assert words in capsys.readouterr().err


def test_the_plugin_is_listed_without_loading_textual() -> None:
    code = "import sys, earmark_tui.plugin as p; list(p.earmark_commands()); sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
