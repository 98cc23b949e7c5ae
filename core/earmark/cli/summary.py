"""What a run came to, for people and for scripts."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from earmark.events import Insight, InsightKind

if TYPE_CHECKING:
    from earmark.listener import Outcome

_TITLES = {
    InsightKind.QUESTION: ("question", "questions"),
    InsightKind.ACTION_ITEM: ("action item", "action items"),
    InsightKind.FOLLOW_UP: ("follow-up", "follow-ups"),
}
_MOST_TOPICS = 6


def as_text(outcome: Outcome) -> str:
    """A short summary to be read."""
    tally, status = outcome.tally, outcome.status
    counts = [_counted(tally.utterances, "utterance", "utterances")]
    counts += [_counted(len(tally.of(kind)), *names) for kind, names in _TITLES.items()]
    lines = ["", f"Heard {_time(status.heard_seconds)}: {', '.join(counts)}."]
    lines += [f"  to do: {_task(mark)}" for mark in tally.of(InsightKind.ACTION_ITEM)]
    if topics := sorted(tally.topics, key=lambda text: -tally.topics[text])[:_MOST_TOPICS]:
        lines.append(f"Topics: {', '.join(topics)}.")
    if status.not_sent_seconds >= 1:
        lines.append(f"Not sent, because nobody spoke or the room was muted: {_time(status.not_sent_seconds)}.")
    if tally.gaps:
        lines.append(f"Lost: {_time(tally.lost_seconds)} in {_counted(tally.gaps, 'gap', 'gaps')}.")
    if outcome.spooled_seconds >= 0.1:
        lines.append(f"{_time(outcome.spooled_seconds)} of sound are kept and will be sent at the next start.")
    return "\n".join(lines)


def as_json(outcome: Outcome) -> str:
    """The same figures for a script."""
    tally, status = outcome.tally, outcome.status
    return json.dumps(
        {
            "conversations": tally.conversations,
            "utterances": tally.utterances,
            **{f"{kind.value}s": len(tally.of(kind)) for kind in _TITLES},
            "topics": list(tally.topics),
            "heard_seconds": status.heard_seconds,
            "not_sent_seconds": status.not_sent_seconds,
            "lost_seconds": status.lost_seconds,
            "gaps": tally.gaps,
            "reconnects": status.reconnects,
            "spooled_seconds": round(outcome.spooled_seconds, 2),
        }
    )


def _task(mark: Insight) -> str:
    who = f"{mark.assignee.name}: " if mark.assignee and mark.assignee.name else ""
    return f"{who}{mark.text}{_due(mark.due, has_time=mark.due_has_time)}"


def _due(due: datetime | None, *, has_time: bool) -> str:
    if due is None:
        return ""
    form = "%A %d %B, %H:%M" if has_time else "%A %d %B"
    return f" (by {due.astimezone():{form}})"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
