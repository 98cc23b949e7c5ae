"""Tells when a sentence speaks of a mark that was just made: taking it on, naming the day, saying it again.

Rules only, and cautious ones: a mark that is amended wrongly is worse than one that is made twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from earmark_engine.insights import background, due, who
from earmark_engine.insights.due import Due
from earmark_engine.insights.stems import stem
from earmark_engine.insights.types import Context, Kind, Mark, Sentence, Tag

WINDOW_SECONDS = 20.0
"""How long after its last word a mark may still be amended."""
LIKENESS = 0.6
"""The share of content words that two sentences on one matter have in common."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SHORTENED = re.compile(r"(?:n['’]t|['’]\w+)$")
_EMPTY = frozenset(
    background.split(
        """it that this one them do does did done will can could would should shall may yes yeah yep yup sure okay ok
        fine right alright course absolutely definitely deal thanks thank please then so well oh um uh just too also
        need needs have has had want going gonna got get let make maybe"""
    )
)
_REFERS = re.compile(
    r"\b(?:it|that|this|them|those|do so|one)\b|^\W*(?:sure|yes|yeah|okay|ok|will do|fine)\b", re.IGNORECASE
)
_UNDONE = re.compile(r"n['’]t\b|\b(?:not|never|no|nobody|cannot)\b", re.IGNORECASE)


def content(text: str) -> frozenset[str]:
    """The stems of the words that say what a sentence is about."""
    words = (_SHORTENED.sub("", word.lower()) for word in _WORD.findall(text))
    stop = background.stop_words()
    return frozenset(stem(word) for word in words if len(word) > 2 and word not in stop and word not in _EMPTY)


def are_alike(text: str, other: str) -> bool:
    """Whether two sentences speak of one matter, by the words that they share."""
    ours, theirs = content(text), content(other)
    fewer = min(len(ours), len(theirs))
    return (
        fewer > 0
        and len(ours & theirs) / fewer >= LIKENESS
        and len(ours & theirs) >= min(2, max(len(ours), len(theirs)))
    )


def is_answer(sentence: Sentence, found: Due | None) -> bool:
    """Whether a sentence says nothing of its own: "Sure, I'll do it.", "By Friday, please."."""
    text = sentence.text
    if _UNDONE.search(text) or text.rstrip().endswith("?"):
        return False
    if found is not None:
        text = text[: found.offset] + text[found.offset + len(found.text) :]
    return not content(text) and (found is not None or _REFERS.search(text) is not None)


def describe(mark: Mark, sentence: Sentence, said: Sequence[Sentence], context: Context) -> Mark:
    """Add who and by when to a new mark, from its own words and what was said around."""
    person, tags = who.assignee(mark.text, said, context)
    found = due.due(mark.text, sentence.at, context)
    if found is not None:
        tags = (*tags, _date(found))
    if mark.kind is Kind.QUESTION:
        return msgspec.structs.replace(mark, tags=tags)
    return msgspec.structs.replace(
        mark,
        assignee=person,
        due=found.when if found else None,
        due_has_time=bool(found and found.has_time),
        tags=tuple(sorted(tags, key=lambda tag: tag.offset)),
    )


def amended(
    mark: Mark, sentence: Sentence, said: Sequence[Sentence], context: Context, *, repeated: bool
) -> Mark | None:
    """The mark as it stands after one more sentence on it, or None where that sentence adds nothing to it.

    `repeated` says that the sentence would be a mark by itself. Tags keep to the mark's own text.
    """
    found = due.due(sentence.text, sentence.at, context)
    same = repeated and are_alike(mark.text, sentence.text)
    if not same and not is_answer(sentence, found):
        return None
    person = mark.assignee or who.assignee(mark.text, said, context)[0]
    if person is None:
        person = who.assignee(sentence.text, said, context)[0]
    later = found is not None and found.when != mark.due
    if not same and not later and person == mark.assignee:
        return None
    return msgspec.structs.replace(
        mark,
        sentences=(*mark.sentences, sentence.id),
        assignee=person,
        due=found.when if found is not None else mark.due,
        due_has_time=found.has_time if found is not None else mark.due_has_time,
        revision=mark.revision + 1,
    )


def _date(found: Due) -> Tag:
    return Tag(kind="date", text=found.text, offset=found.offset, when=found.when)
