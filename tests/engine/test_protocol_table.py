"""The table of what works names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_table_names_is_there() -> None:
    table = (ROOT / "plugins/earmark_engine/PROTOCOL.md").read_text(encoding="utf-8")
    files = [*(ROOT / "tests/engine").glob("test_*.py"), ROOT / "tests/sdks/proofs.py"]
    there = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))}
    named = set(re.findall(r"`(test_\w+)`", table))
    assert named - there == set()
    assert len(named) > 50
