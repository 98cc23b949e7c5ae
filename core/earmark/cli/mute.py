"""Commands that ask something of a running listener, through its door."""

from __future__ import annotations

import asyncio
from datetime import datetime

import click
import msgspec

from earmark import door
from earmark.cli.context import App
from earmark.events import Change, Status
from earmark.settings import Duration


@click.command()
@click.argument("duration", required=False)
@click.pass_obj
def mute(app: App, *, duration: str | None) -> None:
    """Close a listener's ears, for good or for a time such as "30 min".

    The microphone itself is closed; nothing is heard until `earmark unmute` or the time is over, also after a restart.
    """
    try:
        seconds = None if duration is None else float(Duration(duration))
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    status = ask(app, door.Mute(by="cli", seconds=seconds))
    until = f" until {_clock(status.muted_until)}" if status.muted_until else ""
    click.echo(f"Room {status.room} is muted{until}.")


@click.command()
@click.pass_obj
def unmute(app: App) -> None:
    """Open a listener's ears again."""
    status = ask(app, door.Unmute(by="cli"))
    click.echo(f"Room {status.room} is heard again.")


@click.command()
@click.pass_obj
def end(app: App) -> None:
    """End the conversation; the next word begins another."""
    status = ask(app, door.End(by="cli"))
    click.echo(f"The conversation in room {status.room} has ended.")


@click.command()
@click.argument("mark")
@click.option("--as", "change", type=click.Choice([str(c) for c in Change if c is not Change.AMENDED]), default="done")
@click.pass_obj
def mark(app: App, *, mark: str, change: str) -> None:
    """Tick off an action item, or say that it is open, answered or dismissed.

    MARK is the id that `earmark history CONVERSATION` shows.
    """
    ask(app, door.ChangeMark(by="cli", mark=mark, change=Change(change)))
    click.echo(f"Marked as {change}.")


@click.command()
@click.argument("stage")
@click.argument("key")
@click.argument("value", type=float)
@click.pass_obj
def tune(app: App, *, stage: str, key: str, value: float) -> None:
    """Turn a stage's knob while it runs, such as: earmark tune gate threshold 0.4."""
    ask(app, door.Tune(by="cli", stage=stage, key=key, value=value))
    click.echo(f"{stage}.{key} is {value:g} until it is tuned again.")


@click.command()
@click.argument("stage")
@click.pass_obj
def restart(app: App, *, stage: str) -> None:
    """Close a stage, such as a sink that broke, and open it anew without disturbing the room."""
    ask(app, door.Restart(by="cli", stage=stage))
    click.echo(f"{stage} is opened anew.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
@click.pass_obj
def status(app: App, *, as_json: bool) -> None:
    """How a running listener is doing."""
    answer = ask(app, door.GetStatus(by="cli"))
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    muted = ", muted" if answer.muted and answer.state != "muted" else ""
    click.echo(f"Room {answer.room}: {answer.state}{muted}" + (f" ({answer.reason})" if answer.reason else ""))
    click.echo(
        f"heard {answer.heard_seconds:.0f} s, not sent {answer.not_sent_seconds:.0f} s, "
        f"backlog {answer.backlog_seconds:.1f} s, lost {answer.lost_seconds:.1f} s in {answer.gaps} gaps, "
        f"{answer.reconnects} reconnections"
    )
    for stage in answer.stages:
        extra = f", {stage.delivered} delivered, {stage.lag} waiting" if stage.kind == "sink" else ""
        failures = f", {stage.failures} failures" if stage.failures else ""
        click.echo(f"  {stage.kind:<10} {stage.name:<12} {stage.state}{extra}{failures}")
    for problem in answer.problems:
        click.echo(f"! {problem}")


def ask(app: App, request: door.Request) -> Status:
    """Ask a running listener for something, and give its state afterwards."""

    async def asking() -> Status:
        async with door.knock(app.folders.runtime, app.config.settings.room) as opened:
            answer = await opened.ask(request)
            assert answer.status is not None
            return answer.status

    return asyncio.run(asking())


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M}"
