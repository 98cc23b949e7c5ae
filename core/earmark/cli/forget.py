"""`earmark forget`: delete what was heard, for good."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from earmark.cli.context import App, pass_app, print_json
from earmark.cli.looking import looking, summary_of, when
from earmark.clock import SystemClock
from earmark.core_settings import Settings
from earmark.errors import NobodyListens
from earmark.journal import Forgotten, Journal, Selection
from earmark.lock import hold
from earmark.paths import RoomFolders
from earmark.when import EXAMPLES


@click.command()
@click.argument("conversation", required=False)
@click.option("--since", type=when, metavar="WHEN", help=f"Not before: {EXAMPLES}.")
@click.option("--until", type=when, metavar="WHEN", help="Before.")
@click.option("--speaker", metavar="NAME", help="What this person said, and what came of it.")
@click.option("--all", "everything", is_flag=True, help="Everything that this room ever heard.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Write what was deleted for a program to read.")
@pass_app
def forget(
    app: App,
    conversation: str | None,
    since: datetime | None,
    until: datetime | None,
    speaker: str | None,
    everything: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Delete a CONVERSATION, a span of time, what one person said, or everything: from the file, for good.

    What came of the words (tasks, questions, topics) goes with them. Sinks keep what they were given.
    """
    selection = Selection(conversation, since, until, speaker)
    if selection.everything != everything:
        raise click.UsageError("Say what to forget: a CONVERSATION, --since, --until, --speaker, or --all of it")
    return asyncio.run(_forget(app, selection, yes=yes, as_json=as_json))


async def _forget(app: App, selection: Selection, *, yes: bool, as_json: bool) -> int:
    async with looking(app) as journal:
        if selection.conversation:
            selection = await _named(journal, selection)
        there = await journal.count(selection)
    if not there.events and not selection.everything:
        click.echo("There is nothing to forget there.", err=True)
    elif not yes:
        click.confirm(f"Delete {_amount(there)} for good?", abort=True, err=True)
    forgotten = await delete(app.folders, app.config.settings, selection)
    if as_json:
        print_json({"events": forgotten.events, "conversations": forgotten.conversations, "wiped": forgotten.wiped})
    else:
        click.echo(f"Deleted {_amount(forgotten)}.")
    return _warned(forgotten)


async def _named(journal: Journal, selection: Selection) -> Selection:
    assert selection.conversation is not None
    return replace(selection, conversation=(await summary_of(journal, selection.conversation)).id)


async def delete(folders: RoomFolders, settings: Settings, selection: Selection) -> Forgotten:
    """Have the room's listener forget, or do it here where none runs."""
    from earmark.door import Forget, knock

    try:
        async with knock(folders.runtime, settings.room) as door:
            answer = await door.ask(Forget(by="cli", selection=selection))
    except NobodyListens:
        with hold(folders.state, settings.room):
            return await _delete_here(folders, settings, selection)
    assert answer.forgotten is not None
    return answer.forgotten


async def _delete_here(folders: RoomFolders, settings: Settings, selection: Selection) -> Forgotten:
    async with Journal.open(folders.journal, clock=SystemClock()) as journal:
        present = await journal.present()
        forgotten = await journal.forget(selection)
    for path in _spooled(folders):
        if selection.conversation in (None, present) and _recorded_within(path, selection, settings.spool.seconds):
            path.unlink(missing_ok=True)
    return forgotten


def _spooled(folders: RoomFolders) -> list[Path]:
    """Files of sound that no service has heard yet; it belongs to the conversation that is not over."""
    return [path for base in (folders.runtime, folders.state) for path in base.glob("spool/*") if path.is_file()]


def _recorded_within(path: Path, selection: Selection, spool_seconds: float) -> bool:
    """Whether a file may hold sound of the span: as much as fits, before it was last written. It names no speaker."""
    if selection.speaker:
        return False
    last = path.stat().st_mtime
    since = selection.since.timestamp() if selection.since else 0.0
    return since <= last and (selection.until is None or last - spool_seconds < selection.until.timestamp())


def _amount(forgotten: Forgotten) -> str:
    return f"{_several(forgotten.events, 'event')} of {_several(forgotten.conversations, 'conversation')}"


def _several(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _warned(forgotten: Forgotten) -> int:
    """Say what is still in a file, and give the exit code."""
    if not forgotten.wiped:
        click.echo(
            "Another program reads the journal, so that the text is still in the file; "
            "close that program and run the same command again.",
            err=True,
        )
    for path in forgotten.left:
        click.echo(f"{path} was set aside as damaged and may hold the text: delete it if so.", err=True)
    return 0 if forgotten.wiped else 1
