"""What stands behind the question mark: read strictly, so that a mistyped value is told and not ignored."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from earmark.errors import EarmarkError
from earmark_engine.record import Record


class BadRequest(EarmarkError):
    """The request cannot be understood."""


@dataclass(frozen=True)
class Param:
    """A query parameter: its name, what it is for, and its JSON schema."""

    name: str
    help: str
    schema: dict[str, Any]


def flag(name: str, help_: str) -> Param:
    """A parameter that is `true` or `false`."""
    return Param(name, help_, {"type": "boolean", "default": False})


def read_flag(request: web.Request, name: str) -> bool:
    """Whether a flag is set; raises `BadRequest`."""
    value = request.query.get(name, "false").lower()
    if value not in ("true", "false"):
        raise BadRequest(f"{name} must be 'true' or 'false'.")
    return value == "true"


def read_count(request: web.Request, name: str, default: int, *, least: int, most: int) -> int:
    """A whole number; raises `BadRequest`."""
    value = request.query.get(name, str(default))
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII) or not least <= int(value) <= most:
        raise BadRequest(f"{name} must be a whole number from {least} to {most}.")
    return int(value)


def read_moment(request: web.Request, name: str) -> float | None:
    """Wall-clock seconds of an ISO time; raises `BadRequest`."""
    value = request.query.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise BadRequest(f"{name} must be a time such as 2026-11-21T08:30:00Z.") from None


def read_choice(request: web.Request, name: str, choices: Sequence[str]) -> str:
    """One of some words, the first if not given; raises `BadRequest`."""
    value = request.query.get(name, choices[0])
    if value not in choices:
        raise BadRequest(f"{name} must be one of: {', '.join(choices)}.")
    return value


_FIELD = r"(?:id|name|type|metadata\.[A-Za-z0-9_.]+)"
_VALUE = r"(?:'[^',;]*'|[A-Za-z0-9_.:@-]+)"
_ONE = rf"{_FIELD}(?:==|!=){_VALUE}"
FILTER = rf"^{_ONE}(?:[;,]{_ONE})*$"
"""RSQL, as far as it goes: `==` and `!=`, joined by `;` (and) and `,` (or)."""
_TERM = re.compile(rf"(?P<field>{_FIELD})(?P<op>==|!=)(?P<value>{_VALUE})")
_FIELDS: dict[str, Callable[[Record], Any]] = {
    "id": lambda record: record.id,
    "name": lambda record: record.title or record.id,
    "type": lambda _: "meeting",
}


def read_filter(request: web.Request) -> Callable[[Record], bool]:
    """A filter on id, name, type and metadata; raises `BadRequest`."""
    text = request.query.get("filter")
    if text is None:
        return lambda _: True
    if not re.fullmatch(FILTER, text):
        raise BadRequest("filter must be such as metadata.label==Business;name!=Standup.")
    choices = [[_term(term) for term in choice.split(";")] for choice in text.split(",")]
    return lambda record: any(all(term(record) for term in choice) for choice in choices)


def _term(text: str) -> Callable[[Record], bool]:
    found = _TERM.fullmatch(text)
    assert found is not None
    key, wanted, equal = found["field"], found["value"].strip("'"), found["op"] == "=="

    def matches(record: Record) -> bool:
        value = _FIELDS[key](record) if key in _FIELDS else record.metadata.get(key.removeprefix("metadata."))
        return (str(value) == wanted) == equal

    return matches
