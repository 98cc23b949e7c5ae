"""Whether the room does its work, as opposed to merely running: what a watchdog and `/healthz` must know.

A room is well while its source delivers, is muted by its owner or is being opened again, and while everything else
either gets on with its work or waits for something that has a name and an end. A quiet kitchen is well; a process whose
microphone has gone silent without a word is not, however busy its timers are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from earmark.events import State, Status
from earmark.room import StageReport

STUCK_SECONDS = 10.0
LINE_SECONDS = 45.0
"""Longer than the uplink itself waits for a peer that takes no sound."""


@dataclass(frozen=True)
class Facts:
    """What is known of a room at a moment, on its steady clock."""

    now: float
    heard_at: float
    """When the source last gave anything."""
    muted: bool
    live: bool
    source: StageReport
    held_since: float | None
    """Since when events wait to be journaled."""
    journal_problem: str | None
    unsaid_seconds: float
    """For how long the line has been open and taken none of the sound that waits for it."""


def trouble(facts: Facts) -> str | None:
    """Why the room does not do its work; None if it does."""
    return _deaf(facts) or _stuck(facts)


def _deaf(facts: Facts) -> str | None:
    if facts.muted or not facts.live or facts.source.state in ("starting", "retrying"):
        return None
    if facts.source.wait_name and facts.now < facts.source.wait_until:
        return None
    silent = facts.now - facts.heard_at
    return f"no sound has come from the source for {silent:.0f} s" if silent > STUCK_SECONDS else None


def _stuck(facts: Facts) -> str | None:
    if facts.held_since is not None and not facts.journal_problem and facts.now - facts.held_since > STUCK_SECONDS:
        return "the journal has not taken an event for long"
    if facts.unsaid_seconds > LINE_SECONDS:
        return "the line has not taken any sound for long"
    return None


_LOST = (State.RECONNECTING, State.STOPPED)
_UNDECIDED = (State.CONNECTING, State.DRAINING)


class Diary:
    """What a log says of a room: when its line is lost and back, and when it goes deaf and hears again.

    An outage of days is two entries, however often a new line is tried and whatever reason each attempt gives.
    """

    def __init__(self) -> None:
        self._lost = False
        self._ill = False

    def note(self, status: Status) -> Iterator[tuple[int, str]]:
        """What is new in a status, each with the level that it is logged at."""
        lost = self._lost if status.state in _UNDECIDED else status.state in _LOST
        if lost and not self._lost:
            yield logging.WARNING, f"The room is {status.state}: {status.reason or 'the line was lost'}"
        elif self._lost and not lost:
            yield logging.INFO, f"The line is back; the room is {status.state}"
        if status.ill and not self._ill:
            yield logging.ERROR, f"The room does not do its work: {status.ill}"
        elif self._ill and not status.ill:
            yield logging.INFO, "The room does its work again"
        self._lost, self._ill = lost, status.ill is not None
