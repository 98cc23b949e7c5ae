"""What a conversation can be written as."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from earmark.events import Durable, encode
from earmark.minutes import markdown
from earmark.subtitles import srt, webvtt


def json_lines(events: Iterable[Durable]) -> str:
    """The events as sinks get them, with their ids, one a line."""
    return "".join(f"{encode(event).decode()}\n" for event in events)


class Format(NamedTuple):
    """One way to write a conversation."""

    write: Callable[[Sequence[Durable]], str]
    suffix: str
    """How the name of such a file ends."""
    joins: bool
    """Whether several conversations in one file make sense."""


FORMATS = {
    "markdown": Format(markdown, "md", joins=True),
    "jsonl": Format(json_lines, "jsonl", joins=True),
    "srt": Format(srt, "srt", joins=False),
    "vtt": Format(webvtt, "vtt", joins=False),
}
"""By the name that `earmark export --format` takes."""
