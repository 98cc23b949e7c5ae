"""What the commands that look into a journal share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import click

from earmark.cli.context import App
from earmark.clock import SystemClock
from earmark.errors import EarmarkError, JournalError
from earmark.journal import Journal, Summary
from earmark.when import point_in_time

MOST = 1_000_000
SHORT_ID = 8


def when(text: str) -> datetime:
    """What an option that takes a point in time was given."""
    try:
        return point_in_time(text, datetime.now().astimezone())
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@asynccontextmanager
async def looking(app: App) -> AsyncIterator[Journal]:
    """The room's journal, to look at; raises `JournalError` where nothing was heard yet."""
    path = app.folders.journal
    if not path.exists():
        raise JournalError(f'Nothing has been heard in room "{app.config.settings.room}" yet; `earmark listen` begins')
    async with Journal.open(path, clock=SystemClock(), read_only=True) as journal:
        yield journal


async def summary_of(journal: Journal, name: str) -> Summary:
    """The conversation that is meant by `latest`, an id, or the beginning of one."""
    if name == "latest":
        newest = await journal.conversations(most=1)
        if not newest:
            raise EarmarkError("There is no conversation yet; `earmark listen` begins one")
        return newest[0]
    found = await journal.beginning_with(name)
    if name in found:
        found = [name]
    if not found:
        raise EarmarkError(f'There is no conversation "{name}"; `earmark history` lists them')
    if len(found) > 1:
        raise EarmarkError(f'"{name}" may be {" or ".join(found)}; type more of it')
    summary = await journal.conversation(found[0])
    assert summary is not None
    return summary


def local_day(at: datetime) -> str:
    """A moment as lists show it, in local time."""
    local = at.astimezone()
    same_year = local.year == datetime.now().astimezone().year
    return f"{local:%a %d %b %H:%M}" if same_year else f"{local:%d %b %Y %H:%M}"
