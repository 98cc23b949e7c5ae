"""`earmark listen --tui`: the listener and its viewer in one program, in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

import click

from earmark.cli.listen import Together, narrowed
from earmark.errors import EarmarkError
from earmark.listener import Listener, Outcome
from earmark.paths import room_folders
from earmark.tasks import unstoppable
from earmark_tui.app import Viewer
from earmark_tui.opening import calm_collector, local_feed, viewer_for

_CONSOLE = "console"
LOG_FILE = "listen.log"


async def listen_and_watch(together: Together) -> Outcome:
    """Listen until the viewer is left or the source is over, and deliver what was heard.

    The viewer cannot harm the listener: if it fails, or its terminal goes away, the room is listened to as before.
    """
    app, config = together.app, together.config
    if not sys.stdout.isatty():
        raise EarmarkError("--tui needs a terminal; without it, `earmark listen` writes plain lines")
    if any(text.partition(":")[0] == _CONSOLE for text in config.settings.sinks):
        config = narrowed(config, without=(_CONSOLE,), only=())
    calm_collector()
    folders = room_folders(config.settings.room, config.settings, app.environ).make()
    with (folders.state / LOG_FILE).open("w", encoding="utf-8") as log:
        app.start_logging(log)
        asyncio.get_running_loop().set_task_factory(unstoppable)
        listener = Together(app, config).listener()
        viewer = viewer_for(app, local_feed(app), stops=True, room=config.settings.room)
        try:
            return await _run(listener, viewer)
        finally:
            app.close()


async def _run(listener: Listener, viewer: Viewer) -> Outcome:
    listening = asyncio.create_task(listener.run(), name="earmark listener")
    watching = asyncio.create_task(viewer.run_async(), name="earmark viewer")
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, _leave, listener, viewer)
    loop.add_signal_handler(signal.SIGHUP, viewer.exit, "gone")
    loop.add_signal_handler(signal.SIGINT, viewer.exit, "stop")
    listening.add_done_callback(lambda task: viewer.exit("failed") if _failed(task) else None)
    try:
        await asyncio.wait({watching})
        answer = viewer.return_value if not _failed(watching) else None
        if not listening.done():
            _say_what_follows(listener, answer)
            _obey_interrupts(listener, listening, stopping=answer == "stop")
        return await listening
    finally:
        for task in (listening, watching):
            task.cancel()
        await asyncio.gather(listening, watching, return_exceptions=True)


def _failed(task: asyncio.Task[object]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _leave(listener: Listener, viewer: Viewer) -> None:
    """Stop as a service is stopped: the conversation stays joinable."""
    listener.stop(leave=True)
    viewer.exit("left")


def _say_what_follows(listener: Listener, answer: str | None) -> None:
    if answer == "stop":
        listener.stop(leave=False)
        _tell("Stopping: what was heard is delivered first. Ctrl-C stops at once.")
    elif answer != "left":
        _tell("The viewer is gone; listening goes on. Ctrl-C ends it, `earmark tui` watches again.")


def _obey_interrupts(listener: Listener, listening: asyncio.Task[Outcome], *, stopping: bool) -> None:
    """Ctrl-C ends the conversation; once that was asked for, it stops at once."""
    asked = stopping

    def interrupted() -> None:
        nonlocal asked
        if asked:
            listening.cancel()
        else:
            listener.stop(leave=False)
            _tell("Stopping: what was heard is delivered first. Ctrl-C again stops at once.")
        asked = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted)


def _tell(words: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        click.echo(words, err=True)
