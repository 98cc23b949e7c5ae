"""A detector of a few plain rules, so that tests of the engine do not depend on what models learned."""

from __future__ import annotations

import re
from collections.abc import Sequence

from earmark_engine.insights import due, who
from earmark_engine.insights.types import Context, Findings, Kind, Mark, Sentence, TopicFound

_QUESTION = re.compile(
    r"^(?:(?:and|but|so|well|okay|[a-z]+),? )?(?:who|what|when|where|why|how|which|whose|is|are|was|were|do|does|did|"
    r"can|could|will|would|should|has|have|may)\b",
    re.IGNORECASE,
)
_TASK = re.compile(
    r"\b(?:i'?ll|i will|we'?ll|we will|i'?m going to|we need to|i need to|needs to|need to|has to|have to|please|"
    r"let'?s|(?:could|can|will|would) you|don'?t forget)\b",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(r"\b(?:follow up|get back to|check with|call|talk to|meet|let .* know)\b", re.IGNORECASE)


class RuleDetector:
    """Marks what ends in a question mark, and what promises or asks."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._said: list[Sentence] = []

    def said(self, sentence: Sentence) -> Findings:
        self._said = [*self._said[-5:], sentence]
        marks = []
        if sentence.text.rstrip().endswith("?") and _QUESTION.search(sentence.text):
            marks.append(self._mark(Kind.QUESTION, sentence, 0.9))
        if _TASK.search(sentence.text):
            marks.append(self._mark(Kind.ACTION_ITEM, sentence, 0.8))
            if _FOLLOW_UP.search(sentence.text):
                marks.append(self._mark(Kind.FOLLOW_UP, sentence, 0.7))
        return Findings(marks=tuple(m for m in marks if m.confidence >= self._context.threshold))

    def finish(self) -> Findings:
        return Findings()

    def topics(self) -> Sequence[TopicFound]:
        return ()

    def _mark(self, kind: Kind, sentence: Sentence, confidence: float) -> Mark:
        person, tags = who.assignee(sentence.text, self._said, self._context)
        when = due.due(sentence.text, sentence.at, self._context)
        return Mark(
            id=f"{sentence.id}-{kind}",
            kind=kind,
            text=sentence.text,
            confidence=confidence,
            sentences=(sentence.id,),
            speaker=sentence.speaker,
            assignee=None if kind is Kind.QUESTION else person,
            due=when.when if when else None,
            due_has_time=when.has_time if when else False,
            tags=tags,
        )
