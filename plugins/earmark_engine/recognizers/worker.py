"""A process that recognises speech for the engine: messages on standard input, what was heard on standard output.

    python -m earmark_engine.recognizers.worker MODULE:FUNCTION SETTINGS

The function takes the settings, as JSON, and loads a `Transcriber`. The process ends by itself when the engine does.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import BinaryIO

import msgspec
import numpy as np

from earmark.errors import EarmarkError
from earmark_engine.recognizers.hearing import Hearing, Transcriber
from earmark_engine.recognizers.turns import REPORT_SECONDS, Pressure, Turns
from earmark_engine.recognizers.types import Heard
from earmark_engine.recognizers.voice import Voice, load_detector
from earmark_engine.recognizers.wire import (
    Audio,
    Close,
    Failed,
    Finish,
    Message,
    Open,
    Ready,
    Report,
    Told,
    ToWorker,
    Working,
    packed,
    read_to_worker,
)

SETTLE_SECONDS = 0.5
"""How far sound without speech runs on before it is said to be settled."""


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every worker is told, besides what its model is told."""

    interim_seconds: float = 1.0
    nice: int = 5


class Desk:
    """All streams of one worker, and the model they share."""

    def __init__(self, transcriber: Transcriber, send: Callable[[Message], None], settings: WorkerSettings) -> None:
        self._transcriber = transcriber
        self._send = send
        self._settings = settings
        self._detector = load_detector()
        self._streams: dict[int, Hearing] = {}
        self._turns = Turns()
        self._pressure = Pressure()
        self._reported = time.monotonic()

    def take(self, message: ToWorker) -> None:
        """Do what a message asks, short of recognising."""
        if isinstance(message, Open):
            self._streams[message.stream] = Hearing(
                Voice(self._detector),
                position=message.position,
                segment=message.segment,
                spoiled=message.spoiled,
                vocabulary=message.vocabulary,
                interim_seconds=self._settings.interim_seconds,
            )
        elif isinstance(message, Close):
            self._streams.pop(message.stream, None)
        elif hearing := self._streams.get(message.stream):
            self._listen(message, hearing)

    def work(self) -> bool:
        """Recognise one segment of the stream whose turn it is; false where there is nothing to do."""
        began = time.monotonic()
        chosen = self._turns.pick(self._streams, began)
        if chosen is None:
            return False
        self._send(Working(stream=chosen))
        hearing = self._streams[chosen]
        if hearing.final_due:
            self._tell(chosen, hearing.final(self._transcriber))
            took = 0.0
        else:
            self._tell(chosen, hearing.interim(self._transcriber))
            took = time.monotonic() - began
            self._turns.interim_took(took, began + took)
        self._worked(began)
        return True

    def report(self) -> None:
        """Give a sign of life when one is due."""
        now = time.monotonic()
        if self._streams and now - self._reported >= REPORT_SECONDS:
            self._reported = now
            busy, factor = self._pressure.at(now)
            self._send(Report(busy=busy, real_time_factor=factor))

    def wait_seconds(self) -> float | None:
        """How long to wait for a message; without streams, for ever."""
        return self._turns.wait_seconds(self._streams, time.monotonic()) if self._streams else None

    def _listen(self, message: Audio | Finish, hearing: Hearing) -> None:
        began = time.monotonic()
        if isinstance(message, Audio):
            before = hearing.scanned_seconds
            hearing.feed(np.frombuffer(message.samples, np.int16))
            self._worked(began, of_sound=hearing.scanned_seconds - before)
        else:
            hearing.finish()
        self._tell(message.stream, hearing.settle(least_seconds=0.0 if hearing.finished else SETTLE_SECONDS))

    def _worked(self, began: float, *, of_sound: float = 0.0) -> None:
        now = time.monotonic()
        self._pressure.worked(now, seconds=now - began, of_sound=of_sound)

    def _tell(self, stream: int, heard: list[Heard]) -> None:
        hearing = self._streams[stream]
        self._send(
            Told(
                stream=stream,
                heard=tuple(heard),
                scanned_seconds=hearing.scanned_seconds,
                waiting_seconds=hearing.waiting_seconds,
                done=hearing.done,
            )
        )
        if hearing.done:
            del self._streams[stream]


def serve(desk: Desk, inbox: SimpleQueue[ToWorker]) -> None:
    """Take what comes and do the work, for ever; the reader ends the process."""
    while True:
        with suppress(Empty):
            desk.take(inbox.get(timeout=desk.wait_seconds()))
            while True:
                desk.take(inbox.get_nowait())
        while inbox.empty() and desk.work():
            desk.report()
        desk.report()


def read(pipe: BinaryIO, inbox: SimpleQueue[ToWorker]) -> None:
    """Pass messages on until the engine has gone, then end the process at once, whatever it is doing."""
    with suppress(msgspec.MsgspecError):
        while message := read_to_worker(pipe):
            inbox.put(message)
    os._exit(0)


def load(function: str, settings: str) -> Transcriber:
    """Import and call the function that loads the model."""
    module, _, name = function.partition(":")
    loaded: Transcriber = getattr(import_module(module), name)(settings)
    return loaded


def main() -> None:
    """Load the model, then serve."""
    function, settings = sys.argv[1:]
    told = msgspec.json.decode(settings, type=WorkerSettings)
    for stops in (signal.SIGINT, signal.SIGTERM):
        # A terminal or service manager tells every process to stop; the engine still wants the last words.
        signal.signal(stops, signal.SIG_IGN)
    os.nice(told.nice)
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what native code prints must not get between the messages

    def send(message: Message) -> None:
        out.write(packed(message))

    inbox: SimpleQueue[ToWorker] = SimpleQueue()
    threading.Thread(target=read, args=(sys.stdin.buffer, inbox), daemon=True).start()
    try:
        desk = Desk(load(function, settings), send, told)
    except (EarmarkError, ImportError, OSError, RuntimeError, ValueError) as error:
        send(Failed(reason=str(error) or type(error).__name__))
        sys.exit(1)
    send(Ready())
    serve(desk, inbox)


if __name__ == "__main__":
    main()
