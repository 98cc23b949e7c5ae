"""Makes whole sentences of what a recogniser gives, which is cut at pauses and not at full stops.

A sentence cut in two is joined before it is given out, two sentences in one segment are told apart, and the times
go with the words. Waiting is bounded by `LONGEST_PAUSE_SECONDS` of silence and `LONGEST_WAIT_SECONDS` in all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import msgspec

from . import background

LONGEST_PAUSE_SECONDS = 1.5
"""A longer silence ends a sentence, whatever it lacks."""
FULL_STOP_PAUSE_SECONDS = 0.8
"""How long a sentence with its full stop waits for more: recognisers put one at many a pause."""
BREATH_SECONDS = 0.6
"""Words without a full stop are joined across so short a pause, whatever they are."""
LONGEST_WAIT_SECONDS = 3.0
"""Words are given out so long after they ended, even if somebody still speaks."""
LONGEST_SENTENCE_WORDS = 60
"""Where a recogniser writes no full stops at all, sentences are cut here at the latest."""


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A word with the punctuation that hangs on it, and when it was said."""

    text: str
    start: float
    end: float


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """One whole sentence, and when it was said; times are seconds of the same clock as the segments'."""

    text: str
    start: float
    end: float
    words: tuple[Word, ...]


class Timed(Protocol):
    """A word as a recogniser gives it."""

    @property
    def text(self) -> str:
        """How it is written."""
        ...

    @property
    def start(self) -> float:
        """The second it begins."""
        ...

    @property
    def end(self) -> float:
        """The second it ends."""
        ...


class Segment(Timed, Protocol):
    """What a recogniser understood between two pauses."""

    @property
    def words(self) -> Sequence[Timed]:
        """Its words, or nothing where the recogniser does not time them."""
        ...


class Joiner:
    """Takes the segments of one stream in the order of time and gives whole sentences."""

    def __init__(self) -> None:
        self._held: list[Word] = []

    @property
    def held_since(self) -> float | None:
        """When the words were said that are not given out yet."""
        return self._held[0].start if self._held else None

    def add(self, segment: Segment) -> list[Joined]:
        """Take the next segment; give the sentences that are now whole."""
        words = _timed(segment)
        if not words:
            return self.quiet(segment.end)
        given = []
        if self._held:
            pause = words[0].start - self._held[-1].end
            if _goes_on(self._held, words, pause):
                _mend(self._held, words)
            else:
                given = self.flush()
        *whole, self._held = _split([*self._held, *words])
        given += [_joined(sentence) for sentence in whole]
        return given + self.quiet(segment.end)

    def quiet(self, until_seconds: float) -> list[Joined]:
        """Tell that nobody spoke from the last segment to here; give the sentence that nothing can follow now."""
        if self._held and until_seconds - self._held[-1].end >= _patience(self._held):
            return self.flush()
        return []

    def passed(self, until_seconds: float) -> list[Joined]:
        """Tell that time went on, with or without speech; give what has waited long enough."""
        if self._held and until_seconds - self._held[-1].end >= LONGEST_WAIT_SECONDS:
            return self.flush()
        return []

    def flush(self) -> list[Joined]:
        """Give what is held, for nothing more will come."""
        held, self._held = self._held, []
        return [_joined(held)] if held else []


def _joined(words: list[Word]) -> Joined:
    return Joined(
        text=" ".join(word.text for word in words),
        start=words[0].start,
        end=max(words[-1].end, words[0].start),
        words=tuple(words),
    )


def _timed(segment: Segment) -> list[Word]:
    """Give every written word its time: the recogniser's where it has one for each, else its share of the whole."""
    written = segment.text.split()
    if len(segment.words) == len(written):
        times = zip(written, segment.words, strict=True)
        return [Word(text=text, start=word.start, end=word.end) for text, word in times]
    letters = sum(len(text) + 1 for text in written)
    length = max(0.0, segment.end - segment.start)
    words, before = [], 0
    for text in written:
        after = before + len(text) + 1
        start, end = (segment.start + length * part / letters for part in (before, after))
        words.append(Word(text=text, start=start, end=end))
        before = after
    return words


