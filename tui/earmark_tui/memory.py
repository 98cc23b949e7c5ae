"""What the viewer remembers between runs, and which keys its user chose.

The viewer writes `tui.json` in the state folder by itself. The user writes `tui.toml` beside `earmark.toml`:

    [keys]
    mute = "ctrl+m"
    find = "slash,ctrl+f"
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

import msgspec

from earmark.errors import SettingsError

KEYS_FILE = "tui.toml"
MEMORY_FILE = "tui.json"


class Memory(msgspec.Struct, kw_only=True):
    """How the viewer looked when it was left."""

    theme: str = "earmark-dark"
    side: bool = True
    """Whether the panels beside the talk are shown."""
    open_only: bool = False
    """Whether marks that are done are hidden."""


class _Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    keys: dict[str, str] = {}


def recall(folder: Path) -> Memory:
    """What was remembered; what cannot be read is forgotten."""
    try:
        return msgspec.json.decode((folder / MEMORY_FILE).read_bytes(), type=Memory)
    except (OSError, msgspec.MsgspecError):
        return Memory()


def remember(memory: Memory, folder: Path) -> None:
    """Write it down, whole or not at all; a full disk is no reason to disturb anyone."""
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{MEMORY_FILE}-")
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(memory)))
        Path(name).replace(folder / MEMORY_FILE)


def config_folder(environ: Mapping[str, str]) -> Path:
    """Where the user's own files of Earmark lie."""
    home = environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path(environ.get("HOME", "~")).expanduser() / ".config") / "earmark"


def chosen_keys(folder: Path, known: Collection[str]) -> dict[str, str]:
    """The keys that the user chose; raises `SettingsError` for a file that cannot be meant so."""
    path = folder / KEYS_FILE
    try:
        text = path.read_bytes()
    except OSError:
        return {}
    try:
        keys = msgspec.toml.decode(text, type=_Chosen).keys
    except msgspec.MsgspecError as error:
        raise SettingsError(f"{path}: {error}") from error
    for name in keys:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else f"; there are {', '.join(sorted(known))}"
            raise SettingsError(f'{path}: keys: there is nothing called "{name}"{hint}')
    return keys
