"""What the console says of each event: plain functions from events to text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from earmark.audio import Cause
from earmark.events import (
    AnyEvent,
    Change,
    ConversationEnded,
    ConversationStarted,
    Gap,
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

_KINDS = {
    InsightKind.QUESTION: ("?", "Question", "magenta"),
    InsightKind.ACTION_ITEM: ("☐", "To do", "green"),
    InsightKind.FOLLOW_UP: ("↪", "Follow-up", "cyan"),
}
_CAUSES = {
    Cause.OVERRUN: "this machine was too busy",
    Cause.DEVICE_LOST: "the microphone was gone",
    Cause.BLOCKED: "a filter failed and blocked it",
    Cause.RESTARTED: "Earmark was restarted",
    Cause.SPOOL_FULL: "the service was away for longer than sound is kept",
    Cause.SPOOL_DAMAGED: "a file of kept sound was damaged",
    Cause.DROPPED: "the connection was lost",
    Cause.MUTED: "muted",
    Cause.GATED: "silence",
}
_ENDINGS = {
    "silence": "nobody spoke any more",
    "asked": "as asked",
    "source_ended": "the recording is over",
    "stopped": "Earmark was stopped",
    "restarted": "Earmark was restarted",
    "peer": "the service ended it",
}
_STATES = {
    State.IDLE: "Idle",
    State.CONNECTING: "Connecting…",
    State.LISTENING: "Listening",
    State.PAUSED: "Paused until somebody speaks",
    State.MUTED: "Muted: the microphone is closed",
    State.RECONNECTING: "The line is lost; reconnecting…",
    State.DRAINING: "Waiting for the last words…",
    State.STOPPED: "Stopped",
}
_UNKNOWN_TEXT = "(text withheld)"


@dataclass(frozen=True)
class Line:
    """One line for the console."""

    at: datetime
    text: str
    style: str = ""
    """A colour, `bold` or `dim`."""
    mark: str = ""
    """A sign that tells the kind; lines that have one are set in."""
    who: str = ""


def line_for(event: AnyEvent, *, today: date) -> Line | None:
    """What to print for a durable event; None for what the console leaves out."""
    say = _WORDINGS.get(type(event))
    return say(event, today) if say else None


def status_line(status: Status, before: Status | None) -> Line | None:
    """What to print when the room's state has changed; None when it has not."""
    if before is not None and (status.state, status.reason) == (before.state, before.reason):
        return None
    text = _STATES[status.state]
    if status.reason:
        text = f"{text} ({status.reason})"
    if status.state is State.MUTED and status.muted_until:
        text += f", until {status.muted_until.astimezone():%H:%M}"
    style = "yellow" if status.state in (State.RECONNECTING, State.STOPPED, State.MUTED) else "dim"
    return Line(status.at, text, style, "·")


def problem_lines(status: Status, before: Status | None) -> list[Line]:
    """A line for each problem that was not there before."""
    known = before.problems if before else ()
    return [Line(status.at, problem, "red", "!") for problem in status.problems if problem not in known]


def duration(seconds: float) -> str:
    """A length of time as people write it: `0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def day(due: datetime, *, has_time: bool, today: date) -> str:
    """A date as people say it, from where they stand: `today 18:00`, `tomorrow`, `Fri 4 Dec`."""
    local = due.astimezone() if has_time else due
    apart = (local.date() - today).days
    name = {0: "today", 1: "tomorrow", -1: "yesterday"}.get(apart) or f"{local:%a} {local.day} {local:%b}"
    if not name.startswith(("to", "ye")) and local.year != today.year:
        name += f" {local.year}"
    return f"{name} {local:%H:%M}" if has_time else name


def _name(speaker: Speaker | None) -> str:
    return (speaker.name or "") if speaker else ""


def _started(event: ConversationStarted, _: date) -> Line:
    title = f": {event.title}" if event.title else ""
    return Line(event.at, f"— A conversation began{title} —", "dim")


def _ended(event: ConversationEnded, _: date) -> Line:
    why = _ENDINGS.get(event.reason, event.reason)
    return Line(event.at, f"— The conversation ended after {duration(event.seconds)}: {why} —", "dim")


def _utterance(event: Utterance, _: date) -> Line:
    return Line(event.at, _UNKNOWN_TEXT if event.withheld else event.text, who=_name(event.speaker))


def _insight(event: Insight, today: date) -> Line:
    sign, word, style = _KINDS[event.kind]
    parts = [f"{word}: {_UNKNOWN_TEXT if event.withheld else event.text}"]
    if who := _name(event.assignee):
        parts.append(f"who: {who}")
    if event.due is not None:
        parts.append(f"by: {day(event.due, has_time=event.due_has_time, today=today)}")
    if event.revision:
        parts.append("amended")
    return Line(event.at, " · ".join(parts), style, sign)


def _changed(event: MarkChanged, _: date) -> Line:
    what = "reopened" if event.change is Change.OPEN else str(event.change)
    text = f": {event.text}" if event.text else ""
    return Line(event.at, f"A mark was {what} ({event.by}){text}", "green", "✓")


def _topic(event: Topic, _: date) -> Line:
    return Line(event.at, f"Topic: {_UNKNOWN_TEXT if event.withheld else event.text}", "blue", "#")


def _tracker(event: TrackerHit, _: date) -> Line:
    return Line(event.at, f"{event.tracker}: “{_UNKNOWN_TEXT if event.withheld else event.phrase}”", "yellow", "◆")


def _gap(event: Gap, _: date) -> Line:
    why = _CAUSES.get(event.cause, str(event.cause))
    if event.outcome == "recovered":
        return Line(event.at, f"{duration(event.seconds)} of sound came late: {why}", "dim", "!")
    return Line(event.at, f"{duration(event.seconds)} of sound was lost: {why}", "red", "!")


_WORDINGS: dict[type, Callable[..., Line]] = {
    ConversationStarted: _started,
    ConversationEnded: _ended,
    Utterance: _utterance,
    Insight: _insight,
    MarkChanged: _changed,
    Topic: _topic,
    TrackerHit: _tracker,
    Gap: _gap,
}