_TERMINAL = re.compile(r"[.!?…]+[\"'”’)]*$")
_TRAILS_OFF = re.compile(r"(?:\.\.+|…|[-–—,;:])$")
_DANGLING = frozenset(
    background.split("""a an the and or but of to for with in on at by from into about my your his her our their this
    these those is are was were am be been will would can could should shall must may might i'll we'll you'll he'll
    she'll they'll i'm we're you're they're very really so because if when that which who than as not no more any some
    every each don't doesn't didn't won't can't couldn't shouldn't wouldn't going gonna wanna need needs let's""")
) - {"no", "not", "so", "that", "more", "is", "are", "was", "can", "will", "this", "really", "some", "any", "am"}
_CONTINUES = frozenset(
    background.split("because which than or until unless except including whose whom rather instead till")
)
_ALSO_CONTINUES = _CONTINUES | frozenset(
    background.split("and but of to for with in on at by from into before after about as while if")
)


def _bare(word: Word) -> str:
    return word.text.strip(".,;:!?…\"'“”‘’()-–—").lower().replace("’", "'")


def _is_ended(words: list[Word]) -> bool:
    last = words[-1]
    stopped = bool(_TERMINAL.search(last.text)) and not _TRAILS_OFF.search(last.text)
    return stopped and not (last.text.endswith(".") and len(words) > 1 and _bare(last) in _DANGLING)


def _patience(held: list[Word]) -> float:
    if not _is_ended(held):
        return LONGEST_PAUSE_SECONDS
    return FULL_STOP_PAUSE_SECONDS if held[-1].text.endswith(".") else 0.0


def _goes_on(held: list[Word], words: list[Word], pause: float) -> bool:
    """Tell whether the next segment's words belong to the sentence that is held."""
    if pause > _patience(held) or len(held) + len(words) > 2 * LONGEST_SENTENCE_WORDS:
        return False
    first = words[0].text
    cased = any(word.text[:1].isupper() for word in held)
    lowercase = cased and first[:1].islower()
    if _is_ended(held):
        return lowercase or _bare(words[0]) in _CONTINUES
    if _TRAILS_OFF.search(held[-1].text) or _bare(held[-1]) in _DANGLING or lowercase:
        return True
    return pause <= BREATH_SECONDS or _bare(words[0]) in _ALSO_CONTINUES


def _mend(held: list[Word], words: list[Word]) -> None:
    """Take away the full stop and the capital that the pause has put into the sentence."""
    last, first = held[-1], words[0]
    text = re.sub(r"(?:\.+|…|[-–—])$", "", last.text) or last.text
    held[-1] = Word(text=text, start=last.start, end=last.end)
    if first.text[:1].isupper() and _is_plain_word(first):
        lowered = first.text[0].lower() + first.text[1:]
        words[0] = Word(text=lowered, start=first.start, end=first.end)


def _is_plain_word(word: Word) -> bool:
    bare = _bare(word)
    return (
        bare != "i"
        and not bare.startswith("i'")
        and bare in background.per_million()
        and bare not in background.names_like_words()
    )


_ABBREVIATION = re.compile(
    r"^[\"'“(]*(?:Mrs?|Ms|Dr|Prof|St|Mt|Jr|Sr|Gen|Col|Sgt|Capt|Rev|Hon|vs|e\.g|i\.e|cf|approx|ca"
    r"|[A-HJ-Z]|[A-Za-z](?:\.[A-Za-z])+)\.$"
)
_NUMBERED = re.compile(r"^(?:No|Nr|Vol|Fig)\.$")
_NOT_AFTER_A_TIME = re.compile(
    r"^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|^(?:today|tomorrow|tonight)", re.IGNORECASE
)
_HALF_DAY = re.compile(r"[ap]\.m\.$", re.IGNORECASE)


def _split(words: list[Word]) -> list[list[Word]]:
    """Split words into sentences; the last is never empty."""
    sentences: list[list[Word]] = [[]]
    for index, word in enumerate(words):
        sentences[-1].append(word)
        following = words[index + 1] if index + 1 < len(words) else None
        if following is None:
            break
        if _ends_before(word.text, following.text, len(sentences[-1])) or _is_too_long(sentences[-1]):
            sentences.append([])
    return sentences


def _is_too_long(words: list[Word]) -> bool:
    return len(words) >= LONGEST_SENTENCE_WORDS


def _ends_before(text: str, following: str, length: int) -> bool:
    """Tell whether a sentence ends between two words; `length` counts its words so far."""
    if not _TERMINAL.search(text) or (_TRAILS_OFF.search(text) and following[:1].islower()):
        return False
    if _HALF_DAY.search(text):
        return following[:1].isupper() and not _NOT_AFTER_A_TIME.match(following)
    if _NUMBERED.match(text):
        return not following[:1].isdigit()
    if re.match(r"^[1-9]\.$", text):
        return length > 1
    return not _ABBREVIATION.match(text)
