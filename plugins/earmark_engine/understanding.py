"""From sentences to facts: how they sound, what they name, and what the detector makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from msgspec.structs import replace

from earmark_engine.facts import AnyFact, Marked, Named, Place, Said, SpokenWord, TopicsFound, Tracked
from earmark_engine.ids import decimal_id, new_decimal_id
from earmark_engine.insights import trackers
from earmark_engine.insights.sentences import Joined, Word
from earmark_engine.insights.sentiment import sentiment
from earmark_engine.insights.types import Context, Detector, Findings, Sentence, TrackerMatch
from earmark_engine.leg import Leg
from earmark_symbl import api as symbl

if TYPE_CHECKING:
    from earmark_engine.live import Live

_REMEMBERED_SENTENCES = 200


class Understanding:
    """Follows one conversation, and remembers what its latest sentences were."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self.texts: dict[str, Said] = {}
        """The latest sentences by their ids."""
        self._detector: Detector | None = None
        self._told_until: dict[str, int] = {}
        self._told_in_passing: set[tuple[str, str]] = set()

    def of_speech(self, leg: Leg, joined: Joined) -> list[AnyFact]:
        """The facts that come of a sentence."""
        said, sentence = self._said(leg, joined)
        findings = self._detecting().said(sentence)
        said = replace(said, entities=tuple(found for found in findings.entities if found.sentence == said.id))
        self.remember(said)
        matches = tuple(trackers.match(tuple(self._live.terms.trackers.values()), sentence))
        tracked = [Tracked(at=said.at, matches=matches, place=said.place)] if matches else []
        return [said, *self._found(findings), *tracked]

    def finish(self) -> list[AnyFact]:
        """The facts that only the end brings to light."""
        return self._found(self._detector.finish()) if self._detector else []

    def tracked_in_passing(self, leg: Leg, result: symbl.RecognitionResult) -> list[TrackerMatch]:
        """Tracked phrases in text that may still change, once each, where somebody asked for that."""
        terms = self._live.terms
        if not terms.interim_trackers:
            return []
        if result.is_final:
            self._told_in_passing = {told for told in self._told_in_passing if told[0] != leg.key}
            return []
        text = result.punctuated.transcript
        sentence = Sentence(id="", text=text, start=0.0, end=0.0, at=self._moment(0.0), speaker=leg.person)
        found = trackers.match(tuple(terms.trackers.values()), sentence)
        new = [match for match in found if (leg.key, match.phrase) not in self._told_in_passing]
        self._told_in_passing |= {(leg.key, match.phrase) for match in new}
        return new

    # -- what was said before -------------------------------------------------------------------------------------

    def told_until(self, clock: str) -> int:
        """The client's sample up to which sentences were told, whichever leg or process has heard them."""
        return self._told_until.get(clock, 0)

    def remember(self, said: Said) -> None:
        """Keep a sentence for a while, for what refers to it."""
        self.texts[said.id] = said
        if said.place is not None:
            self._told_until[said.place.clock] = max(said.place.end, self.told_until(said.place.clock))
        while len(self.texts) > _REMEMBERED_SENTENCES:
            del self.texts[next(iter(self.texts))]

    # -- one sentence ---------------------------------------------------------------------------------------------

    def _said(self, leg: Leg, joined: Joined) -> tuple[Said, Sentence]:
        start, end = leg.clock.seconds(joined.start), leg.clock.seconds(joined.end, at_end=True)
        text = self._live.shown(joined.text)
        said = Said(
            at=self._live.means.clock.now(),
            id=new_decimal_id(),
            text=text,
            start=round(start, 3),
            end=round(end, 3),
            speaker=leg.person,
            words=tuple(_spoken(leg, word) for word in joined.words) if text == joined.text else (),
            sentiment=sentiment(text),
            place=leg.place_of(joined.start, joined.end),
        )
        return said, self._sentence(said)

    def _sentence(self, said: Said) -> Sentence:
        at = self._moment(said.start)
        return Sentence(id=said.id, text=said.text, start=said.start, end=said.end, at=at, speaker=said.speaker)

    def _moment(self, start: float) -> datetime:
        zone = timezone(timedelta(minutes=self._live.utc_offset_minutes))
        return datetime.fromtimestamp(self._live.began + start, zone)

    # -- what was found -------------------------------------------------------------------------------------------

    def _detecting(self) -> Detector:
        if self._detector is None:
            live = self._live
            context = Context(
                threshold=live.threshold,
                people=live.people,
                owner=live.means.owner,
                utc_offset_minutes=live.utc_offset_minutes,
                vocabulary=live.terms.vocabulary,
            )
            self._detector = live.means.detector(context)
            for said in self.texts.values():
                # An earlier process has told what came of these; they are what the next ones refer to.
                self._detector.said(self._sentence(said))
        return self._detector

    def _found(self, findings: Findings) -> list[AnyFact]:
        at = self._live.means.clock.now()
        facts: list[AnyFact] = []
        for mark in findings.marks:
            mark = replace(mark, id=decimal_id(mark.id), confidence=round(mark.confidence, 4))
            facts.append(Marked(at=at, mark=mark, place=self._place(mark.sentences)))
        if findings.topics:
            topics = tuple(replace(topic, id=decimal_id(self._live.id + topic.id)) for topic in findings.topics)
            facts.append(TopicsFound(at=at, topics=topics, place=self._place(topics[0].sentences)))
        if findings.entities:
            facts.append(Named(at=at, entities=findings.entities, place=self._place([findings.entities[0].sentence])))
        return facts

    def _place(self, sentences: Sequence[str]) -> Place | None:
        said = self.texts.get(sentences[0]) if sentences else None
        return said.place if said else None


def _spoken(leg: Leg, word: Word) -> SpokenWord:
    start, end = leg.clock.seconds(word.start), leg.clock.seconds(word.end, at_end=True)
    return SpokenWord(text=word.text, start=round(start, 3), end=round(end, 3))
