"""The terminal as a sink: what is being said, in place; what was said and marked, line by line."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TextIO

from earmark.clock import moment
from earmark.events import AnyEvent, Hearing, Status, Utterance
from earmark.hookspecs import EventStream
from earmark.room import Room
from earmark_file.output import Output
from earmark_file.settings import ConsoleSettings
from earmark_file.wording import Line, line_for, problem_lines, status_line

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}
_CLEAR_LINE = "\r\x1b[2K"
_NARROWEST = 20


@asynccontextmanager
async def open_console(
    settings: ConsoleSettings, room: Room, *, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ
) -> AsyncIterator[Console]:
    """Write to standard output until closed."""
    stream = stream or sys.stdout
    terminal = stream.isatty() and environ.get("TERM") != "dumb"
    colour = settings.colour == "always" or (settings.colour == "auto" and terminal and not environ.get("NO_COLOR"))
    async with Output.open(stream) as output:
        screen = Screen(output, in_place=terminal, colour=colour)
        try:
            yield Console(screen, room, interim=settings.interim and terminal)
        finally:
            await screen.close()


class Console:
    """The sink: events as lines, interim text in place below them."""

    def __init__(self, screen: Screen, room: Room, *, interim: bool) -> None:
        self._screen, self._room, self._interim = screen, room, interim

    async def run(self, events: EventStream) -> None:
        """Print until the stream ends."""
        live = asyncio.create_task(self._watch())
        durable = asyncio.create_task(self._print(events))
        try:
            await asyncio.wait((live, durable), return_when=asyncio.FIRST_COMPLETED)
            if live.done():
                live.result()
            await durable
        finally:
            for task in (live, durable):
                task.cancel()
            await asyncio.gather(live, durable, return_exceptions=True)

    async def _print(self, events: EventStream) -> None:
        async for event in events:
            line = line_for(event, today=moment(self._room.clock.now()).astimezone().date())
            if line is not None:
                await self._screen.print(line, settles=event)

    async def _watch(self) -> None:
        before: Status | None = None
        kinds: tuple[type[AnyEvent], ...] = (Status, Hearing) if self._interim else (Status,)
        async for event in self._room.watch(*kinds):
            if isinstance(event, Hearing):
                await self._screen.hear(event)
            elif isinstance(event, Status):
                changed = status_line(event, before)
                for line in ([changed] if changed else []) + problem_lines(event, before):
                    await self._screen.print(line)
                before = event


class Screen:
    """Lines that stay, and below them one that is replaced in place."""

    def __init__(self, output: Output, *, in_place: bool, colour: bool) -> None:
        self._output, self._in_place, self._colour = output, in_place, colour
        self._hearing: Hearing | None = None

    async def print(self, line: Line, *, settles: AnyEvent | None = None) -> None:
        """Add a line; an utterance takes the place of the interim text it grew from."""
        if isinstance(settles, Utterance) and self._hearing is not None and _covers(settles, self._hearing):
            self._hearing = None
        before = _CLEAR_LINE if self._in_place else ""
        await self._output.write(f"{before}{render(line, colour=self._colour)}\n{self._interim()}")

    async def hear(self, hearing: Hearing) -> None:
        """Replace the interim text; skipped while the terminal is slow."""
        self._hearing = hearing
        if not self._output.busy:
            await self._output.write(f"{_CLEAR_LINE}{self._interim()}")

    async def close(self) -> None:
        """Leave the cursor at the start of an empty line."""
        if self._in_place and self._hearing is not None and not self._output.busy:
            self._hearing = None
            await self._output.write(_CLEAR_LINE)

    def _interim(self) -> str:
        if self._hearing is None:
            return ""
        width = max(_NARROWEST, shutil.get_terminal_size().columns - 1)
        text = _plain(self._hearing.text)
        head = f"{self._hearing.at.astimezone():%H:%M:%S}  "
        room = width - len(head)
        return head + _styled(text if len(text) <= room else "…" + text[1 - room :], "dim", colour=self._colour)


def render(line: Line, *, colour: bool) -> str:
    """A line as it is printed: the time, who spoke or a sign, the text."""
    time = _styled(f"{line.at.astimezone():%H:%M:%S}", "dim", colour=colour)
    text = _plain(line.text)
    if line.mark:
        return f"{time}    {_styled(f'{line.mark} {text}', line.style, colour=colour)}"
    who = _styled(f"{_plain(line.who)}: ", "bold", colour=colour) if line.who else ""
    return f"{time}  {who}{_styled(text, line.style, colour=colour)}"


def _plain(text: str) -> str:
    # What a peer says must not steer the terminal.
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _covers(utterance: Utterance, hearing: Hearing) -> bool:
    return hearing.at <= utterance.at + timedelta(seconds=max(0.0, utterance.end - utterance.start))


def _styled(text: str, style: str, *, colour: bool) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if colour and style and text else text
