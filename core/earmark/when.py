"""Points in time as people type them. Pure: the present moment is passed in."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from earmark.settings import Duration

EXAMPLES = "'2026-03-14', '2026-03-14 18:30', '18:30', 'today', 'yesterday', '20 min' or '3 d' (ago)"
_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_AGO = re.compile(r"\d+(\.\d+)?\s*[a-z]+")


def point_in_time(text: str, now: datetime) -> datetime:
    """What a person means by `18:30`, `yesterday`, `2026-03-14` or `3 d` (ago), in the zone of `now`.

    Raises `ValueError` on anything else.
    """
    text = text.strip()
    days_ago = {"today": 0, "yesterday": 1}.get(text.lower())
    try:
        if days_ago is not None:
            return _midnight(now - timedelta(days=days_ago))
        if _CLOCK.fullmatch(text):
            return datetime.combine(now.date(), time.fromisoformat(text.rjust(5, "0")), now.tzinfo)
        if _AGO.fullmatch(text):
            return now - timedelta(seconds=Duration(text))
        found = datetime.fromisoformat(text)
        # Without a zone it is local time, whatever the offset was on that day.
        return found if found.tzinfo else found.astimezone()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time such as {EXAMPLES}") from None


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
