"""A conversation as people read it: what is to do, what was asked, what was said. Pure: events in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from earmark.events import (
    Change,
    ConversationEnded,
    ConversationStarted,
    Durable,
    Gap,
    Insight,
    InsightKind,
    MarkChanged,
    Speaker,
    Topic,
    Utterance,
)
from earmark.journal_rows import Mark, folded

_SPECIAL = re.compile(r"([\\`*_<>\[\]#|~])")
_CAUSES = {
    "blocked": "kept back because a filter failed",
    "overrun": "the machine was too slow",
    "device_lost": "the microphone was gone",
    "restarted": "Earmark was restarted",
    "spool_full": "the line was down for too long",
    "spool_damaged": "what was kept on disk was damaged",
    "dropped": "the service dropped it",
}


@dataclass(frozen=True)
class Minutes:
    """What there is to say about one conversation."""

    title: str | None
    room: str
    began: datetime
    ended: datetime
    utterances: list[Utterance]
    marks: list[Mark]
    """As they are now, in the order they were made; without those that were dismissed."""
    topics: list[str]
    """The weightiest first."""
    gaps: list[Gap]

    @property
    def people(self) -> list[str]:
        """Who spoke, in the order they first did."""
        return list(dict.fromkeys(name for said in self.utterances if (name := name_of(said.speaker))))

    def of_kind(self, kind: InsightKind) -> list[Mark]:
        """The marks of one kind."""
        return [mark for mark in self.marks if mark.insight.kind is kind]


@dataclass
class _Collected:
    utterances: list[Utterance] = field(default_factory=list)
    about: dict[str, list[Durable]] = field(default_factory=dict)
    topics: dict[str, float] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def add(self, event: Durable) -> None:
        match event:
            case Utterance():
                self.utterances.append(event)
            case Insight() | MarkChanged():
                self.about.setdefault(event.mark, []).append(event)
            case Topic(withheld=False):
                self.topics[event.text] = max(event.score, self.topics.get(event.text, 0.0))
            case Gap():
                self.gaps.append(event)
            case _:
                pass


def collect(events: Sequence[Durable]) -> Minutes:
    """Sort the events of one conversation into what people ask for; there must be at least one."""
    found = _Collected()
    for event in events:
        found.add(event)
    started = next((event for event in events if isinstance(event, ConversationStarted)), None)
    ended = next((event for event in events if isinstance(event, ConversationEnded)), None)
    began = started.at if started else min(event.at for event in events)
    last = max((said.at + timedelta(seconds=said.end - said.start) for said in found.utterances), default=began)
    marks = [mark for about in found.about.values() if (mark := folded(about))]
    return Minutes(
        title=started.title if started else None,
        room=events[0].room,
        began=began,
        ended=began + timedelta(seconds=ended.seconds) if ended else last,
        utterances=sorted(found.utterances, key=lambda said: said.start),
        marks=[mark for mark in marks if mark.state is not Change.DISMISSED],
        topics=sorted(found.topics, key=lambda topic: -found.topics[topic]),
        gaps=sorted(found.gaps, key=lambda gap: gap.start),
    )


# -- words ----------------------------------------------------------------------------------------------------------


def name_of(speaker: Speaker | None) -> str | None:
    """What to call somebody, if anything is known."""
    return (speaker.name or speaker.user_id) if speaker else None


def text_of(event: Utterance | Insight) -> str:
    """What was said, in one line, or that it was kept back."""
    return "(withheld)" if event.withheld else " ".join(event.text.split())


def length(seconds: float) -> str:
    """A length of time for people: `40 s`, `12 min`, `1 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds < 59.5 else "1 min"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def due_of(insight: Insight, zone: tzinfo | None) -> str | None:
    """By when something is due, as far as it was said."""
    if insight.due is None:
        return None
    return (
        f"{insight.due.astimezone(zone):%A %-d %B %Y, %H:%M}" if insight.due_has_time else f"{insight.due:%A %-d %B %Y}"
    )


def gap_in_words(gap: Gap) -> str:
    """What is missing, and why."""
    cause = _CAUSES.get(gap.cause, str(gap.cause))
    return f"{length(gap.seconds)} of sound {gap.outcome}: {cause}"


# -- Markdown -------------------------------------------------------------------------------------------------------


def markdown(events: Sequence[Durable], *, zone: tzinfo | None = None) -> str:
    """Minutes: what is to do, what was asked, what it was about, and every word; times in `zone`, or the system's."""
    minutes = collect(events)
    parts = [
        *_heading(minutes, zone),
        *_section("To do", [_task(mark, zone) for mark in minutes.of_kind(InsightKind.ACTION_ITEM)]),
        *_section("Questions", [_question(mark, zone) for mark in minutes.of_kind(InsightKind.QUESTION)]),
        *_section("To follow up", [_task(mark, zone) for mark in minutes.of_kind(InsightKind.FOLLOW_UP)]),
        *_section("Topics", [f"- {_escaped(topic)}" for topic in minutes.topics]),
        *_section("Not heard", [f"- {_clock(gap.at, zone)} {_escaped(gap_in_words(gap))}" for gap in minutes.gaps]),
        *_section("What was said", _transcript(minutes, zone)),
    ]
    return "\n".join(parts) + "\n"


def _heading(minutes: Minutes, zone: tzinfo | None) -> list[str]:
    began, ended = minutes.began.astimezone(zone), minutes.ended.astimezone(zone)
    title = minutes.title or f"Conversation of {began:%A, %-d %B %Y, %H:%M}"
    facts = [
        f"{began:%A, %-d %B %Y, %H:%M}–{ended:%H:%M}",
        length((ended - began).total_seconds()),
        _escaped(minutes.room),
        ", ".join(map(_escaped, minutes.people)),
    ]
    return [f"# {_escaped(title)}", "", " · ".join(fact for fact in facts if fact)]


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"## {title}", "", *lines] if lines else []


def _task(mark: Mark, zone: tzinfo | None) -> str:
    insight = mark.insight
    box = "[x]" if mark.state in (Change.DONE, Change.ANSWERED) else "[ ]"
    due = due_of(insight, zone)
    facts = [_escaped(name_of(insight.assignee) or ""), f"by {due}" if due else ""]
    return f"- {box} {_with_facts(insight, facts)}"


def _question(mark: Mark, zone: tzinfo | None) -> str:
    facts = [
        _escaped(name_of(mark.insight.speaker) or ""),
        _clock(mark.insight.at, zone),
        "answered" if mark.state in (Change.DONE, Change.ANSWERED) else "",
    ]
    return f"- {_with_facts(mark.insight, facts)}"


def _with_facts(insight: Insight, facts: Iterable[str]) -> str:
    known = ", ".join(fact for fact in facts if fact)
    return _escaped(text_of(insight)) + (f" ({known})" if known else "")


def _transcript(minutes: Minutes, zone: tzinfo | None) -> list[str]:
    lines: list[str] = []
    for item in in_order(minutes):
        if isinstance(item, Gap):
            words = f"*{_escaped(gap_in_words(item))}*"
        else:
            name = name_of(item.speaker)
            words = (f"**{_escaped(name)}:** " if name else "") + _escaped(text_of(item))
        lines += ["", f"{_clock(item.at, zone)} {words}"]
    return lines[1:]


def in_order(minutes: Minutes) -> list[Utterance | Gap]:
    """What was said and what was not heard, as it happened."""
    return sorted([*minutes.utterances, *minutes.gaps], key=lambda item: item.start)


def _clock(at: datetime, zone: tzinfo | None) -> str:
    return f"{at.astimezone(zone):%H:%M:%S}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
