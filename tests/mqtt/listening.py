"""A real listener to be killed: `python -m tests.mqtt.listening FOLDER PORT`.

It hears noise ten times as fast as it is made; a scripted service makes an utterance of every tenth of a second of it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import types
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from earmark.audio import Frame
from earmark.clock import SystemClock
from earmark.config import Config
from earmark.hookspecs import NoSettings, Offer, Source, Transport, hookimpl
from earmark.host import Host
from earmark.listener import Listener
from earmark.paths import room_folders
from earmark.room import Room
from earmark.testing.peer import ScriptedPeer
from earmark_mqtt import plugin

_BLOCK_SECONDS, _PAUSE_SECONDS = 0.1, 0.01


@asynccontextmanager
async def _noise(settings: NoSettings, room: Room) -> AsyncIterator[Source]:
    async def frames() -> AsyncIterator[Frame]:
        block = round(room.rate * _BLOCK_SECONDS)
        position = 0
        while True:
            samples = np.full(block, 500, dtype=np.int16)
            yield Frame(samples=samples, rate=room.rate, position=position, at=room.clock.now())
            position += block
            await asyncio.sleep(_PAUSE_SECONDS)

    yield frames()


@asynccontextmanager
async def _service(settings: NoSettings, room: Room) -> AsyncIterator[Transport]:
    yield ScriptedPeer(every_seconds=_BLOCK_SECONDS, confirms=True)


def _guest() -> types.ModuleType:
    module = types.ModuleType("guest")

    @hookimpl
    def earmark_sources() -> Iterable[Offer[Source]]:
        yield Offer("noise", "Noise.", _noise, live=False)

    @hookimpl
    def earmark_transports() -> Iterable[Offer[Transport]]:
        yield Offer("scripted", "A scripted service.", _service)

    vars(module).update(earmark_sources=earmark_sources, earmark_transports=earmark_transports)
    return module


async def main(folder: Path, port: int) -> None:
    host = Host(plugins=[("guest", _guest()), ("mqtt", plugin)])
    host.load()
    assignments = {
        "room": "kitchen",
        "source": "noise",
        "transport": "scripted",
        "filters": [],
        "sinks": ["mqtt"],
        "state_folder": str(folder / "state"),
        "runtime_folder": str(folder / "run"),
        "mqtt.host": "127.0.0.1",
        "mqtt.port": port,
        "mqtt.kinds": ["utterance", "conversation_started", "conversation_ended", "gap"],
    }
    config = Config.load(None, environ={}, assignments=[f"{key}={value!r}" for key, value in assignments.items()])
    folders = room_folders("kitchen", config.settings, {})
    listener = Listener(host, config, folders=folders, clock=SystemClock())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: listener.stop(leave=True))
    print(folders.journal, flush=True)
    await listener.run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
