"""A real `earmark listen` in a folder of its own, looked at from outside."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SILENCE = bytes(3200)
BLOCK_SECONDS = 0.1


@dataclass
class Program:
    """A listener that runs, with all that it writes."""

    folder: Path
    process: asyncio.subprocess.Process

    @property
    def environ(self) -> dict[str, str]:
        return environ(self.folder)

    @property
    def written(self) -> str:
        return (self.folder / "listen.log").read_text()

    def family(self) -> list[int]:
        """The ids of the process and of all that it started."""
        found = [self.process.pid]
        for pid in found:
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += [int(child) for child in (task / "children").read_text().split()]
        return found

    def titles(self) -> bytes:
        """What everybody on the machine can see of them."""
        return b"\n".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in self.family())

    def listening(self) -> set[tuple[str, int]]:
        """The addresses and ports they listen on."""
        own = {inode for pid in self.family() for inode in _sockets(pid)}
        return {(host, port) for host, port, inode in _listeners() if inode in own}


def environ(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "EARMARK_STATE": str(folder / "state"),
        "EARMARK_RUNTIME": str(folder / "runtime"),
    }


@asynccontextmanager
async def listening(folder: Path, configuration: str, *words: str) -> AsyncIterator[Program]:
    """Listen to silence on standard input, as a configuration says, until left."""
    file = folder / "earmark.toml"
    file.write_text(configuration)
    with (folder / "listen.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "earmark", "--config", str(file), *words, "listen"),
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environ(folder),
        )
    feeding = asyncio.create_task(_feed(process))
    try:
        yield Program(folder, process)
    finally:
        feeding.cancel()
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()
            raise
        finally:
            await asyncio.gather(feeding, return_exceptions=True)
            assert process.stdin is not None
            process.stdin.close()


async def _feed(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    with suppress(ConnectionError):
        while True:
            process.stdin.write(SILENCE)
            await process.stdin.drain()
            await asyncio.sleep(BLOCK_SECONDS)


async def said_by(folder: Path, *words: str) -> bytes:
    """What a command of Earmark prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "earmark", "--config", str(folder / "earmark.toml"), *words),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environ(folder),
    )
    told, _ = await asyncio.wait_for(process.communicate(), 60)
    return told


def _sockets(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = str(handle.readlink())
                if target.startswith("socket:["):
                    yield target[8:-1]


def _listeners() -> Iterator[tuple[str, int, str]]:
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            host, _, port = fields[1].partition(":")
            if fields[3] == "0A":
                yield _address(host), int(port, 16), fields[9]


def _address(text: str) -> str:
    if len(text) == 8:
        return ".".join(str(part) for part in reversed(bytes.fromhex(text)))
    return "::1" if text == "0" * 24 + "01000000" else text
