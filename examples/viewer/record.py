"""Record what a running listener tells, live text included, for `earmark tui --replay FILE`.

    earmark listen --room demo --source file:talk.wav --filter none &
    python record.py demo events.jsonl

Levels and the listener's state are kept four times a second at most, so that the file stays small; the details of its
stages, which may hold paths of the machine, are left out.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from msgspec.structs import replace

from earmark.config import Config
from earmark.door import knock
from earmark.errors import NobodyListens
from earmark.events import AnyEvent, Level, Status, encode
from earmark.paths import room_folders

LEVEL_EVERY_SECONDS = 0.25


async def record(room: str, path: Path) -> None:
    """Write every event of a room as a line of JSON until its listener stops."""
    settings = Config.load(None, environ=os.environ, assignments=[f"room={room}"]).settings
    folders = room_folders(room, settings, os.environ)
    last: dict[type[AnyEvent], float] = {}
    while True:
        try:
            async with knock(folders.runtime, room) as door:
                with path.open("wb") as file:
                    async for told in door.watch(0):
                        event = told.event
                        if isinstance(event, Level | Status):
                            at = event.at.timestamp()
                            if at - last.get(type(event), 0.0) < LEVEL_EVERY_SECONDS:
                                continue
                            last[type(event)] = at
                        if isinstance(event, Status):
                            event = replace(event, stages=tuple(replace(stage, details={}) for stage in event.stages))
                        file.write(encode(event) + b"\n")
                return
        except NobodyListens:
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1], Path(sys.argv[2])))
