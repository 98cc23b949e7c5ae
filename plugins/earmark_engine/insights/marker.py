"""The detector that comes with the engine: it follows a conversation and marks what matters in it.

A sentence is weighed when it is said, and again after each of the next two; it is marked as soon as it weighs
enough. Nothing waits for a clock: a task at home is marked with its own last word, and what only an answer
makes plain is marked with that answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from uuid import uuid4

from earmark_engine.insights import entities, features, models, threads
from earmark_engine.insights.features import NEIGHBOURS
from earmark_engine.insights.models import Models, Read
from earmark_engine.insights.topics import Topics
from earmark_engine.insights.types import Context, Findings, Kind, Mark, Person, Sentence, TopicFound

LATEST_SECONDS = 15.0
"""After so long what follows no longer changes what a sentence was."""
REMEMBERED = 20
"""How many sentences are kept to tell who is meant."""
_TASKS = (Kind.ACTION_ITEM, Kind.FOLLOW_UP)


class LinearDetector:
    """Marks questions, action items and follow-ups, and finds topics and entities, in one conversation."""

    def __init__(self, context: Context, weights: Models | None = None) -> None:
        self._context = context
        self._models = weights or models.shipped()
        self._said: deque[Sentence] = deque(maxlen=REMEMBERED)
        self._reads: deque[Read] = deque(maxlen=2 * max(NEIGHBOURS) + 1)
        self._marked: deque[tuple[str, Kind]] = deque(maxlen=2 * REMEMBERED)
        self._open: list[tuple[Mark, float]] = []
        self._topics = Topics(context.people)

    def said(self, sentence: Sentence) -> Findings:
        """Take the next sentence and tell what is now known and was not before."""
        speaker = _key(sentence.speaker)
        seen = features.see(sentence.text, sentence.start, sentence.end, speaker)
        self._said.append(sentence)
        self._reads.append(self._models.read(seen))
        self._open = [(mark, last) for mark, last in self._open if sentence.start - last <= threads.WINDOW_SECONDS]
        return Findings(
            marks=tuple(self._marks(sentence)),
            topics=self._topics.add(sentence),
            entities=tuple(entities.find(sentence, self._context)),
        )

    def finish(self) -> Findings:
        """Tell what was still open when the conversation ended: nothing, since marks wait for no more."""
        return Findings()

    def topics(self) -> Sequence[TopicFound]:
        """The topics so far, the weightiest first."""
        return self._topics.all()

    def _marks(self, sentence: Sentence) -> Iterator[Mark]:
        for ahead in range(max(NEIGHBOURS), -1, -1):
            if ahead < len(self._reads) and sentence.start - self._said[-1 - ahead].end <= LATEST_SECONDS:
                yield from self._weigh(ahead)
        if not any(sentence.id in mark.sentences for mark, _ in self._open):
            yield from self._amend(sentence)

    def _weigh(self, ahead: int) -> Iterator[Mark]:
        """The marks on the sentence that was said `ahead` sentences ago."""
        sentence, at = self._said[-1 - ahead], len(self._reads) - 1 - ahead
        around = {n: self._reads[at + n] for n in NEIGHBOURS if 0 <= at + n < len(self._reads)}
        sure = self._models.confidences(self._reads[at], around)
        for kind in Kind:
            if self._is_wanted(kind, sentence, sure[kind]):
                self._marked.append((sentence.id, kind))
                yield self._mark(kind, sentence, sure[kind])

    def _is_wanted(self, kind: Kind, sentence: Sentence, confidence: float) -> bool:
        if kind not in self._context.kinds or (sentence.id, kind) in self._marked:
            return False
        if kind in _TASKS and any((sentence.id, other) in self._marked for other in _TASKS):
            return False
        return self._models.decision.marked(kind, confidence, self._context.threshold)

    def _mark(self, kind: Kind, sentence: Sentence, confidence: float) -> Mark:
        """A new mark, or the one that was just made on the same matter."""
        if kind in _TASKS:
            for place in reversed(range(len(self._open))):
                changed = self._amended(self._open[place][0], sentence, repeated=True)
                if changed is not None:
                    self._open[place] = (changed, sentence.end)
                    return changed
        mark = Mark(
            id=str(uuid4()),
            kind=kind,
            text=sentence.text,
            confidence=round(confidence, 3),
            sentences=(sentence.id,),
            speaker=sentence.speaker,
        )
        mark = threads.describe(mark, sentence, tuple(self._said), self._context)
        if kind in _TASKS:
            self._open.append((mark, sentence.end))
        return mark

    def _amend(self, sentence: Sentence) -> Iterator[Mark]:
        """The latest open mark, where this sentence answers it or names its day."""
        if self._open:
            changed = self._amended(self._open[-1][0], sentence, repeated=False)
            if changed is not None:
                self._open[-1] = (changed, sentence.end)
                yield changed

    def _amended(self, mark: Mark, sentence: Sentence, *, repeated: bool) -> Mark | None:
        if sentence.id in mark.sentences:
            return None
        return threads.amended(mark, sentence, tuple(self._said), self._context, repeated=repeated)


def _key(speaker: Person | None) -> str | None:
    return None if speaker is None else speaker.id or speaker.user_id or speaker.name
