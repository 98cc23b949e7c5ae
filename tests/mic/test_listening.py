"""The microphone in a whole listener."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.file.rooms import until
from tests.mic.sound_server import SoundServer

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def a_listener(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await earmark("listen", "--source", "mic", "--sink", f"jsonl:{folder / 'out.jsonl'}", folder=folder)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            assert await process.wait() == 0, (folder / "log").read_text()


async def earmark(*words: str, folder: Path) -> asyncio.subprocess.Process:
    with (folder / "log").open("a") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "earmark",
            *words,
            cwd=folder,
            env=os.environ | {"EARMARK_STATE": str(folder / "state")},
            stdout=log,
            stderr=log,
        )


async def test_mute_closes_the_device_and_unmute_opens_it(server: SoundServer, tmp_path: Path) -> None:
    server.plug("kitchen")
    async with a_listener(tmp_path):
        await until(lambda: bool(server.recorders()), seconds=60)
        assert await (await earmark("mute", folder=tmp_path)).wait() == 0
        await until(lambda: not server.recorders(), seconds=20)
        assert await (await earmark("unmute", folder=tmp_path)).wait() == 0
        await until(lambda: bool(server.recorders()), seconds=20)
    assert not server.recorders()
