"""Points in time as people type them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.when import point_in_time

ZONE = timezone(timedelta(hours=2))
NOW = datetime(2026, 7, 14, 18, 30, 15, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("today", datetime(2026, 7, 14, tzinfo=ZONE)),
        (" Yesterday ", datetime(2026, 7, 13, tzinfo=ZONE)),
        ("9:05", datetime(2026, 7, 14, 9, 5, tzinfo=ZONE)),
        ("20 min", NOW - timedelta(minutes=20)),
        ("3d", NOW - timedelta(days=3)),
        ("2026-03-14T10:00:00Z", datetime(2026, 3, 14, 12, tzinfo=ZONE)),
        ("2026-03-14 10:00+02:00", datetime(2026, 3, 14, 10, tzinfo=ZONE)),
        ("2026-03-14", datetime(2026, 3, 14).astimezone()),
        ("2026-03-14 10:00", datetime(2026, 3, 14, 10).astimezone()),
    ],
)
def test_a_person_is_understood(typed: str, expected: datetime) -> None:
    assert point_in_time(typed, NOW) == expected


@pytest.mark.parametrize(
    "typed", ["", "20", "2026", "25:00", "9:99", "soon", "3 weeks", "99999999999999 d", "2026-13-01"]
)
def test_anything_else_is_an_error_that_shows_examples(typed: str) -> None:
    with pytest.raises(ValueError, match="such as '2026-03-14'"):
        point_in_time(typed, NOW)


@given(st.text())
def test_nothing_that_is_typed_raises_another_error(typed: str) -> None:
    try:
        assert point_in_time(typed, NOW).tzinfo
    except ValueError as error:
        assert "is no time such as" in str(error)
