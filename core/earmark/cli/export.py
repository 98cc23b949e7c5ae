"""`earmark export`: a conversation as minutes, subtitles or JSON lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import click

from earmark.cli.context import App, pass_app
from earmark.cli.looking import MOST, SHORT_ID, looking, summary_of
from earmark.errors import EarmarkError
from earmark.exports import FORMATS, json_lines
from earmark.journal import Journal, Summary


@click.command()
@click.argument("conversation", required=False)
@click.option("--all", "everything", is_flag=True, help="Every conversation.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="markdown", show_default=True, help="What to write."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A file, or a folder for a file for each conversation."
)
@pass_app
def export(app: App, conversation: str | None, everything: bool, form: str, output: Path | None) -> int:
    """Write a CONVERSATION (an id, the beginning of one, or `latest`, which is meant if none is named)."""
    if conversation and everything:
        raise click.UsageError("Name a conversation or give --all, not both")
    into_folder = everything and output is not None and (output.is_dir() or not output.suffix)
    if everything and not FORMATS[form].joins and not into_folder:
        raise click.UsageError(f"Each conversation is a file of its own as {form}: name a folder with -o")
    asyncio.run(_export(app, None if everything else conversation or "latest", form, output, into_folder=into_folder))
    return 0


async def _export(app: App, name: str | None, form: str, output: Path | None, *, into_folder: bool) -> None:
    async with looking(app) as journal:
        if into_folder:
            assert output is not None
            await _write_each(journal, form, output)
            return
        texts = _one(journal, name, form) if name else _all(journal, form)
        if output is None:
            async for text in texts:
                click.echo(text, nl=False)
        else:
            _write(output, "".join([text async for text in texts]))


async def _one(journal: Journal, name: str, form: str) -> AsyncIterator[str]:
    yield await _text(journal, await summary_of(journal, name), form)


async def _all(journal: Journal, form: str) -> AsyncIterator[str]:
    if form == "jsonl":
        place = 0
        while entries := await journal.read(place):
            yield json_lines(entry.event for entry in entries)
            place = entries[-1].seq
        return
    for number, summary in enumerate(reversed(await journal.conversations(most=MOST))):
        yield ("\n---\n\n" if number else "") + await _text(journal, summary, form)


async def _text(journal: Journal, summary: Summary, form: str) -> str:
    entries = await journal.of_conversation(summary.id)
    return FORMATS[form].write([entry.event for entry in entries])


async def _write_each(journal: Journal, form: str, folder: Path) -> None:
    summaries = await journal.conversations(most=MOST)
    for summary in summaries:
        name = f"{summary.started.astimezone():%Y-%m-%d-%H%M}-{summary.id[:SHORT_ID]}.{FORMATS[form].suffix}"
        _write(folder / name, await _text(journal, summary, form))
    click.echo(f"{len(summaries)} conversations written to {folder}", err=True)


def _write(path: Path, text: str) -> None:
    """Write what was said in a room, for its owner's eyes only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EarmarkError(f"{path} cannot be written: {error.strerror}") from error
