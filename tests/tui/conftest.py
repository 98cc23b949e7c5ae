"""The same time zone, terminal and folders for every test."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_FOREIGN = ("NO_COLOR", "TMUX", "STY", "SSH_TTY", "EARMARK_STATE", "EARMARK_RUNTIME", "EARMARK_CONFIG")


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    for name in _FOREIGN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    time.tzset()
    yield home
    os.environ.pop("TZ", None)
    time.tzset()
