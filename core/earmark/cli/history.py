"""`earmark history`: the conversations of a room, newest first, and what was said in one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from earmark.cli.context import App, pass_app, print_json
from earmark.cli.looking import SHORT_ID, local_day, looking, summary_of
from earmark.errors import JournalError
from earmark.events import Change, Gap, InsightKind
from earmark.journal import Entry, Mark, Summary
from earmark.minutes import Minutes, collect, due_of, gap_in_words, in_order, length, name_of, text_of

_MARKS = {
    InsightKind.ACTION_ITEM: "To do",
    InsightKind.QUESTION: "Questions",
    InsightKind.FOLLOW_UP: "To follow up",
}


@click.command()
@click.argument("conversation", required=False)
@click.option("-n", "--most", type=click.IntRange(1), default=20, show_default=True, help="How many to list.")
@click.option("--json", "as_json", is_flag=True, help="Write it for a program to read.")
@pass_app
def history(app: App, conversation: str | None, most: int, as_json: bool) -> int:
    """What was heard: conversations, newest first.

    With a CONVERSATION (its id, the beginning of it, or `latest`): what was said in it and what came of it.
    """
    return asyncio.run(_one(app, conversation, as_json) if conversation else _all(app, most, as_json))


async def _all(app: App, most: int, as_json: bool) -> int:
    found: list[Summary] = []
    try:
        async with looking(app) as journal:
            found = await journal.conversations(most=most)
    except JournalError as error:
        if app.folders.journal.exists():
            raise
        click.echo(error, err=True)
    if as_json:
        print_json(msgspec.to_builtins(found))
    elif found:
        click.echo("\n".join(_table(found)))
    return 0


def _table(found: list[Summary]) -> Iterator[str]:
    rows = [("CONVERSATION", "WHEN", "LENGTH", "SAID", "MARKS", "")]
    for summary in found:
        length_ = length(summary.seconds) if summary.ended else "going on" if summary is found[0] else "broken off"
        rows.append(
            (
                summary.id[:SHORT_ID],
                local_day(summary.started),
                length_,
                str(summary.utterances),
                str(summary.marks),
                summary.title or "",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for number, row in enumerate(rows):
        left = f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>{widths[2]}}"
        line = f"{left}  {row[3]:>{widths[3]}}  {row[4]:>{widths[4]}}  {row[5]}".rstrip()
        yield click.style(line, dim=True) if number == 0 else line


async def _one(app: App, name: str, as_json: bool) -> int:
    async with looking(app) as journal:
        summary = await summary_of(journal, name)
        entries = await journal.of_conversation(summary.id)
    minutes = collect([entry.event for entry in entries])
    if as_json:
        print_json(_facts(summary, minutes, entries))
    else:
        click.echo("\n".join(_told(summary, minutes)))
    return 0


def _facts(summary: Summary, minutes: Minutes, entries: list[Entry]) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(summary),
        "people": minutes.people,
        "topics": minutes.topics,
        "open_marks": [
            msgspec.to_builtins(mark.insight) for mark in minutes.marks if mark.state in (Change.OPEN, Change.AMENDED)
        ],
        "events": [msgspec.to_builtins(entry.event) for entry in entries],
    }


def _told(summary: Summary, minutes: Minutes) -> Iterator[str]:
    began = minutes.began.astimezone()
    spent = length((minutes.ended - minutes.began).total_seconds())
    yield click.style(minutes.title or f"Conversation {summary.id[:SHORT_ID]}", bold=True)
    yield " · ".join(part for part in (f"{began:%a %d %b %Y %H:%M}", spent, ", ".join(minutes.people)) if part)
    for kind, title in _MARKS.items():
        if marks := minutes.of_kind(kind):
            yield from ("", click.style(title, bold=True), *(f"  {_mark(mark)}" for mark in marks))
    if minutes.topics:
        yield from ("", click.style("Topics", bold=True), "  " + ", ".join(minutes.topics))
    yield from ("", click.style("What was said", bold=True))
    for item in in_order(minutes):
        at = click.style(f"{item.at.astimezone():%H:%M:%S}", dim=True)
        if isinstance(item, Gap):
            yield f"  {at}  {click.style(gap_in_words(item), fg='yellow')}"
        else:
            name = name_of(item.speaker)
            yield f"  {at}  " + (f"{click.style(name, fg='cyan')}: " if name else "") + text_of(item)


def _mark(mark: Mark) -> str:
    insight = mark.insight
    settled = mark.state in (Change.DONE, Change.ANSWERED)
    due = due_of(insight, None)
    facts = [name_of(insight.assignee), f"by {due}" if due else None, str(mark.state) if settled else None]
    known = ", ".join(fact for fact in facts if fact)
    sign = "✓" if settled else "•"
    return f"{sign} {text_of(insight)}" + (f" ({known})" if known else "")
