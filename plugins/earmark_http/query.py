"""What stands behind the question mark: declared once, read strictly, so that a mistyped value is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from multidict import MultiMapping

from earmark.core_settings import DURABLE_KINDS
from earmark.errors import EarmarkError
from earmark.events import InsightKind

MOST_SEQ = 2**53
_MOST_TEXT = 500
KINDS = (*DURABLE_KINDS, *(str(kind) for kind in InsightKind))


class BadRequest(EarmarkError):
    """The request cannot be understood."""


@dataclass(frozen=True)
class Param:
    """A query parameter: its name, what it is for, its JSON schema, and how its text is read."""

    name: str
    help: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    """Raises `ValueError` with what was expected."""
    default: Any = None
    required: bool = False
    many: bool = False
    """Whether it may be given more than once."""


def count(name: str, help_: str, *, default: int | None, least: int, most: int) -> Param:
    """A parameter that is a whole number."""

    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,16}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    return Param(name, help_, schema if default is None else schema | {"default": default}, read, default)


def flag(name: str, help_: str) -> Param:
    """A parameter that is 1 or 0."""

    def read(text: str) -> bool:
        if text not in ("0", "1"):
            raise ValueError("0 or 1")
        return text == "1"

    return Param(name, help_, {"type": "integer", "enum": [0, 1], "default": 0}, read, default=False)


def moment(name: str, help_: str) -> Param:
    """A parameter that is a point in time, with its zone."""

    def read(text: str) -> datetime:
        expected = "a time with its zone, such as 2026-11-21T08:30:00Z"
        try:
            found = datetime.fromisoformat(text)
            found.timestamp()
        except (ValueError, OverflowError):
            raise ValueError(expected) from None
        if found.tzinfo is None:
            raise ValueError(expected)
        return found

    return Param(name, help_, {"type": "string", "format": "date-time"}, read)


def text(name: str, help_: str, *, required: bool = False) -> Param:
    """A parameter that is text."""

    def read(given: str) -> str:
        if not 1 <= len(given) <= _MOST_TEXT or not _is_unicode(given):
            raise ValueError(f"text of 1 to {_MOST_TEXT} characters")
        return given

    return Param(name, help_, {"type": "string", "minLength": 1, "maxLength": _MOST_TEXT}, read, required=required)


def kinds(name: str, help_: str) -> Param:
    """A parameter that names kinds of events, as often as one likes."""

    def read(given: str) -> str:
        if given not in KINDS:
            raise ValueError(f"one of {', '.join(KINDS)}")
        return given

    schema = {"type": "array", "items": {"type": "string", "enum": list(KINDS)}}
    return Param(name, help_, schema, read, default=(), many=True)


def asked(params: Sequence[Param], query: MultiMapping[str]) -> dict[str, Any]:
    """The values of all parameters; raises `BadRequest` for one that is unknown, missing, repeated or wrong."""
    known = {param.name: param for param in params}
    for name in query:
        if name not in known:
            raise BadRequest(f"There is no parameter {name[:40]!r} here; there are: {', '.join(known) or 'none'}.")
    return {param.name: _value(param, query) for param in params}


def _value(param: Param, query: MultiMapping[str]) -> Any:
    given = query.getall(param.name, [])
    if not given:
        if param.required:
            raise BadRequest(f"The parameter {param.name!r} is missing: {param.help}")
        return param.default
    if len(given) > (len(KINDS) if param.many else 1):
        raise BadRequest(f"The parameter {param.name!r} is given too often.")
    try:
        values = [param.read(one) for one in given]
    except ValueError as error:
        raise BadRequest(f"{param.name} must be {error}.") from None
    return tuple(values) if param.many else values[0]


def _is_unicode(given: str) -> bool:
    """Whether it holds no halves of characters, which no database takes."""
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True
