"""Where conversations are kept, behind an interface that a single file, memory or a cluster can fill.

Facts of one conversation are added in order and read in order; no operation spans two conversations.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from earmark.errors import EarmarkError
from earmark_engine.facts import AnyFact, Began, Ended, Entry, decode_fact, encode_fact


class StoreError(EarmarkError):
    """What was heard could not be kept or read; says which file and what to do."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as it stands in a list of all of them."""

    id: str
    app: str
    connection: str
    began: float
    ended: float | None = None


class Store(Protocol):
    """Keeps facts; each call is one step that happens wholly or not at all."""

    async def append(self, conversation: str, after: int, facts: Sequence[AnyFact]) -> None:
        """Add facts behind the first `after` ones; when it returns they are kept."""
        ...

    async def read(self, conversation: str, after: int = 0) -> list[Entry]:
        """The facts behind the first `after` ones; empty where there is no such conversation."""
        ...

    async def summary(self, conversation: str) -> Summary | None:
        """What a list says of it."""
        ...

    async def summaries(self, app: str | None = None) -> list[Summary]:
        """All conversations (of one application), the earliest first."""
        ...

    async def delete(self, conversation: str) -> bool:
        """Forget it for good; whether it was there."""
        ...


class MemoryStore:
    """Keeps facts while the process lives, and lets the oldest ended conversations go when there are many."""

    def __init__(self, *, remembered: int = 200, most_bytes: int = 8_000_000) -> None:
        self._remembered = remembered
        self._most_bytes = most_bytes
        self._facts: dict[str, list[bytes]] = {}
        self._first: dict[str, int] = {}
        self._bytes: dict[str, int] = {}
        self._summaries: dict[str, Summary] = {}

    async def append(self, conversation: str, after: int, facts: Sequence[AnyFact]) -> None:
        """Add facts; of a very long conversation the earliest are let go."""
        held = self._facts.setdefault(conversation, [])
        if after != self._first.setdefault(conversation, 0) + len(held):
            raise StoreError(f"Conversation {conversation} was written to by two at once.")
        for fact in facts:
            held.append(encode_fact(fact))
            self._bytes[conversation] = self._bytes.get(conversation, 0) + len(held[-1])
            self._summaries[conversation] = summed(self._summaries.get(conversation), conversation, fact)
        while self._bytes[conversation] > self._most_bytes and len(held) > 1:
            self._bytes[conversation] -= len(held.pop(1))
            self._first[conversation] += 1
        self._let_go()

    async def read(self, conversation: str, after: int = 0) -> list[Entry]:
        """The facts that are still held."""
        held, first = self._facts.get(conversation, []), self._first.get(conversation, 0)
        numbered = ((1 if not place else first + place + 1, data) for place, data in enumerate(held))
        return [Entry(sequence=number, fact=decode_fact(data)) for number, data in numbered if number > after]

    async def summary(self, conversation: str) -> Summary | None:
        """What a list says of it."""
        return self._summaries.get(conversation)

    async def summaries(self, app: str | None = None) -> list[Summary]:
        """All conversations (of one application), the earliest first."""
        return [found for found in self._summaries.values() if app is None or found.app == app]

    async def delete(self, conversation: str) -> bool:
        """Forget it; whether it was there."""
        for held in (self._facts, self._first, self._bytes):
            held.pop(conversation, None)
        return self._summaries.pop(conversation, None) is not None

    def _let_go(self) -> None:
        over = [found.id for found in self._summaries.values() if found.ended is not None]
        for conversation in over[: max(0, len(over) - self._remembered)]:
            for held in (self._facts, self._first, self._bytes, self._summaries):
                held.pop(conversation, None)


def summed(summary: Summary | None, conversation: str, fact: AnyFact) -> Summary:
    """The summary with one more fact in it."""
    if isinstance(fact, Began) or summary is None:
        app, connection = (fact.app, fact.connection) if isinstance(fact, Began) else ("", "")
        return Summary(id=conversation, app=app, connection=connection, began=fact.at)
    if isinstance(fact, Ended):
        return msgspec.structs.replace(summary, ended=fact.at)
    return summary


async def trim(store: Store, *, before: float, deleted: Callable[[str], None] = lambda _: None) -> int:
    """Forget conversations that ended before a moment; tells how many."""
    old = [found for found in await store.summaries() if found.ended is not None and found.ended < before]
    for found in old:
        await store.delete(found.id)
        deleted(found.id)
    return len(old)


@asynccontextmanager
async def in_memory(*, remembered: int) -> AsyncIterator[Store]:
    """A store that leaves nothing behind."""
    yield MemoryStore(remembered=remembered)
