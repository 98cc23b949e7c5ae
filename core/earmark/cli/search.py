"""`earmark search`: what was said, found by its words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import click
import msgspec

from earmark.cli.context import App, pass_app, print_json
from earmark.cli.looking import SHORT_ID, local_day, looking, summary_of, when
from earmark.errors import JournalError
from earmark.events import Insight, Utterance
from earmark.journal import Found, Query
from earmark.minutes import name_of
from earmark.when import EXAMPLES

_KINDS = ("utterance", "insight", "action_item", "question", "follow_up")


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--since", type=when, metavar="WHEN", help=f"Not before: {EXAMPLES}.")
@click.option("--until", type=when, metavar="WHEN", help="Before.")
@click.option("--conversation", metavar="ID", help="In this one only; `latest` is the newest.")
@click.option("--kind", "kinds", type=click.Choice(_KINDS), multiple=True, help="Only these; may be repeated.")
@click.option("-n", "--most", type=click.IntRange(1), default=20, show_default=True, help="How many to show.")
@click.option("--json", "as_json", is_flag=True, help="Write it for a program to read.")
@pass_app
def search(
    app: App,
    words: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    conversation: str | None,
    kinds: tuple[str, ...],
    most: int,
    as_json: bool,
) -> int:
    """Find what was said, the newest first.

    All WORDS must be in it, in any form: `call` finds `calling`. "Words in quotes" must follow each other, and a star
    stands for any ending: plumb*.
    """
    query = Query(" ".join(_quoted(word) for word in words), since, until, conversation, kinds)
    found = asyncio.run(_find(app, query, most))
    if as_json:
        print_json([msgspec.to_builtins(hit.entry.event) | {"spans": hit.spans} for hit in found])
    elif found:
        click.echo("\n".join(_lines(found)))
    else:
        click.echo("Nothing found.", err=True)
    return 0


def _quoted(word: str) -> str:
    # The shell has taken the quotes away from what was typed as one argument.
    return f'"{word}"' if " " in word and '"' not in word else word


async def _find(app: App, query: Query, most: int) -> list[Found]:
    try:
        async with looking(app) as journal:
            if query.conversation:
                query = replace(query, conversation=(await summary_of(journal, query.conversation)).id)
            return await journal.search(query, most=most)
    except JournalError as error:
        if app.folders.journal.exists():
            raise
        click.echo(error, err=True)
        return []


def _lines(found: list[Found]) -> Iterator[str]:
    for hit in found:
        event = hit.entry.event
        where = f"{local_day(event.at)}  {event.conversation[:SHORT_ID]:{SHORT_ID}}"
        kind = f"[{event.kind.replace('_', ' ')}] " if isinstance(event, Insight) else ""
        name = name_of(event.speaker) if isinstance(event, Utterance | Insight) else None
        yield f"{click.style(where, dim=True)}  {kind}" + (f"{name}: " if name else "") + _highlighted(hit)


def _highlighted(hit: Found) -> str:
    text = getattr(hit.entry.event, "text", None) or ""
    parts, done = [], 0
    for begin, end in hit.spans:
        parts += [text[done:begin], click.style(text[begin:end], bold=True, fg="yellow")]
        done = end
    return " ".join("".join([*parts, text[done:]]).split())
