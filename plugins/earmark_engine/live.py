"""A conversation while it lives: who takes part, what is said, what comes of it, and who is told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from earmark.clock import Clock
from earmark_engine.facts import AnyFact, Began, Ended, Entry, Joined, Said
from earmark_engine.hookspecs import DetectorMaker
from earmark_engine.ids import new_decimal_id
from earmark_engine.insights import sentences
from earmark_engine.insights.types import Person, Tracker
from earmark_engine.leg import Leg
from earmark_engine.store import Store
from earmark_engine.terms import Terms
from earmark_engine.understanding import Understanding
from earmark_engine.wire import View, interim_trackers, messages_of
from earmark_symbl import api as symbl


class Listener(Protocol):
    """Somebody who is told what comes of the conversation: a speaker's socket, or a subscriber's."""

    @property
    def view(self) -> View:
        """What it asked to be told."""
        ...

    def tell(self, message: symbl.ServerMessage) -> None:
        """Take a message; never waits."""
        ...

    def over(self, conversation: str) -> None:
        """The conversation has ended."""
        ...


@dataclass(frozen=True)
class Means:
    """What a conversation works with."""

    store: Store
    detector: DetectorMaker
    clock: Clock
    people: tuple[Person, ...] = ()
    owner: Person | None = None
    saved_trackers: tuple[Tracker, ...] = ()
    ended: Callable[[Live], None] = lambda _: None


class Live:
    """One conversation; facts are added one step at a time, and told in their order."""

    def __init__(self, name: str, *, began: Began, means: Means, listeners: set[Listener]) -> None:
        self.id = name
        self.connection = began.connection
        self.app = began.app
        self.began = began.at
        self.keep_seconds = began.keep_seconds
        self.terms = Terms()
        self.understanding = Understanding(self)
        self.sequence = 0
        self.ended = False
        self.legs: dict[str, Leg] = {}
        self.speakers: set[Listener] = set()
        self._subscribers = listeners
        self.means = means
        self._members: dict[str, Person] = {}
        self._stepping = asyncio.Lock()
        self._began_monotonic = means.clock.monotonic() - (means.clock.now() - began.at)
        self._heard_at = self.now()
        self._capture_origin: float | None = None

    @property
    def threshold(self) -> float:
        """How sure a mark must be to be made at all."""
        return self.terms.threshold

    @property
    def utc_offset_minutes(self) -> int:
        """Minutes east of UTC, where the clients are."""
        return self.terms.utc_offset_minutes

    @property
    def texts(self) -> dict[str, Said]:
        """The latest sentences by their ids."""
        return self.understanding.texts

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody known by name: who takes part, and whom the owner named."""
        return (*self._members.values(), *self.means.people)

    def now(self) -> float:
        """Seconds since the conversation began, on a clock that does not step."""
        return max(0.0, self.means.clock.monotonic() - self._began_monotonic)

    def seconds_of(self, capture: float) -> float:
        """The second of the conversation of a moment on a client's capture clock, which outlives its sockets."""
        if self._capture_origin is None:
            self._capture_origin = capture - self.now()
        return max(0.0, capture - self._capture_origin)

    def silent_seconds(self) -> float:
        """How long nothing was recognised."""
        return self.now() - self._heard_at

    # -- who takes part -------------------------------------------------------------------------------------------

    @classmethod
    async def begin(cls, began: Began, *, means: Means, listeners: set[Listener]) -> Live:
        """Start a conversation that there was not."""
        live = cls(new_decimal_id(), began=began, means=means, listeners=listeners)
        await live.note([began])
        for listener in tuple(listeners):
            listener.tell(symbl.ConversationCreated(data=symbl.ConversationData(conversation_id=live.id)))
        return live

    @classmethod
    def restored(cls, name: str, entries: Sequence[Entry], *, means: Means, listeners: set[Listener]) -> Live:
        """Go on with a conversation that an earlier process kept."""
        began = entries[0].fact
        assert isinstance(began, Began)
        live = cls(name, began=began, means=means, listeners=listeners)
        live.sequence = entries[-1].sequence
        for entry in entries:
            if isinstance(entry.fact, Joined):
                live._members[_key(entry.fact.person)] = entry.fact.person
            elif isinstance(entry.fact, Said):
                live.understanding.remember(entry.fact)
        return live

    async def introduce(self, start: symbl.StartRequest) -> Person | None:
        """Who speaks, as the client says; the same person has the same id throughout."""
        self.terms.add(start, self.means.saved_trackers, self.means.people)
        told = start.speaker or {}
        name, user_id, email = (_text(told.get(key)) for key in ("name", "userId", "email"))
        if not (name or user_id or email):
            return None
        person = Person(name=name, user_id=user_id or email)
        known = self._members.get(_key(person))
        if known is None:
            known = msgspec.structs.replace(person, id=str(uuid.uuid5(uuid.NAMESPACE_OID, self.id + _key(person))))
            self._members[_key(person)] = known
            address = email or (user_id if user_id and "@" in user_id else None)
            await self.note([Joined(at=self.means.clock.now(), person=known, email=address)])
        return known

    async def welcome(self, listener: Listener, *, after: int | None = None) -> None:
        """Tell somebody all that comes from now on, and where asked all that came after a fact."""
        async with self._stepping:
            if after is not None and after < self.sequence:
                for entry in await self.means.store.read(self.id, after):
                    self._tell(entry, [listener])
            self.speakers.add(listener)

    # -- what is said ---------------------------------------------------------------------------------------------

    def shown(self, text: str, *, final: bool = True) -> str:
        """The text as it may be shown."""
        return self.terms.redactor.redact(text, final=final) if self.terms.redactor else text

    def hearing(self, leg: Leg, result: symbl.RecognitionResult) -> None:
        """Tell text as it is being recognised to its own speaker and to those who only listen."""
        self._heard_at = self.now()
        if leg.tell is not None:
            leg.tell(result)
        for subscriber in tuple(self._subscribers):
            subscriber.tell(result)
        if tracked := self.understanding.tracked_in_passing(leg, result):
            message = interim_trackers(tracked, self)
            for listener in self._everybody():
                listener.tell(message)

    async def said(self, leg: Leg, sentences: Sequence[sentences.Joined]) -> None:
        """Keep whole sentences and what comes of them, then tell everybody."""
        async with self._stepping:
            for joined in sentences:
                await self._step(self.understanding.of_speech(leg, joined))

    # -- facts ----------------------------------------------------------------------------------------------------

    async def note(self, facts: Sequence[AnyFact]) -> None:
        """Keep facts, then tell them."""
        async with self._stepping:
            await self._step(facts)

    async def _step(self, facts: Sequence[AnyFact]) -> None:
        await self.means.store.append(self.id, self.sequence, facts)
        for fact in facts:
            self.sequence += 1
            self._tell(Entry(sequence=self.sequence, fact=fact), self._everybody())

    def _everybody(self) -> list[Listener]:
        return [*self.speakers, *self._subscribers]

    def _tell(self, entry: Entry, listeners: Iterable[Listener]) -> None:
        told: dict[View, list[symbl.ResultMessage]] = {}
        for listener in listeners:
            if listener.view not in told:
                told[listener.view] = messages_of(entry, self, listener.view)
            for message in told[listener.view]:
                listener.tell(message)

    def abandoned(self, now: float) -> list[Leg]:
        """Take out the legs that no client came back to in time, while others still speak."""
        late = [leg for leg in self.legs.values() if leg.left_at is not None and now - leg.left_at > self.keep_seconds]
        for leg in late:
            del self.legs[leg.key]
        return late

    # -- the end --------------------------------------------------------------------------------------------------

    async def end(self, reason: str) -> None:
        """Have all that was said recognised, keep that it is over, and tell everybody."""
        if self.ended:
            return
        self.ended = True
        self.means.ended(self)
        try:
            await asyncio.gather(*(leg.finish() for leg in tuple(self.legs.values())))
            async with self._stepping:
                await self._step([*self.understanding.finish(), Ended(at=self.means.clock.now(), reason=reason)])
        finally:
            self.dismiss()

    def dismiss(self) -> None:
        """Tell everybody that it is over."""
        for listener in self._everybody():
            listener.over(self.id)

    async def rest(self) -> None:
        """Have all that was said recognised and kept, and leave the conversation open for an engine that follows."""
        self.ended = True
        self.means.ended(self)
        await asyncio.gather(*(leg.finish() for leg in tuple(self.legs.values())))

    async def abandon(self) -> None:
        """Stop at once and keep nothing more."""
        self.ended = True
        self.means.ended(self)
        await asyncio.gather(*(leg.cancel() for leg in tuple(self.legs.values())))


def _key(person: Person) -> str:
    return person.user_id or f"name:{person.name}"


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
