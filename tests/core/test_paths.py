"""Folders: where they are, and that nobody else gets in."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.config import Settings
from earmark.errors import EarmarkError
from earmark.paths import check_room_name, private, room_folders, runtime_folder, state_folder


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_state_is_looked_for_in_the_order_that_the_documents_say() -> None:
    environ = {"HOME": "/home/me"}
    assert state_folder(Settings(), environ) == Path("/home/me/.local/state/earmark")
    environ["XDG_STATE_HOME"] = "/xdg"
    assert state_folder(Settings(), environ) == Path("/xdg/earmark")
    environ["STATE_DIRECTORY"] = "/var/lib/earmark:/var/lib/other"
    assert state_folder(Settings(), environ) == Path("/var/lib/earmark")
    environ["EARMARK_STATE"] = "/mine"
    assert state_folder(Settings(), environ) == Path("/mine")
    assert state_folder(Settings(state_folder=Path("/set")), environ) == Path("/set")


def test_runtime_is_looked_for_in_the_order_that_the_documents_say() -> None:
    environ: dict[str, str] = {}
    assert runtime_folder(Settings(), environ) == Path(f"/dev/shm/earmark-{os.getuid()}")
    environ["XDG_RUNTIME_DIR"] = "/run/user/1"
    assert runtime_folder(Settings(), environ) == Path("/run/user/1/earmark")
    environ["RUNTIME_DIRECTORY"] = "/run/earmark"
    assert runtime_folder(Settings(), environ) == Path("/run/earmark")
    environ["EARMARK_RUNTIME"] = "/mine"
    assert runtime_folder(Settings(), environ) == Path("/mine")
    assert runtime_folder(Settings(runtime_folder=Path("/set")), environ) == Path("/set")


def test_asking_where_things_lie_makes_nothing_and_making_them_shuts_others_out(tmp_path: Path) -> None:
    environ = {"EARMARK_STATE": str(tmp_path / "a" / "state"), "EARMARK_RUNTIME": str(tmp_path / "b")}
    folders = room_folders("kitchen", Settings(), environ)
    assert list(tmp_path.iterdir()) == []
    folders.make()
    assert folders.state == tmp_path / "a" / "state" / "kitchen"
    assert folders.journal == folders.state / "journal.db"
    for made in (folders.state, folders.state.parent, tmp_path / "a", folders.runtime, folders.runtime.parent):
        assert mode(made) == 0o700


def test_a_rooms_folder_that_was_open_to_others_is_shut(tmp_path: Path) -> None:
    folder = tmp_path / "kitchen"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    private(folder)
    assert mode(folder) == 0o700


def test_a_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        EarmarkError, match=r"file/kitchen: the folder cannot be used \(Not a directory\).*EARMARK_STATE"
    ):
        private(tmp_path / "file" / "kitchen")
    with pytest.raises(EarmarkError, match="not a folder"):
        private(tmp_path / "file")


@pytest.mark.parametrize("name", ["kitchen", "Living-Room_2", "küche", "1", "_x"])
def test_a_room_may_be_called(name: str) -> None:
    assert check_room_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "-a", "a.b", "a\n", "x" * 65, "ü" * 33, "a\0", "~"])
def test_a_room_may_not_be_called(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a room's name"):
        check_room_name(name)


@given(st.text())
def test_whatever_a_room_is_called_its_folder_is_one_level_below(name: str) -> None:
    try:
        folder = room_folders(name, Settings(), {"EARMARK_STATE": "/state", "EARMARK_RUNTIME": "/run"}).state
    except ValueError:
        return
    assert folder.parent == Path("/state") and folder.resolve().parent == Path("/state")
    assert len(folder.name.encode()) <= 64
