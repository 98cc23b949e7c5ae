"""What the log says of a room: each trouble once, and its end."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from earmark.events import State, Status
from earmark.pulse import Diary

NOW = datetime(2026, 3, 14, tzinfo=UTC)
S = State


def written(*told: tuple[State, str | None, str | None]) -> list[tuple[int, str]]:
    diary = Diary()
    found: list[tuple[int, str]] = []
    for state, reason, ill in told:
        found += diary.note(Status(at=NOW, state=state, reason=reason, ill=ill))
    return found


def test_a_room_that_is_well_is_not_written_of() -> None:
    states = (S.IDLE, S.CONNECTING, S.LISTENING, S.PAUSED, S.MUTED, S.LISTENING, S.DRAINING)
    assert written(*((state, None, None) for state in states)) == []


def test_an_outage_is_two_entries_however_often_it_is_tried() -> None:
    tries = [(state, f"HTTP {code}", None) for code in range(500, 510) for state in (S.RECONNECTING, S.CONNECTING)]
    found = written((S.LISTENING, None, None), *tries, (S.LISTENING, None, None))
    assert found == [
        (logging.WARNING, "The room is reconnecting: HTTP 500"),
        (logging.INFO, "The line is back; the room is listening"),
    ]


def test_a_refusal_is_written_with_its_reason() -> None:
    assert written((S.CONNECTING, None, None), (S.STOPPED, "the token is not good", None)) == [
        (logging.WARNING, "The room is stopped: the token is not good")
    ]


def test_going_deaf_is_an_error_once_and_hearing_again_is_told() -> None:
    deaf = [(S.LISTENING, None, f"no sound for {seconds} s") for seconds in (11, 12, 13)]
    assert written(*deaf, (S.LISTENING, None, None)) == [
        (logging.ERROR, "The room does not do its work: no sound for 11 s"),
        (logging.INFO, "The room does its work again"),
    ]
