"""Where a room keeps things: what must survive in the state folder, the rest in memory-backed storage.

State: `state_folder` (or `$EARMARK_STATE`), else `$STATE_DIRECTORY` (systemd), else `$XDG_STATE_HOME/earmark`.
Runtime: `runtime_folder` (or `$EARMARK_RUNTIME`), else `$RUNTIME_DIRECTORY` (systemd), else `$XDG_RUNTIME_DIR/earmark`,
else `/dev/shm/earmark-UID`. Each room has a subfolder in both.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from earmark.errors import EarmarkError

_ROOM = re.compile(r"\w[\w-]*")
_MOST_BYTES = 64
_JOURNAL = "journal.db"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is checked to be ours


class FolderSettings(Protocol):
    """The settings that say where things lie."""

    @property
    def state_folder(self) -> Path | None:
        """What the configuration names."""
        ...

    @property
    def runtime_folder(self) -> Path | None:
        """What the configuration names."""
        ...


def check_room_name(name: str) -> str:
    """The name itself; raises `ValueError` for one that could not be a folder's."""
    if not _ROOM.fullmatch(name) or len(name.encode()) > _MOST_BYTES:
        raise ValueError(
            f"room: {name!r} cannot be a room's name; use up to {_MOST_BYTES} letters, digits, - and _, "
            "and begin with a letter or digit"
        )
    return name


def state_folder(settings: FolderSettings, environ: Mapping[str, str]) -> Path:
    """Where what must survive lies."""
    if settings.state_folder:
        return settings.state_folder.absolute()
    if given := _first(environ, "EARMARK_STATE", "STATE_DIRECTORY"):
        return given
    if base := _first(environ, "XDG_STATE_HOME"):
        return base / "earmark"
    return _home(environ) / ".local" / "state" / "earmark"


def runtime_folder(settings: FolderSettings, environ: Mapping[str, str]) -> Path:
    """Where what may be gone after a restart of the machine lies."""
    if settings.runtime_folder:
        return settings.runtime_folder.absolute()
    if given := _first(environ, "EARMARK_RUNTIME", "RUNTIME_DIRECTORY"):
        return given
    if base := _first(environ, "XDG_RUNTIME_DIR"):
        return base / "earmark"
    return _SHARED_MEMORY / f"earmark-{os.getuid()}"


@dataclass(frozen=True)
class RoomFolders:
    """The two folders of one room."""

    state: Path
    runtime: Path

    @property
    def journal(self) -> Path:
        """The room's journal."""
        return self.state / _JOURNAL

    def make(self) -> RoomFolders:
        """Make both, for the owner's eyes only; raises `EarmarkError` where that cannot be."""
        private(self.state)
        private(self.runtime)
        return self


def room_folders(room: str, settings: FolderSettings, environ: Mapping[str, str]) -> RoomFolders:
    """The folders of a room; nothing is made."""
    check_room_name(room)
    return RoomFolders(state_folder(settings, environ) / room, runtime_folder(settings, environ) / room)


def private(folder: Path) -> Path:
    """Make a folder that only its owner can enter; raises `EarmarkError` where that cannot be."""
    try:
        for missing in reversed([folder, *folder.parents]):
            if not missing.exists():
                missing.mkdir(mode=0o700, exist_ok=True)
        _check_ours(folder.parent if folder.parent.parent == _SHARED_MEMORY else folder)
        if stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise EarmarkError(
            f"{folder}: the folder cannot be used ({error.strerror}); make it writable for this user, or name "
            "another one (state_folder and runtime_folder, or EARMARK_STATE and EARMARK_RUNTIME)"
        ) from error
    return folder


def _check_ours(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) and not folder.is_dir():
        raise EarmarkError(f"{folder}: this is not a folder; remove it, or name another one")
    if found.st_uid != os.getuid() and _SHARED_MEMORY in folder.parents:
        raise EarmarkError(f"{folder}: the folder belongs to another user; remove it, or set EARMARK_RUNTIME")


def _first(environ: Mapping[str, str], *names: str) -> Path | None:
    for name in names:
        # systemd gives several folders with colons between them; the first is ours.
        if value := environ.get(name, "").split(":")[0]:
            return Path(value).expanduser().absolute()
    return None


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()
