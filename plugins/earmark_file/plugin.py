"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager

from earmark.hookspecs import Offer, Sink, Source, hookimpl
from earmark.room import Room
from earmark_file.settings import ConsoleSettings, FileSettings, JsonlSettings, StdinSettings


def _open_file(settings: FileSettings, room: Room) -> AbstractAsyncContextManager[Source]:
    from earmark_file.recording import open_recording

    return open_recording(settings, room)


def _open_console(settings: ConsoleSettings, room: Room) -> AbstractAsyncContextManager[Sink]:
    from earmark_file.console import open_console

    return open_console(settings, room)


def _open_jsonl(settings: JsonlSettings, room: Room) -> AbstractAsyncContextManager[Sink]:
    from earmark_file.jsonl import open_jsonl

    return open_jsonl(settings, room)


@hookimpl
def earmark_sources() -> Iterable[Offer[Source]]:
    """A recording, and raw sound from another program."""
    from earmark_file.stdin import StandardInput

    yield Offer(
        "file",
        "Hear a recording: WAV, FLAC, Ogg, Opus, MP3 and others, at any rate and with any channels.",
        _open_file,
        settings=FileSettings,
        live=False,
        argument="path",
    )
    yield Offer(
        "stdin",
        "Hear raw sound from another program, as in `arecord … | earmark listen --source stdin`.",
        StandardInput().open,
        settings=StdinSettings,
        live=False,
    )


@hookimpl
def earmark_sinks() -> Iterable[Offer[Sink]]:
    """The terminal, and files of JSON lines."""
    yield Offer(
        "console",
        "Print what is said and marked to the terminal, or as plain lines where the output is piped.",
        _open_console,
        settings=ConsoleSettings,
        cursor=False,
    )
    yield Offer(
        "jsonl",
        "Append every event to a file, one JSON object a line; `-` is the standard output.",
        _open_jsonl,
        settings=JsonlSettings,
        target=lambda settings: settings.target,
        argument="path",
    )
