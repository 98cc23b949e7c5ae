"""`earmark listen`: the main job."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from earmark.cli.context import App

if TYPE_CHECKING:
    from earmark.config import Config
    from earmark.listener import Listener, Outcome


_INTERRUPTED = 130


@click.command()
@click.option("--source", metavar="NAME[:VALUE]", help="Where sound comes from, such as mic or file:talk.wav.")
@click.option("--filter", "filters", multiple=True, metavar="NAME", help="What is done to sound; none for no filter.")
@click.option("--transport", metavar="NAME[:VALUE]", help="The way to a speech service, such as engine.")
@click.option("--sink", "sinks", multiple=True, metavar="NAME[:VALUE]", help="Where events go; may be repeated.")
@click.option("--fast", is_flag=True, help="Hear a recording as fast as the service takes it.")
@click.option("--exit-on-silence", metavar="SECONDS", help="Stop when nobody has spoken for so long.")
@click.option("--without", multiple=True, metavar="NAME", help="Leave out a filter, enricher, sink or service.")
@click.option("--only", multiple=True, metavar="NAME", help="Of the configured sinks and services, run only these.")
@click.option("--tui", is_flag=True, help="Watch it in the terminal viewer at the same time.")
@click.option("--json", "as_json", is_flag=True, help="Write the summary as JSON.")
@click.pass_obj
def listen(
    app: App,
    *,
    source: str | None,
    filters: tuple[str, ...],
    transport: str | None,
    sinks: tuple[str, ...],
    fast: bool,
    exit_on_silence: str | None,
    without: tuple[str, ...],
    only: tuple[str, ...],
    tui: bool,
    as_json: bool,
) -> None:
    """Hear a room and mark what matters, until told to stop.

    Ctrl-C ends the conversation and delivers what was heard; a second one stops at once. SIGTERM leaves the
    conversation so that a listener started soon after goes on with it.
    """
    if fast:
        app.assignments.append("file.fast=true")
    if exit_on_silence:
        app.assignments.append(f"conversation.exit_on_silence={exit_on_silence}")
    config = chosen(app.config, source=source, filters=filters, transport=transport, sinks=sinks)
    config = narrowed(config, without=without, only=only)
    if tui:
        outcome = watch_too(app, config)
    else:
        app.start_logging()
        outcome = run_room(app, config)
    if as_json:
        from earmark.cli.summary import as_json as written
    else:
        from earmark.cli.summary import as_text as written
    click.echo(written(outcome), err=not as_json)


def chosen(
    config: Config,
    *,
    source: str | None = None,
    filters: tuple[str, ...] = (),
    transport: str | None = None,
    sinks: tuple[str, ...] = (),
) -> Config:
    """The configuration with the stages that were named on the command line."""
    if source:
        config = config.with_stage("source", source)
    if filters:
        config = config.with_stage("filter", *(name for name in filters if name != "none"))
    if transport:
        config = config.with_stage("transport", transport)
    if sinks:
        config = config.with_stage("sink", *sinks)
    return config


def narrowed(config: Config, *, without: tuple[str, ...], only: tuple[str, ...]) -> Config:
    """The configuration with fewer stages; raises `SettingsError` for a name that is not there."""
    from earmark.errors import SettingsError

    settings = config.settings
    lists = {
        "filter": settings.filters,
        "enricher": settings.enrichers,
        "sink": settings.sinks,
        "service": settings.services,
    }
    names = {_name(text) for texts in lists.values() for text in texts}
    for name in (*without, *only):
        if name not in names:
            raise SettingsError(f'"{name}" is not among the configured stages: {", ".join(sorted(names)) or "none"}')
    for kind, texts in lists.items():
        kept = [text for text in texts if _name(text) not in without]
        if only and kind in ("sink", "service"):
            kept = [text for text in kept if _name(text) in only]
        if kept != list(texts):
            config = config.with_stage(kind, *kept)
    return config


def _name(text: str) -> str:
    return text.partition(":")[0]


def run_room(app: App, config: Config) -> Outcome:
    """Listen to a room until it is over or a signal says stop."""

    async def main() -> Outcome:
        listener = Together(app, config).listener()
        _obey_signals(listener)
        return await listener.run()

    with own_files():
        return asyncio.run(main())


@contextmanager
def own_files() -> Iterator[None]:
    """Whatever is written meanwhile, by whichever plugin, is its owner's alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@dataclass(frozen=True)
class Together:
    """A room that is to be listened to in the same program that shows it."""

    app: App
    config: Config

    def listener(self) -> Listener:
        """The listener, not begun yet."""
        from earmark.clock import SystemClock
        from earmark.listener import Listener
        from earmark.paths import room_folders
        from earmark.systemd import Notifier

        folders = room_folders(self.config.settings.room, self.config.settings, self.app.environ)
        notifier = Notifier(self.app.environ)
        return Listener(self.app.host, self.config, folders=folders, clock=SystemClock(), notifier=notifier)


def watch_too(app: App, config: Config) -> Outcome:
    """Listen and watch in one terminal: the viewer's command is given both."""
    from earmark.errors import PluginError

    command = next((offer for offer in app.host.commands() if offer.name == "tui"), None)
    if command is None:
        raise PluginError("The terminal viewer is not there: its plugin is disabled or broken (`earmark plugins`).")
    with own_files():
        outcome: Outcome = command.load().main(
            args=["--with-listener"], standalone_mode=False, obj=Together(app, config), prog_name="earmark tui"
        )
    return outcome


def _obey_signals(listener: Listener) -> None:
    loop = asyncio.get_running_loop()
    asked = 0

    def interrupted() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            click.echo("Stopping: what was heard is delivered first. Ctrl-C again stops at once.", err=True)
            listener.stop(leave=False)
        else:
            # What was heard is spooled and journaled as after any death of the process.
            sys.stdout.flush()
            os._exit(_INTERRUPTED)

    loop.add_signal_handler(signal.SIGINT, interrupted)
    loop.add_signal_handler(signal.SIGTERM, lambda: listener.stop(leave=True))
