"""A conversation while it lives: who takes part, what is said, what comes of it, and who is told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

import msgspec

from earmark.clock import Clock
from earmark_engine.facts import AnyFact, Began, Ended, Entry, Joined, Marked, Named, Place, Said, SpokenWord, Tracked
from earmark_engine.facts import TopicsFound as TopicsFact
from earmark_engine.hookspecs import DetectorMaker
from earmark_engine.ids import decimal_id, new_decimal_id
from earmark_engine.insights import sentences, trackers
from earmark_engine.insights.sentiment import sentiment
from earmark_engine.insights.types import Context, Detector, Findings, Person, Sentence, Tracker
from earmark_engine.leg import Leg
from earmark_engine.redaction import Redactor
from earmark_engine.store import Store
from earmark_engine.wire import View, interim_trackers, messages_of
from earmark_symbl import api as symbl

_REMEMBERED_SENTENCES = 200


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


@dataclass
class Terms:
    """What the clients of a conversation asked for, all taken together."""

    threshold: float = 1.0
    utc_offset_minutes: int = 0
    vocabulary: tuple[str, ...] = ()
    trackers: dict[str, Tracker] = field(default_factory=dict)
    interim_trackers: bool = False
    redactor: Redactor | None = None

    def add(self, start: symbl.StartRequest, saved: Iterable[Tracker], people: tuple[Person, ...]) -> None:
        """Take in what one more client asks for."""
        config = start.config or symbl.Config()
        asked = config.confidence_threshold
        self.threshold = min(self.threshold, 0.5 if asked is None else min(max(asked, 0.0), 1.0))
        if config.timezone_offset is not None:
            # Clients give what browsers give: minutes from local time to UTC, so that 480 is California in winter.
            self.utc_offset_minutes = -config.timezone_offset
        self.vocabulary = tuple(dict.fromkeys([*self.vocabulary, *(start.custom_vocabulary or ())]))
        inline = (Tracker(name=t.name, vocabulary=t.vocabulary) for t in start.trackers or () if t.name)
        for tracker in (*(saved if start.all_trackers else ()), *inline):
            self.trackers[tracker.name] = tracker
        self.interim_trackers |= bool(config.trackers and config.trackers.interim_results)
        if config.redaction and config.redaction.redact_content:
            self.redactor = Redactor(config.redaction.redaction_string or "****", people)


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
        self.texts: dict[str, Said] = {}
        self.sequence = 0
        self.ended = False
        self.legs: dict[str, Leg] = {}
        self.speakers: set[Listener] = set()
        self._subscribers = listeners
        self._means = means
        self._members: dict[str, Person] = {}
        self._detector: Detector | None = None
        self._stepping = asyncio.Lock()
        self._began_monotonic = means.clock.monotonic() - (means.clock.now() - began.at)
        self._heard_at = self.now()
        self._capture_origin: float | None = None
        self._told_interim: set[tuple[str, str]] = set()

    @property
    def threshold(self) -> float:
        """How sure a mark must be to be made at all."""
        return self.terms.threshold

    @property
    def utc_offset_minutes(self) -> int:
        """Minutes east of UTC, where the clients are."""
        return self.terms.utc_offset_minutes

    def now(self) -> float:
        """Seconds since the conversation began, on a clock that does not step."""
        return max(0.0, self._means.clock.monotonic() - self._began_monotonic)

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
                live._remember(entry.fact)
        return live

    async def introduce(self, start: symbl.StartRequest) -> Person | None:
        """Who speaks, as the client says; the same person has the same id throughout."""
        self.terms.add(start, self._means.saved_trackers, self._means.people)
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
            await self.note([Joined(at=self._means.clock.now(), person=known, email=address)])
        return known

    async def welcome(self, listener: Listener, *, after: int | None = None) -> None:
        """Tell somebody all that comes from now on, and where asked all that came after a fact."""
        async with self._stepping:
            if after is not None and after < self.sequence:
                for entry in await self._means.store.read(self.id, after):
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
        if self.terms.interim_trackers and self.terms.trackers:
            self._track_interim(leg, result)

    async def said(self, leg: Leg, sentences: Sequence[sentences.Joined]) -> None:
        """Keep whole sentences and what comes of them, then tell everybody."""
        async with self._stepping:
            for joined in sentences:
                await self._step(self._facts_of(leg, joined))

    def _facts_of(self, leg: Leg, joined: sentences.Joined) -> list[AnyFact]:
        start, end = leg.clock.seconds(joined.start), leg.clock.seconds(joined.end, at_end=True)
        text = self.shown(joined.text)
        words = joined.words if text == joined.text else ()
        said = Said(
            at=self._means.clock.now(),
            id=new_decimal_id(),
            text=text,
            start=round(start, 3),
            end=round(end, 3),
            speaker=leg.person,
            words=tuple(_spoken(leg, word) for word in words),
            sentiment=sentiment(text),
            place=leg.place_of(joined.start, joined.end),
        )
        sentence = self._sentence(said)
        findings = self._detecting().said(sentence)
        entities = tuple(entity for entity in findings.entities if entity.sentence == sentence.id)
        said = msgspec.structs.replace(said, entities=entities)
        self._remember(said)
        found = trackers.match(tuple(self.terms.trackers.values()), sentence) if self.terms.trackers else []
        tracked = [Tracked(at=said.at, matches=tuple(found), place=said.place)] if found else []
        return [said, *self._facts_found(findings), *tracked]

    def _sentence(self, said: Said) -> Sentence:
        at = self._moment(said.start)
        return Sentence(id=said.id, text=said.text, start=said.start, end=said.end, at=at, speaker=said.speaker)

    def _facts_found(self, findings: Findings) -> list[AnyFact]:
        at = self._means.clock.now()
        facts: list[AnyFact] = []
        for mark in findings.marks:
            mark = msgspec.structs.replace(mark, id=decimal_id(mark.id), confidence=round(mark.confidence, 4))
            facts.append(Marked(at=at, mark=mark, place=self._place(mark.sentences)))
        if findings.topics:
            topics = tuple(msgspec.structs.replace(t, id=decimal_id(self.id + t.id)) for t in findings.topics)
            facts.append(TopicsFact(at=at, topics=topics, place=self._place(topics[0].sentences)))
        if findings.entities:
            facts.append(Named(at=at, entities=findings.entities, place=self._place([findings.entities[0].sentence])))
        return facts

    def _detecting(self) -> Detector:
        if self._detector is None:
            context = Context(
                threshold=self.terms.threshold,
                people=(*self._members.values(), *self._means.people),
                owner=self._means.owner,
                utc_offset_minutes=self.utc_offset_minutes,
                vocabulary=self.terms.vocabulary,
            )
            self._detector = self._means.detector(context)
            for said in self.texts.values():
                # An earlier process has told what came of these; they are what the next ones refer to.
                self._detector.said(self._sentence(said))
        return self._detector

    def _track_interim(self, leg: Leg, result: symbl.RecognitionResult) -> None:
        if result.is_final:
            self._told_interim = {told for told in self._told_interim if told[0] != leg.key}
            return
        text = result.punctuated.transcript
        sentence = Sentence(id="", text=text, start=0.0, end=0.0, at=self._moment(0.0), speaker=leg.person)
        found = trackers.match(tuple(self.terms.trackers.values()), sentence)
        new = [match for match in found if (leg.key, match.phrase) not in self._told_interim]
        self._told_interim |= {(leg.key, match.phrase) for match in new}
        if new:
            message = interim_trackers(new, self)
            for listener in self._everybody():
                listener.tell(message)

    def _moment(self, start: float) -> datetime:
        return datetime.fromtimestamp(self.began + start, timezone(timedelta(minutes=self.utc_offset_minutes)))

    def _place(self, sentences: Sequence[str]) -> Place | None:
        said = self.texts.get(sentences[0]) if sentences else None
        return said.place if said else None

    def _remember(self, said: Said) -> None:
        self.texts[said.id] = said
        while len(self.texts) > _REMEMBERED_SENTENCES:
            del self.texts[next(iter(self.texts))]

    # -- facts ----------------------------------------------------------------------------------------------------

    async def note(self, facts: Sequence[AnyFact]) -> None:
        """Keep facts, then tell them."""
        async with self._stepping:
            await self._step(facts)

    async def _step(self, facts: Sequence[AnyFact]) -> None:
        await self._means.store.append(self.id, self.sequence, facts)
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

    # -- the end --------------------------------------------------------------------------------------------------

    async def end(self, reason: str) -> None:
        """Have all that was said recognised, keep that it is over, and tell everybody."""
        if self.ended:
            return
        self.ended = True
        self._means.ended(self)
        await asyncio.gather(*(leg.finish() for leg in tuple(self.legs.values())))
        async with self._stepping:
            last = self._facts_found(self._detector.finish()) if self._detector else []
            await self._step([*last, Ended(at=self._means.clock.now(), reason=reason)])
        self.dismiss()

    def dismiss(self) -> None:
        """Tell everybody that it is over."""
        for listener in self._everybody():
            listener.over(self.id)

    async def rest(self) -> None:
        """Have all that was said recognised and kept, and leave the conversation open for an engine that follows."""
        self.ended = True
        self._means.ended(self)
        await asyncio.gather(*(leg.finish() for leg in tuple(self.legs.values())))

    async def abandon(self) -> None:
        """Stop at once and keep nothing more."""
        self.ended = True
        self._means.ended(self)
        await asyncio.gather(*(leg.cancel() for leg in tuple(self.legs.values())))


def _spoken(leg: Leg, word: sentences.Word) -> SpokenWord:
    start, end = leg.clock.seconds(word.start), leg.clock.seconds(word.end, at_end=True)
    return SpokenWord(text=word.text, start=round(start, 3), end=round(end, 3))


def _key(person: Person) -> str:
    return person.user_id or f"name:{person.name}"


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
