"""The real program in a real terminal, beside a real listener that hears a real recording."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from earmark.cli.demo import bundled_recording

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.timeout(150),
]
SECONDS = 60.0


class Terminal:
    """A terminal of 100 columns and 30 rows in which a program runs."""

    def __init__(self, home: Path, *program: str) -> None:
        self._socket = str(home / "tmux")
        self.status = home / "status"
        line = " ".join(["env -u LINES -u COLUMNS", sys.executable, "-m", "earmark", *program])
        line = f"{line}; echo $? > {self.status}; sleep 60"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", line)

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    @property
    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    @property
    def copied(self) -> str:
        return self._tmux("show-buffer")

    def close(self) -> None:
        self._tmux("kill-server")


@contextmanager
def terminal(home: Path, *program: str) -> Iterator[Terminal]:
    opened = Terminal(home, *program)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def listener() -> Iterator[subprocess.Popen[bytes]]:
    """A listener that hears the bundled recording, killed when left."""
    source = f"file:{bundled_recording()}"
    command = [sys.executable, "-m", "earmark", "listen", "--room", "kitchen", "--source", source]
    command += ["--filter", "none", "--transport", "engine", "--sink", "jsonl:/dev/null"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def until(condition: Callable[[], object], seen: Callable[[], str]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, seen()
        time.sleep(0.1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARMARK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("EARMARK_RUNTIME", str(tmp_path / "run"))
    monkeypatch.setenv("EARMARK_ROOM", "kitchen")
    monkeypatch.setenv("TERM", "tmux-256color")
    return tmp_path


def test_a_real_conversation_is_watched_through_the_death_of_its_listener(home: Path) -> None:
    with terminal(home, "tui") as shown:

        def sees(*words: str) -> None:
            until(lambda: all(word in shown.screen for word in words), lambda: shown.screen)

        sees("Nobody listens to kitchen")
        with listener():
            sees("listening", "Good morning, Tom.")
            sees("☐ ")
            shown.press("2", "Down", "x")
            sees("✓ ")
            shown.press("y")
            until(lambda: shown.copied, lambda: shown.screen)
        sees("not attached", "Good morning, Tom.")
        with listener() as second:
            until(lambda: "listening" in shown.screen and "not attached" not in shown.screen, lambda: shown.screen)
            shown.press("q")
            until(shown.status.exists, lambda: shown.screen)
            assert shown.status.read_text().strip() == "0"
            assert second.poll() is None


def test_a_listener_with_its_viewer_delivers_what_was_heard_when_both_are_left(home: Path) -> None:
    source = f"file:{bundled_recording()}"
    command = ["listen", "--tui", "--source", source, "--filter", "none", "--transport", "engine"]
    with terminal(home, *command, "--sink", f"jsonl:{home}/events.jsonl") as shown:
        until(lambda: "Good morning, Tom." in shown.screen, lambda: shown.screen)
        shown.press("q")
        until(lambda: "Stop listening?" in shown.screen, lambda: shown.screen)
        shown.press("y")
        until(shown.status.exists, lambda: shown.screen)
        assert shown.status.read_text().strip() == "0", shown.screen
    assert "Good morning" in (home / "events.jsonl").read_text()
    assert "conversation_ended" in (home / "events.jsonl").read_text()
