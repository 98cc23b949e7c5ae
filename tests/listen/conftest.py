"""The command line as a person meets it, in a home of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from earmark.cli.demo import bundled_recording


@dataclass
class Home:
    """A home of its own, and what is run in it."""

    path: Path
    recording: Path = field(default_factory=bundled_recording)

    @property
    def environ(self) -> Mapping[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        runtime = self.path / "run"
        runtime.mkdir(exist_ok=True)
        return {**kept, "HOME": str(self.path), "XDG_RUNTIME_DIR": str(runtime), "NO_COLOR": "1"}

    def command(self, *words: str | Path) -> list[str | Path]:
        return [sys.executable, "-m", "earmark", *words]

    def earmark(self, *words: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            cwd=self.path,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    @contextmanager
    def running(self, *words: str | Path) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            self.command(*words),
            cwd=self.path,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate(timeout=10)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def quiet(home: Home) -> Home:
    """A home whose rooms print nothing but the summary."""
    (home.path / "earmark.toml").write_text('sinks = ["jsonl:events.jsonl"]\nfilters = []\n')
    return home
