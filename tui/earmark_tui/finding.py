"""What a person looks for in the talk: all the words, in any order, in any case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Needle:
    """Words to be found; "words in quotes" are found as they stand. An empty one is false."""

    text: str = ""

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """What each line must hold."""
        found = re.findall(r'"([^"]+)"|(\S+)', self.text.casefold())
        return tuple(part for phrase, word in found if (part := (phrase or word).strip('"')))

    def __bool__(self) -> bool:
        return bool(self.parts)

    def found_in(self, text: str) -> bool:
        """Whether a text holds it all; nothing is found by an empty needle."""
        if not text or not self.parts:
            return False
        folded = text.casefold()
        return all(part in folded for part in self.parts)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(
            "|".join(re.escape(part) for part in sorted(self.parts, key=len, reverse=True)), re.IGNORECASE
        )

    def spans(self, text: str) -> list[tuple[int, int]]:
        """From which character to which the words lie."""
        return [match.span() for match in self._pattern.finditer(text)] if self.parts else []
