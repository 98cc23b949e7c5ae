"""An enricher: hides what should never be stored."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
from msgspec.structs import fields, replace

from earmark import AnyEvent, Enricher, Offer, Room, Speaker, hookimpl

_TEXTS = ("text", "value", "phrase")
_PEOPLE = ("speaker", "assignee")
_PATTERNS = {
    "email": re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
    "card": re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)"),
    "phone": re.compile(r"(?<![\w.])\+?\(?\d(?:[ ()/.-]{0,2}\d){6,14}(?!\w)"),
}


class RedactSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is hidden."""

    hide: tuple[Literal["email", "card", "phone"], ...] = ("email", "card", "phone")
    """Which kinds of numbers and addresses are hidden."""
    names: tuple[str, ...] = ()
    """Names that are hidden, in whatever case they are written."""
    mark: str = "[{kind}]"
    """What stands in their place; `{kind}` becomes email, card, phone or name."""


class Redactor:
    """Hides things in text."""

    def __init__(self, settings: RedactSettings) -> None:
        self._mark = settings.mark
        self._rules = [(kind, _PATTERNS[kind]) for kind in _PATTERNS if kind in settings.hide]
        if settings.names:
            longest_first = sorted(settings.names, key=len, reverse=True)
            names = "|".join(re.escape(name) for name in longest_first)
            self._rules.append(("name", re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE)))

    def hidden(self, text: str) -> str:
        """The text without what should not be in it."""
        for kind, pattern in self._rules:
            text = pattern.sub(lambda found, kind=kind: self._in_place_of(kind, found[0]), text)  # type: ignore[misc]
        return text

    def _in_place_of(self, kind: str, text: str) -> str:
        if kind == "card" and not _is_card(text):
            return text
        return self._mark.replace("{kind}", kind)

    async def enrich(self, event: AnyEvent) -> Sequence[AnyEvent]:
        """The same event, under the same id, with its texts and people hidden."""
        names = {field.name for field in fields(event)}
        changes: dict[str, Any] = {name: self.hidden(getattr(event, name) or "") for name in _TEXTS if name in names}
        for name in _PEOPLE:
            if name in names and (person := getattr(event, name)) is not None:
                changes[name] = self._person(person)
        changed = {name: value for name, value in changes.items() if value != getattr(event, name) and value != ""}
        return [replace(event, **changed)] if changed else [event]

    def _person(self, person: Speaker) -> Speaker:
        told = {name: value and self.hidden(value) for name, value in msgspec.structs.asdict(person).items()}
        return Speaker(**told)


def _is_card(text: str) -> bool:
    """Whether the check digit is right, after Luhn."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    doubled = [digit if n % 2 == 0 else sum(divmod(2 * digit, 10)) for n, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


@asynccontextmanager
async def open_redact(settings: RedactSettings, room: Room) -> AsyncIterator[Enricher]:
    """Nothing needs to be opened."""
    yield Redactor(settings)


@hookimpl
def earmark_enrichers() -> Iterable[Offer[Enricher]]:
    """What this plugin offers; while it fails, text is withheld."""
    yield Offer(
        "redact",
        "Hide numbers, addresses and names before anything is stored.",
        open_redact,
        settings=RedactSettings,
        on_failure="withhold",
    )
