"""Training, on made-up meetings: what is learned, and that it is learned the same way twice.

Training takes libraries that running does not, so this has a target of its own: `make check-training`.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

TRAINING = Path(__file__).parents[2] / "examples" / "training"
TALK = (
    ("What should we do next?", 1, 0),
    ("I'll write the report until Friday.", 0, 1),
    ("The buttons are green.", 0, 0),
    ("Is that right?", 1, 0),
    ("You will look into the price.", 0, 1),
    ("Yeah.", 0, 0),
    ("I think it was cheap.", 0, 0),
)
LEARN = """
import sys, pathlib, train, pack, numpy as np
from net import Course
folder = pathlib.Path(sys.argv[1])
for out in sys.argv[2:]:
    arrays = train.learn(train.blocks(folder, household=1), Course(epochs=1, least_count=1, chunk=8))
    arrays["decision"] = np.asarray(train.decide(pack.opened(arrays), folder))
    pack.save(arrays, pathlib.Path(out))
"""


def write(path: Path, rows: list[dict[str, object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def said(meeting: str, number: int) -> dict[str, object]:
    text, question, _ = TALK[number % len(TALK)]
    common = {"meeting": meeting, "speaker": "AB"[number % 2], "start": number * 3.0, "end": number * 3.0 + 2}
    return {**common, "text": text, "asr": text.lower().rstrip(".?"), "question": question}


@pytest.fixture
def meetings(tmp_path: Path) -> Path:
    for split in ("train", "dev"):
        rows = [(name, number) for name in ("one", "two", "three") for number in range(21)]
        ami = [
            {**said(f"{split} {name}", n), "action_item": TALK[n % len(TALK)][2], "actions_annotated": 1}
            for name, n in rows
        ]
        icsi = [
            {**said(f"{split} {name}", n), "declarative": 0, "commit": TALK[n % len(TALK)][2], "directive": 0}
            for name, n in rows
        ]
        items = [
            {"meeting": f"{split} one", "summary": "A report.", "utterances": [], "start": 3.0, "end": 5.0},
        ]
        write(tmp_path / f"ami.{split}.jsonl.gz", ami)
        write(tmp_path / f"icsi.{split}.jsonl.gz", icsi)
        write(tmp_path / f"ami_actions.{split}.jsonl.gz", items)
    return tmp_path


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, *map(str, words)], cwd=TRAINING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_the_same_meetings_make_the_same_bytes(meetings: Path) -> None:
    run("-c", LEARN, meetings, meetings / "first.npz", meetings / "second.npz")
    assert (meetings / "first.npz").read_bytes() == (meetings / "second.npz").read_bytes()


def test_every_figure_is_printed_and_written_down(meetings: Path) -> None:
    out = meetings / "figures.json"
    done = run("evaluate.py", "--data", meetings, "--split", "dev", "--json", out)
    figures = json.loads(out.read_text(encoding="utf-8"))
    names = {figure["name"] for figure in figures["figures"]}
    assert {"questions AMI written F1", "action items AMI heard AP", "follow-ups ICSI stripped F1"} <= names
    assert set(figures["cost"]) == {"microseconds mean", "microseconds median", "weights bytes", "load ms"}
    assert "false marks a meeting" in done.stdout


def test_a_folder_without_meetings_is_said_to_be_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "evaluate.py", "--data", tmp_path, "--split", "dev"],
        cwd=TRAINING,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "neither ami.dev.jsonl.gz nor icsi.dev.jsonl.gz" in done.stderr
