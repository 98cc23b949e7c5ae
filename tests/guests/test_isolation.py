"""No plugin takes the room down, whatever it does: a second, healthy sink gets every event all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from earmark.events import Utterance
from earmark.testing import QuickClock, ScriptedPlugin, noise, run_quickly
from earmark.testing.household import House, house
from tests.guests.culprits import Culprit, Deed
from tests.guests.misdeeds import CASES, Misdeed

SPEED = 40.0
_SECONDS = 12.0


def _settings(kind: str) -> dict[str, Any]:
    if kind in ("source", "transport"):
        return {kind: "culprit"}
    return {f"{kind}s": ["recorder", "culprit"] if kind == "sink" else ["culprit"]}


async def _spoil(folder: Path, kind: str, misdeed: Misdeed) -> tuple[list[str], dict[str, Any]]:
    """A room with a culprit in it, until it has done its deed and all sound was told; what was shown of it."""
    sound = noise(_SECONDS)
    scripted = Patient(sound)
    culprit = Culprit(kind, Deed(misdeed.moment, misdeed.fault), sound)
    shown, last = set[str](), dict[str, Any]()
    async with house(
        folder, ("culprit", culprit), settings=_settings(kind), scripted=scripted, clock=QuickClock(SPEED)
    ) as room:
        async with asyncio.timeout(900):
            while not (_told(scripted) and (misdeed.late or last["counters"].get(misdeed.counter))):
                await asyncio.sleep(0.5)
                _look(room, shown, last)
            room.listener.stop(leave=False)
            await room.running
        _look(room, shown, last)
    last["ids"] = [event.id for event in scripted.recorder.events]
    last["culprit"] = culprit
    return sorted(shown), last


class Patient(ScriptedPlugin):
    """A room whose source stays there after the last sound, until the room is stopped."""

    async def after(self) -> None:
        await asyncio.Event().wait()


def _told(scripted: ScriptedPlugin) -> bool:
    said = sum(isinstance(event, Utterance) for event in scripted.recorder.events)
    return said >= _SECONDS - 2


def _look(room: House, shown: set[str], last: dict[str, Any]) -> None:
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
    assert last["culprit"].deed.done == 1, "the culprit had no opportunity"
    assert last["counters"].get(misdeed.counter, 0) >= 1, (last["counters"], shown)
    where = [*shown, *caplog.messages]
    # What a transport does is told as the service's: the room is reconnecting.
    named = ("culprit", "The room is reconnecting") if kind == "transport" else ("culprit",)
    assert any(misdeed.seen in sentence and any(n in sentence for n in named) for sentence in where), where
    assert len(set(last["ids"])) == len(last["ids"]), "the healthy sink was given something twice"
    if kind == "sink":
        assert set(last["culprit"].taken) >= set(last["ids"]) - {last["ids"][-1]}
