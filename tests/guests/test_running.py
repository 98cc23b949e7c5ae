"""A plugin of a running listener is seen in `earmark plugins`, and opened anew with `earmark restart`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from earmark.door import GetStatus, Restart, knock
from earmark.testing import ScriptedPlugin, house


class Staying(ScriptedPlugin):
    async def after(self) -> None:
        await asyncio.Event().wait()


async def test_a_stage_is_opened_anew_without_disturbing_the_room(tmp_path: Path) -> None:
    async with house(tmp_path, scripted=Staying()) as room:
        await room.until(lambda: len(room.scripted.recorder.events) >= 4, seconds=20)
        async with knock(tmp_path / "run", "room") as door:
            await door.ask(Restart(by="test", stage="recorder"))
            await room.until(lambda: room.stage("recorder").failures == 1, seconds=20)
            await room.until(lambda: room.stage("recorder").state == "running", seconds=20)
            answer = await door.ask(GetStatus(by="test"))
        assert answer.status is not None and not room.running.done()
        await room.stop()
    ids = [event.id for event in room.scripted.recorder.events]
    assert len(ids) >= 4


async def test_earmark_plugins_shows_how_running_stages_do(tmp_path: Path) -> None:
    async with house(tmp_path, scripted=Staying(), settings={"sinks": ["recorder"]}) as room:
        await room.until(lambda: len(room.scripted.recorder.events) >= 4, seconds=20)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "earmark", "plugins", "--json", cwd="/", stdout=asyncio.subprocess.PIPE,
            env={"HOME": str(tmp_path), "EARMARK_RUNTIME": str(tmp_path), "EARMARK_ROOM": "run", "PATH": "/usr/bin"},
        )  # fmt: skip
        out, _ = await process.communicate()
        assert isinstance(json.loads(out), list)
        await room.stop()
