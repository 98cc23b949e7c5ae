"""What is worth another look at the microphones: hints from the system, and sound that cannot be right."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_CARDS = Path("/proc/asound/cards")
_CARDS_SECONDS = 1.0
_END_SECONDS = 1.0
_CURED_SECONDS = 10.0
_TELLING = (b" on source", b" on server", b" on card")
_OFTEN = b"Event 'change' on source #"


@asynccontextmanager
async def hints(*, server: bool) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever microphones may have come, gone or, by a sound server, been moved."""
    hint = asyncio.Event()
    tasks = [asyncio.create_task(_watch_cards(hint))]
    if server:
        tasks.append(asyncio.create_task(_watch_server(hint)))
    try:
        yield hint
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch_cards(hint: asyncio.Event) -> None:
    before = _cards()
    while before is not None:
        await asyncio.sleep(_CARDS_SECONDS)
        now = _cards()
        if now != before:
            hint.set()
        before = now


def _cards() -> str | None:
    try:
        return _CARDS.read_text()
    except OSError:
        return None


async def _watch_server(hint: asyncio.Event) -> None:
    """Ask the sound server to tell of changes."""
    program = shutil.which("pactl")
    if not program:
        return
    process = await asyncio.create_subprocess_exec(
        program,
        "subscribe",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            if not line.startswith(_OFTEN) and any(what in line for what in _TELLING):
                hint.set()
    finally:
        await end(process)


async def end(process: asyncio.subprocess.Process) -> None:
    """End a process, by force if it does not at once."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


class ZeroWatch:
    """Finds sound that is exactly zero for long, which no microphone gives that hears a room.

    Some do so rightly: a mute button, or a noise suppressor that opens only for speech. So it is opened again only once
    for each stretch of zeros, and never again once sound has come back long after that did not help.
    """

    def __init__(self, *, after_seconds: float) -> None:
        self._after = after_seconds
        self._zeros = 0.0
        self._since_reopened: float | None = None
        self._rightly = False

    @property
    def suspicious(self) -> bool:
        """Whether there were only zeros for long, for no known reason."""
        return self._zeros >= self._after and not self._rightly

    def hear(self, seconds: float, *, silent: bool) -> bool:
        """Take note of sound; gives whether the microphone should be opened again."""
        if not silent:
            if self._since_reopened is not None and self._since_reopened > _CURED_SECONDS:
                self._rightly = True
            self._zeros, self._since_reopened = 0.0, None
            return False
        self._zeros += seconds
        if self._since_reopened is not None:
            self._since_reopened += seconds
        elif self.suspicious:
            self._since_reopened = 0.0
            return True
        return False
