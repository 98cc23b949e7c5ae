"""A whole room around a plugin: a real listener, a real journal, and a service in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from earmark.clock import Clock, SystemClock
from earmark.config import CORE_KEYS, Config
from earmark.describe import to_toml
from earmark.events import Durable, StageStatus, Status
from earmark.host import Host
from earmark.listener import Listener, Outcome
from earmark.paths import RoomFolders
from earmark.testing.stages import ScriptedPlugin


@dataclass
class House:
    """A room at work, and what stands in its journal."""

    listener: Listener
    scripted: ScriptedPlugin
    running: asyncio.Task[Outcome]

    @property
    def status(self) -> Status:
        """How the room is."""
        return self.listener.status()

    def stage(self, name: str) -> StageStatus:
        """How one stage is doing."""
        return next(stage for stage in self.status.stages if stage.name == name)

    async def journal(self) -> list[Durable]:
        """Everything that was journaled."""
        return [entry.event for entry in await self.listener.journal.read(0, most=100_000)]

    async def until(self, true: Callable[[], object], *, seconds: float = 600.0) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(seconds):
            while not true():
                if self.running.done():
                    self.running.result()
                    assert true(), "the room has ended before it was so"
                    return
                await asyncio.sleep(0.01)

    async def stop(self) -> Outcome:
        """Stop hearing, deliver what was heard."""
        self.listener.stop(leave=False)
        return await self.running


@asynccontextmanager
async def house(
    folder: Path,
    *plugins: tuple[str, object],
    settings: Mapping[str, object] | None = None,
    scripted: ScriptedPlugin | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[House]:
    """Run a room with the scripted source, service and sink, these plugins beside them, and these settings.

    `settings` has dotted keys, such as `{"sinks": ["recorder", "mine"], "mine.url": "http://…"}`.
    """
    scripted = scripted or ScriptedPlugin()
    given = {"source": "script", "transport": "scripted", "filters": [], "sinks": ["recorder"], **(settings or {})}
    host = Host(plugins=[("scripted", scripted), *plugins], discover=False, reserved=CORE_KEYS)
    host.load()
    file = folder / "earmark.toml"
    file.write_text("".join(f"{key} = {to_toml(value)}\n" for key, value in given.items()))
    config = Config.load(file, environ={})
    folders = RoomFolders(folder / "state", folder / "run")
    listener = Listener(host, config, folders=folders, clock=clock or SystemClock())
    running = asyncio.create_task(listener.run())
    while not hasattr(listener, "uplink") and not running.done():
        await asyncio.sleep(0)
    try:
        yield House(listener, scripted, running)
    finally:
        if not running.done():
            running.cancel()
        await asyncio.gather(running, return_exceptions=True)
