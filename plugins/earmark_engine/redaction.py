"""Takes out of a text what identifies somebody, before it is kept or shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from earmark_engine.insights import entities
from earmark_engine.insights.types import Context, Person, Sentence

_LONG_NUMBER = re.compile(r"\b\d(?:[\s.-]?\d){6,}\b")
"""Card and account numbers, which no table of entities tells from other numbers."""
_ANY_NUMBER = re.compile(r"\d[\d\s.,-]*")
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Redactor:
    """Puts a string of the client's choice where a name, an address or a number identified somebody."""

    string: str
    people: tuple[Person, ...] = ()
    _context: Context = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_context", Context(people=self.people))

    def redact(self, text: str, *, final: bool) -> str:
        """The text without what identifies; where more may follow, no number at all is shown, however short."""
        sentence = Sentence(id="", text=text, start=0.0, end=0.0, at=_SOME_TIME)
        found = [entity for entity in entities.find(sentence, self._context) if entity.category == entities.PERSONAL]
        for entity in reversed(found):
            text = text[: entity.offset] + self.string + text[entity.offset + len(entity.value) :]
        return (_LONG_NUMBER if final else _ANY_NUMBER).sub(lambda _: self.string, text)
