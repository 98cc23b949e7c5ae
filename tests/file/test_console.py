from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from earmark.audio import Cause
from earmark.events import (
    AnyEvent,
    Change,
    ConversationEnded,
    ConversationStarted,
    Entity,
    Gap,
    Hearing,
    Insight,
    InsightKind,
    MarkChanged,
    Speaker,
    State,
    Status,
    Topic,
    TrackerHit,
    Utterance,
)
from earmark_file.console import open_console
from earmark_file.output import Output
from earmark_file.settings import ConsoleSettings
from earmark_file.wording import duration
from tests.file.rooms import LiveEvents, ManualClock, Script, a_room, until

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Pipe(io.StringIO):
    encoding = "utf-8"


class Following(Script):
    """A journal that goes on: give it events with `put`, end it with `end`."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: asyncio.Queue[AnyEvent | None] = asyncio.Queue()

    async def __anext__(self) -> AnyEvent:
        event = await self.queue.get()
        if event is None:
            raise StopAsyncIteration
        return event


def utterance(text: str, *, at: datetime = AT, who: str | None = None) -> Utterance:
    return Utterance(at=at, text=text, start=0, end=2, speaker=Speaker(name=who) if who else None)


async def printed(*events: AnyEvent, folder: Path) -> str:
    stream = Pipe()
    room = a_room(folder, clock=ManualClock())
    async with open_console(ConsoleSettings(), room, stream=stream, environ={}) as sink:
        await sink.run(Script(*events))
    return stream.getvalue()


TASK = Insight(
    at=AT,
    mark="m",
    kind=InsightKind.ACTION_ITEM,
    text="Call the plumber",
    assignee=Speaker(name="Joe"),
    due=datetime(2026, 3, 6, 9, 30, tzinfo=UTC),
)

WORDINGS: list[tuple[AnyEvent, str]] = [
    (ConversationStarted(at=AT, title="Breakfast"), "— A conversation began: Breakfast —"),
    (
        ConversationEnded(at=AT, reason="silence", seconds=185),
        "— The conversation ended after 3 min 5 s: nobody spoke any more —",
    ),
    (utterance("Good morning.", who="Ann"), "Ann: Good morning."),
    (utterance("Good morning."), "Good morning."),
    (Utterance(at=AT, text="", start=0, end=1, withheld=True), "(text withheld)"),
    (TASK, "☐ To do: Call the plumber · who: Joe · by: Fri 6 Mar 2026 09:30"),
    (Insight(at=AT, mark="m", kind=InsightKind.QUESTION, text="Who cooks?"), "? Question: Who cooks?"),
    (
        Insight(at=AT, mark="m", kind=InsightKind.FOLLOW_UP, text="Talk again", revision=1),
        "↪ Follow-up: Talk again · amended",
    ),
    (MarkChanged(at=AT, mark="m", change=Change.DONE, by="mqtt"), "✓ A mark was done (mqtt)"),
    (MarkChanged(at=AT, mark="m", change=Change.OPEN, by="tui"), "✓ A mark was reopened (tui)"),
    (Topic(at=AT, text="plumbing", score=0.4), "# Topic: plumbing"),
    (TrackerHit(at=AT, tracker="Money", phrase="invoice"), "◆ Money: “invoice”"),
    (Gap(at=AT, start=1, seconds=2.5, cause=Cause.DEVICE_LOST), "! 2.5 s of sound was lost: the microphone was gone"),
    (
        Gap(at=AT, start=1, seconds=70, cause=Cause.DROPPED, outcome="recovered"),
        "! 1 min 10 s of sound came late: the connection was lost",
    ),
]


@pytest.mark.parametrize(("event", "text"), WORDINGS)
async def test_each_kind_of_event_has_its_line(tmp_path: Path, event: AnyEvent, text: str) -> None:
    assert (await printed(event, folder=tmp_path)).replace("    ", "  ") == f"12:00:00  {text}\n"


async def test_names_and_dates_that_were_heard_are_left_out(tmp_path: Path) -> None:
    assert await printed(Entity(at=AT, kind="person", value="Joe"), folder=tmp_path) == ""


async def test_every_gap_says_why(tmp_path: Path) -> None:
    gaps = [Gap(at=AT, start=0, seconds=1, cause=cause) for cause in Cause]
    lines = (await printed(*gaps, folder=tmp_path)).splitlines()
    assert len({line.split(": ", 1)[1] for line in lines}) == len(gaps)


async def test_a_pipe_gets_plain_lines(tmp_path: Path) -> None:
    text = await printed(utterance("Hello."), TASK, folder=tmp_path)
    assert "\x1b" not in text
    assert "\r" not in text


@pytest.mark.parametrize(
    ("environ", "colour", "coloured"),
    [
        ({}, "auto", True),
        ({"NO_COLOR": "1"}, "auto", False),
        ({"NO_COLOR": "1"}, "always", True),
        ({}, "never", False),
        ({"TERM": "dumb"}, "auto", False),
    ],
)
async def test_colours_are_for_terminals(tmp_path: Path, environ: dict[str, str], colour: str, coloured: bool) -> None:
    stream = Terminal()
    settings = ConsoleSettings(colour=colour)  # type: ignore[arg-type]
    async with open_console(settings, a_room(tmp_path), stream=stream, environ=environ) as sink:
        await sink.run(Script(TASK))
    assert bool(re.search(r"\x1b\[\d+m", stream.getvalue())) == coloured


def on_screen(written: str) -> list[str]:
    """What a terminal shows: lines, of which the last may have been replaced in place."""
    lines = written.replace("\x1b[2K", "").split("\n")
    return [re.sub(r"\x1b\[\d+m", "", line.rsplit("\r", 1)[-1]) for line in lines]


class Session:
    """A console on a terminal, fed by hand."""

    def __init__(self, stream: io.StringIO) -> None:
        self.stream, self.live, self.journal = stream, LiveEvents(), Following()

    def shows(self, *lines: str) -> bool:
        shown = [line.split("  ", 1)[-1].strip() for line in on_screen(self.stream.getvalue())]
        return shown == list(lines)


async def run_session(tmp_path: Path, stream: io.StringIO) -> AsyncIterator[Session]:
    session = Session(stream)
    room = a_room(tmp_path, watch=session.live)
    async with open_console(ConsoleSettings(colour="never"), room, stream=stream, environ={}) as sink:
        running = asyncio.create_task(sink.run(session.journal))
        yield session
        session.journal.queue.put_nowait(None)
        await running


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    async for session in run_session(tmp_path, Terminal()):
        yield session


async def test_interim_text_is_replaced_in_place_by_what_was_said(session: Session) -> None:
    session.live.queue.put_nowait(Hearing(at=AT, text="call the"))
    await until(lambda: session.shows("call the"))
    session.live.queue.put_nowait(Hearing(at=AT, text="call the plumber"))
    await until(lambda: session.shows("call the plumber"))
    session.journal.queue.put_nowait(utterance("Call the plumber."))
    await until(lambda: session.shows("Call the plumber.", ""))


async def test_what_is_being_said_next_stays_below_what_was_said(session: Session) -> None:
    session.live.queue.put_nowait(Hearing(at=AT + timedelta(seconds=5), text="and then"))
    await until(lambda: session.shows("and then"))
    session.journal.queue.put_nowait(utterance("Call the plumber."))
    await until(lambda: session.shows("Call the plumber.", "and then"))


async def test_a_change_of_state_is_told_once(session: Session) -> None:
    for state in (State.LISTENING, State.LISTENING, State.RECONNECTING):
        session.live.queue.put_nowait(Status(at=AT, state=state))
    await until(lambda: session.shows("· Listening", "· The line is lost; reconnecting…", ""))


async def test_a_problem_is_told_when_it_begins(session: Session) -> None:
    for problems in (("The disk is full.",), ("The disk is full.", "No token."), ()):
        session.live.queue.put_nowait(Status(at=AT, state=State.LISTENING, problems=problems))
    await until(lambda: session.shows("· Listening", "! The disk is full.", "! No token.", ""))


async def test_a_pipe_gets_no_interim_text(tmp_path: Path) -> None:
    async for session in run_session(tmp_path, Pipe()):
        session.live.queue.put_nowait(Hearing(at=AT, text="call the"))
        session.live.queue.put_nowait(Status(at=AT, state=State.LISTENING))
        await until(lambda: session.shows("· Listening", ""))  # noqa: B023 - used before the loop goes on


async def test_interim_text_never_wraps(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    session.live.queue.put_nowait(Hearing(at=AT, text="word " * 50 + "end"))
    await until(lambda: on_screen(session.stream.getvalue())[-1].endswith("end"))
    assert len(on_screen(session.stream.getvalue())[-1]) < 40


async def test_what_a_peer_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    text = await printed(utterance("\x1b[2Jgone\r\nbad\x07"), folder=tmp_path)
    assert text == "12:00:00  [2Jgone bad\n"


class Ascii(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii")

    def getvalue(self) -> str:
        return self.buffer.getvalue().decode()  # type: ignore[attr-defined,no-any-return]


async def test_a_terminal_that_knows_only_ascii_gets_question_marks(tmp_path: Path) -> None:
    stream = Ascii()
    async with open_console(ConsoleSettings(), a_room(tmp_path), stream=stream, environ={}) as sink:
        await sink.run(Script(utterance("Café")))
    assert stream.getvalue() == "12:00:00  Caf?\n"


async def test_a_terminal_that_takes_nothing_holds_nobody_up(tmp_path: Path) -> None:
    import threading

    class Stopped(Terminal):
        gate = threading.Event()

        def write(self, text: str) -> int:
            self.gate.wait(10)
            return super().write(text)

    stream = Stopped()
    async with Output.open(stream) as output:
        writing = asyncio.create_task(output.write("a"))
        await until(lambda: output.busy == 1)
        assert not writing.done()
        stream.gate.set()
        await writing
    assert stream.getvalue() == "a"


@pytest.mark.parametrize(("seconds", "text"), [(0.42, "0.4 s"), (59.2, "59 s"), (61, "1 min 1 s"), (3720, "1 h 2 min")])
def test_lengths_are_written_as_people_do(seconds: float, text: str) -> None:
    assert duration(seconds) == text
