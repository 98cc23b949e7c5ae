"""No plugin takes the room down, whatever it does: a second, healthy sink gets every event all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from earmark.events import Utterance
from earmark.testing import QuickClock, ScriptedPlugin, noise, run_quickly
from earmark.testing.house import House, house
from tests.guests.culprits import Culprit, Deed
from tests.guests.misdeeds import CASES, Misdeed

SPEED = 60.0
_SECONDS = 12.0


def _settings(kind: str) -> dict[str, Any]:
    if kind in ("source", "transport"):
        return {kind: "culprit"}
    return {f"{kind}s": ["recorder", "culprit"] if kind == "sink" else ["culprit"]}


async def _spoil(folder: Path, kind: str, misdeed: Misdeed) -> tuple[list[str], dict[str, Any]]:
    """A room with a culprit in it, from its first sound to its last; what was shown, and how the culprit did."""
    sound = noise(_SECONDS)
    scripted = ScriptedPlugin(sound)
    culprit = Culprit(kind, Deed(misdeed.moment, misdeed.fault), sound)
    clock, shown, last = QuickClock(SPEED), set[str](), dict[str, Any]()
    async with house(folder, ("culprit", culprit), settings=_settings(kind), scripted=scripted, clock=clock) as room:
        async with asyncio.timeout(1200):
            while not room.running.done():
                _look(room, shown, last)
                await asyncio.sleep(1.0)
        outcome = room.running.result()
        _look(room, shown, last)
        assert outcome is not None
    peer = culprit.peer if kind == "transport" else scripted.peer
    last["said"] = sum(isinstance(event, Utterance) for event in scripted.recorder.events)
    last["told"] = len(peer.conversations)
    last["ids"] = [event.id for event in scripted.recorder.events]
    last["culprit"] = culprit
    last["deed"] = culprit.deed.done
    return sorted(shown), last


def _look(room: House, shown: set[str], last: dict[str, Any]) -> None:
    if not hasattr(room.listener, "uplink"):
        return
    status = room.status
    shown.update(status.problems)
    stage = room.stage("culprit")
    shown.update([stage.reason] if stage.reason else [])
    last["stage"] = stage
    last["counters"] = {"failures": stage.failures, **stage.counters}


@pytest.mark.parametrize(("misdeed", "kind"), CASES, ids=[f"{k}-{m.moment}-{m.fault}" for m, k in CASES])
def test_a_culprit_is_contained_counted_and_named(
    tmp_path: Path, misdeed: Misdeed, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    shown, last = run_quickly(_spoil(tmp_path, kind, misdeed), speed=SPEED)
    assert last["deed"] == 1, "the culprit had no opportunity"
    # Counted:
    assert last["counters"].get(misdeed.counter, 0) >= 1, (last["counters"], shown)
    # Named, where a user looks, and in the log:
    if misdeed.seen:
        assert any(misdeed.seen in sentence for sentence in shown), shown
    assert "culprit" in caplog.text
    # And the others go on: all sound was heard and told, and a healthy sink was given all of it.
    assert last["said"] >= _SECONDS - 4, last["said"]
    assert len(set(last["ids"])) == len(last["ids"])
    if kind == "sink":
        assert set(last["culprit"].taken) >= set(last["ids"])
