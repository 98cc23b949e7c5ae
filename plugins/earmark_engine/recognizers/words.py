"""When each word was said, for a model that gives only the text: by its length, over the frames that were voiced."""

from __future__ import annotations

from collections.abc import Sequence

from earmark_engine.recognizers.segments import FRAME_SECONDS
from earmark_engine.recognizers.types import Word


def spread(text: str, voiced: Sequence[int]) -> tuple[Word, ...]:
    """Give every word of a text a share of the voiced frames, in proportion to its letters; pauses take no share."""
    words = text.split()
    if not words or not voiced:
        return ()
    lengths = [len(word) + 1 for word in words]
    total = sum(lengths)
    spoken = []
    before = 0
    for word, length in zip(words, lengths, strict=True):
        start = _moment(voiced, before / total)
        before += length
        spoken.append(Word(text=word, start=start, end=max(start, _moment(voiced, before / total, ending=True))))
    return tuple(spoken)


def _moment(voiced: Sequence[int], share: float, *, ending: bool = False) -> float:
    """Seconds at which that share of the voiced frames is over; an ending does not run on through a pause."""
    place = share * len(voiced)
    index = min(int(place), len(voiced) - 1)
    if ending and index and index == place:
        return (voiced[index - 1] + 1) * FRAME_SECONDS
    return (voiced[index] + min(1.0, place - index)) * FRAME_SECONDS
