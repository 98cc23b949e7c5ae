"""A worker process as the engine sees it: started, spoken to, watched, replaced."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from earmark_engine.recognizers.types import RecognizerError
from earmark_engine.recognizers.wire import (
    Failed,
    Message,
    Ready,
    Report,
    Told,
    Working,
    packed,
    read_from_worker,
)

STOP_SECONDS = 2.0
LAST_LINES = 6
"""How many lines of a dead worker's complaints are shown."""


class Worker:
    """One process, from its start to its death."""

    def __init__(self, command: tuple[str, ...], told: Callable[[Told], Awaitable[None]], log: logging.Logger) -> None:
        self._command = command
        self._told = told
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._complaints: deque[str] = deque(maxlen=LAST_LINES)
        self._unsent: list[bytes] = []
        self._heard_at = self._started_at = time.monotonic()
        self.streams: set[int] = set()
        self.ready = False
        self.retired = False
        self.reason: str | None = None
        """Why it could not load its model."""
        self.working_for: int | None = None
        self.report = Report(busy=0.0, real_time_factor=0.0)

    @property
    def pid(self) -> int | None:
        """The process id, once it was started."""
        return self._process.pid if self._process else None

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Start the process and pass on what it says, until it dies."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a file of the user's that happens to be named like a module must not be taken for it
            "-m",
            "earmark_engine.recognizers.worker",
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._process = process
        self._heard_at = self._started_at = time.monotonic()
        unsent, self._unsent = self._unsent, []
        for message in unsent:
            self._write(message)
        assert process.stderr is not None
        complaining = asyncio.create_task(self._listen_to_complaints(process.stderr))
        try:
            await self._listen(process, on_ready)
        finally:
            await self._end(process)
            await complaining

    def send(self, message: Message) -> None:
        """Say something; kept until the process runs, lost if it is dead (its streams go on elsewhere)."""
        data = packed(message)
        if self._process is None:
            self._unsent.append(data)
        else:
            self._write(data)

    def silent_seconds(self, now: float) -> float:
        """How long it has had streams, or a model to load, and said nothing."""
        if self._process is None or (self.ready and not self.streams):
            return 0.0
        return now - self._heard_at

    def lived_seconds(self, now: float) -> float:
        """How long ago the process was started."""
        return now - self._started_at

    def awaken(self) -> None:
        """Begin to count silence anew: it has something to do again."""
        self._heard_at = time.monotonic()

    def retire(self) -> None:
        """Let it end by itself: it is needed no more."""
        self.retired = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        """End it now; `run` returns when it is gone."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def last_words(self) -> str:
        """How it ended, for a log."""
        code = self._process.returncode if self._process else None
        return "; ".join([f"exit code {code}", *self._complaints])

    def _write(self, data: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(data)

    async def _listen(self, process: asyncio.subprocess.Process, on_ready: Callable[[], None]) -> None:
        assert process.stdout is not None
        while message := await read_from_worker(process.stdout):
            self._heard_at = time.monotonic()
            if isinstance(message, Told):
                self.working_for = None
                await self._told(message)
            elif isinstance(message, Working):
                self.working_for = message.stream
            elif isinstance(message, Report):
                self.report = message
            elif isinstance(message, Failed):
                self.reason = message.reason
            elif isinstance(message, Ready):
                self.ready = True
                on_ready()

    async def _listen_to_complaints(self, pipe: asyncio.StreamReader) -> None:
        while line := await pipe.readline():
            text = line.decode(errors="replace").strip()
            if text:
                self._complaints.append(text)
                self._log.debug("recogniser process %s: %s", self.pid, text)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        self.kill()
        await process.wait()


def failure(name: str, worker: Worker) -> RecognizerError:
    """What to tell whoever waits for a worker that cannot start."""
    if worker.reason:
        return RecognizerError(worker.reason)
    return RecognizerError(f"The recogniser {name} does not start ({worker.last_words()}).")
