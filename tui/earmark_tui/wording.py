"""What the viewer says of things: plain functions from what is known to short text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from rich.cells import cell_len, chop_cells

from earmark.events import Change, ConversationEnded, ConversationStarted, Gap, Insight, InsightKind, State, Utterance
from earmark.journal_rows import Mark, Summary
from earmark.minutes import gap_in_words, length, name_of

SIGNS = {InsightKind.ACTION_ITEM: "●", InsightKind.QUESTION: "?", InsightKind.FOLLOW_UP: "↪"}
"""The sign that stands for each kind of mark, everywhere."""
CLOSED = (Change.DONE, Change.ANSWERED)
_ENDINGS = {
    "silence": "nobody spoke any more",
    "asked": "as asked",
    "source_ended": "the recording is over",
    "stopped": "Earmark was stopped",
    "restarted": "Earmark was restarted",
    "peer": "the service ended it",
}
STATES = {
    State.IDLE: ("○", "idle"),
    State.CONNECTING: ("◌", "connecting"),
    State.LISTENING: ("●", "listening"),
    State.PAUSED: ("○", "waiting for speech"),
    State.MUTED: ("✕", "muted"),
    State.RECONNECTING: ("◌", "reconnecting"),
    State.DRAINING: ("◌", "last words"),
    State.STOPPED: ("■", "stopped"),
}
_LOUDNESS = " ▁▂▃▄▅▆▇█"
_WITHHELD = "(withheld)"


def clean(text: str) -> str:
    """Text in one line without anything that a terminal could take for an order."""
    if text.isprintable():
        return text
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def wrapped(text: str, width: int) -> list[str]:
    """Text in lines of at most so many cells, broken between words where that can be."""
    width = max(width, 1)
    if text.isascii():
        return [text[begin:end] for begin, end in _cuts(text, width)]
    if len(text) <= width and cell_len(text) <= width:
        return [text]
    lines: list[str] = []
    line, used = "", 0
    for word in text.split():
        cells = cell_len(word)
        if line and used + 1 + cells <= width:
            line, used = f"{line} {word}", used + 1 + cells
            continue
        if line:
            lines.append(line)
        *full, line = [word] if cells <= width else chop_cells(word, width)
        lines += full
        used = cell_len(line)
    lines.append(line)
    return lines


def rows_of(text: str, width: int) -> int:
    """How many lines `wrapped` would make; quick, because it is asked of every sentence of a day."""
    width = max(width, 1)
    if not text.isascii():
        return len(wrapped(text, width))
    if len(text) <= width:
        return 1
    return sum(1 for _ in _cuts(text, width))


def _cuts(text: str, width: int) -> Iterator[tuple[int, int]]:
    """From where to where each line of a text without wide characters goes."""
    begin, length_ = 0, len(text)
    while length_ - begin > width:
        space = text.rfind(" ", begin + 1, begin + width + 1)
        end = begin + width if space < 0 else space
        yield begin, end
        begin = end if space < 0 else space + 1
    yield begin, length_


def fitted(text: str, width: int) -> str:
    """Text cut to so many cells, with a sign that it goes on."""
    if cell_len(text) <= width:
        return text
    return chop_cells(text, max(width - 1, 1))[0].rstrip() + "…" if width > 1 else "…"[:width]


def spoken(item: Utterance | Insight) -> str:
    """What was said, in one line, or that it was kept back."""
    return _WITHHELD if item.withheld else clean(item.text)


def clock(at: datetime) -> str:
    """A moment of today."""
    return f"{at.astimezone():%H:%M:%S}"


def rule_of(item: ConversationStarted | ConversationEnded) -> str:
    """What stands where a conversation begins or ends."""
    at = item.at.astimezone()
    if isinstance(item, ConversationStarted):
        return " · ".join(part for part in (clean(item.title or ""), f"{at:%A %-d %B, %H:%M}") if part)
    return f"ended after {length(item.seconds)}: {_ENDINGS.get(item.reason, clean(item.reason))}"


def missing(gap: Gap) -> str:
    """What was not heard."""
    return f"{gap_in_words(gap)}"


def due_in_short(insight: Insight, now: datetime) -> str:
    """By when, as near as it is: `today 18:00`, `tomorrow`, `Fri`, `Fri 4 Dec`."""
    if insight.due is None:
        return ""
    here = now.astimezone()
    due = insight.due.astimezone(here.tzinfo) if insight.due_has_time else insight.due
    days = (due.date() - here.date()).days
    if days in (-1, 0, 1):
        day = ("yesterday", "today", "tomorrow")[days + 1]
    else:
        day = f"{due:%a}" if 1 < days < 7 else f"{due:%a %-d %b}" if abs(days) < 300 else f"{due:%-d %b %Y}"
    return f"{day} {due:%H:%M}" if insight.due_has_time else day


def overdue(mark: Mark, now: datetime) -> bool:
    """Whether it should have been done already."""
    due = mark.insight.due
    if due is None or mark.state in CLOSED:
        return False
    return due < now if mark.insight.due_has_time else due.date() < now.astimezone().date()


def facts_of(mark: Mark, now: datetime) -> str:
    """Who and by when; of a question, who asked."""
    insight = mark.insight
    if insight.kind is InsightKind.QUESTION:
        who = name_of(insight.speaker)
        return " · ".join(part for part in (clean(who or ""), "answered" if mark.state in CLOSED else "") if part)
    due = due_in_short(insight, now)
    who = name_of(insight.assignee)
    return " · ".join(part for part in (clean(who or ""), f"by {due}" if due else "") if part)


def box_of(mark: Mark) -> str:
    """The sign of a mark in a list: what kind, and whether it is closed."""
    if mark.state in CLOSED:
        return "✓"
    return {"action_item": "☐", "question": "?", "follow_up": "↪"}[mark.insight.kind]


def countdown(until: datetime | None, now: datetime) -> str:
    """How long until then, in words; nothing if it is over."""
    if until is None:
        return ""
    left = (until - now).total_seconds()
    return f"{left:.0f} s" if 0.5 < left < 90 else length(left) if left >= 90 else ""


def span(seconds: float) -> str:
    """A length of time on a clock: `3:07`, `1:02:09`."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def sparkline(values: Iterable[float]) -> str:
    """One sign a value, from nothing at 0 to full at 1."""
    return "".join(_LOUDNESS[round(max(0.0, min(1.0, value)) * 8)] for value in values)


def line_of(summary: Summary, now: datetime) -> tuple[str, ...]:
    """What a list of conversations shows of one."""
    began = summary.started.astimezone()
    today = now.astimezone().date()
    if began.date() == today:
        day = f"today {began:%H:%M}"
    elif began.date() == today - timedelta(days=1):
        day = f"yesterday {began:%H:%M}"
    else:
        day = f"{began:%a %-d %b %H:%M}" if began.year == today.year else f"{began:%-d %b %Y %H:%M}"
    lasted = length(summary.seconds) if summary.ended else "not ended"
    return day, lasted, str(summary.utterances), str(summary.marks), clean(summary.title or "")
