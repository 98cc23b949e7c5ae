"""The seeds' examples run as they stand, against a real engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from earmark.cli.demo import bundled_recording

SEEDS = Path(__file__).resolve().parents[2] / "examples" / "seeds"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("seeds")
    (folder / "secret").write_text("s" * 40)
    words = [sys.executable, "-m", "earmark", "serve", "--port", "0", "--app", f"me:{folder / 'secret'}", "--ephemeral"]
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    yield next(word for line in process.stdout for word in line.split() if word.startswith("http://127"))
    process.kill()
    process.communicate(timeout=10)


def run(name: str, url: str, folder: Path, *more: str) -> str:
    done = subprocess.run(
        [sys.executable, SEEDS / name, url, "me", "s" * 40, *more],
        cwd=folder, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.xdist_group("seeds")
def test_the_seeds_run_as_they_stand(url: str, tmp_path: Path) -> None:
    talk = str(bundled_recording())
    assert "action_item: " in run("start_and_stop.py", url, tmp_path, talk)
    assert "begins:" in run("reconnect.py", url, tmp_path, talk)
    sentiment = run("live_sentiment.py", url, tmp_path, talk)
    assert any(line[0] in "+-" for line in sentiment.splitlines())
    assert "Action items:" in run("conversation_api.py", url, tmp_path)
