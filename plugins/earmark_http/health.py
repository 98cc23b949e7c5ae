"""Whether the room does its work, in as few words as a stranger may know."""

from __future__ import annotations

from typing import Literal

from earmark.events import Status
from earmark_http.shapes import Health

_Part = Literal["source", "journal", "line"]
_PARTS: tuple[_Part, ...] = ("source", "journal", "line")


def health(status: Status) -> Health:
    """Red when the room is deaf; slow, muted, paused or reconnecting is not deaf."""
    if status.ill is None:
        return Health(status="ok")
    words = status.ill.split()
    return Health(status="deaf", reason=next((part for part in _PARTS if part in words), "other"))
