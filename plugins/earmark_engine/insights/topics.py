"""What the talk is about: noun phrases that are said more often than one would expect of any talk.

There is no tagger: a phrase is what lies between words that cannot be part of one. Phrases with the same last word are
one topic ("the tap", "the kitchen tap"), unless that word is too common to stand alone ("washing machine"). A topic
keeps its id, and its score hardly changes but by being spoken of again.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import msgspec

from . import background, names
from .background import split
from .stems import stem
from .types import Person, Sentence, TopicFound

WEIGHTY_FROM = 0.3
"""A topic is told from this score on: two mentions of an everyday word, or one of a telling phrase."""
WEIGHTIER_BY = 0.1
"""It is told again when its score has grown by so much."""
COVERED_FROM = 0.6
"""A word that is part of a longer topic in this share of its sentences is no topic beside it."""
LONGEST_PHRASE_WORDS = 3
MOST_TOPICS = 2_000
"""Where talk never ends, the weakest topics are forgotten."""

_UNEXPECTED = 0.1
"""What is added to the expected number of mentions, so that one mention of a rare word is not everything."""
_FULL_WEIGHT = 12.0
_TELLING = 1.9
_COMMON_FROM = 40
"""A word so often said in a million does not make a topic of its own modifiers."""
_STOPS_FROM = 250

_Phrase = tuple[str, ...]


class _Topic(msgspec.Struct):
    id: str
    head: str
    forms: Counter[_Phrase]
    sentences: list[str]
    mentions: int = 0
    told: float = 0.0
    told_as: str = ""


class Topics:
    """Follows the topics of one conversation, sentence by sentence."""

    def __init__(self, people: tuple[Person, ...] = ()) -> None:
        self._people = people
        self._topics: dict[_Phrase, _Topic] = {}
        self._latest: dict[str, _Phrase] = {}
        self._longer: dict[str, set[_Phrase]] = {}
        self._words = 0
        self._made = 0

    def add(self, sentence: Sentence) -> tuple[TopicFound, ...]:
        """Take the next sentence; tell the topics that are new or have become weightier by it."""
        self._words += sentence.text.count(" ") + 1
        touched = []
        for phrase in phrases(sentence.text, self._people):
            touched.append(self._mention(phrase, sentence.id))
            known = [word for word in phrase[:-1] if (stem(word),) in self._topics]
            touched += [self._mention((word,), sentence.id) for word in known]
        self._forget_weakest()
        told = []
        for topic in {topic.id: topic for topic in touched}.values():
            found = self._found(topic)
            if found.score >= WEIGHTY_FROM and self._is_news(topic, found) and not self._is_covered(topic):
                topic.told, topic.told_as = found.score, found.text
                told.append(found)
        return tuple(told)

    def all(self) -> list[TopicFound]:
        """Give the topics so far, the weightiest first."""
        told = (topic for topic in self._topics.values() if topic.told and not self._is_covered(topic))
        return sorted(map(self._found, told), key=lambda topic: -topic.score)

    def _is_news(self, topic: _Topic, found: TopicFound) -> bool:
        return found.score >= topic.told + WEIGHTIER_BY or found.text != topic.told_as

    def _is_covered(self, topic: _Topic) -> bool:
        """Tell whether a word is nearly always said as part of a longer topic: "remote" of "remote control"."""
        said = set(topic.sentences)
        longer = (self._topics[key] for key in self._longer.get(topic.head, ()) if key in self._topics)
        return any(
            other is not topic
            and topic.head in (stem(word) for word in other.told_as.split()[:-1])
            and len(said.intersection(other.sentences)) >= COVERED_FROM * len(said)
            for other in longer
        )

    def _mention(self, phrase: _Phrase, sentence: str) -> _Topic:
        key = self._key(phrase)
        topic = self._topics.get(key)
        if topic is None:
            self._made += 1
            topic = _Topic(id=f"topic-{self._made}", head=key[-1], forms=Counter(), sentences=[])
            self._topics[key] = topic
        self._latest[key[-1]] = key
        for word in phrase[:-1]:
            self._longer.setdefault(stem(word), set()).add(key)
        topic.forms[phrase] += 1
        topic.mentions += 1
        if sentence not in topic.sentences[-1:]:
            topic.sentences.append(sentence)
        return topic

    def _key(self, phrase: _Phrase) -> _Phrase:
        """Give what tells the topic from others: its last word, with the one before where that says too little."""
        head = stem(phrase[-1])
        if not _is_common(head):
            return (head,)
        if len(phrase) > 1:
            return (stem(phrase[-2]), head)
        return self._latest.get(head, (head,))

    def _forget_weakest(self) -> None:
        if len(self._topics) > MOST_TOPICS:
            by_weight = sorted(self._topics, key=lambda key: self._topics[key].mentions)
            for key in by_weight[: MOST_TOPICS // 4]:
                topic = self._topics.pop(key)
                self._latest.pop(topic.head, None)
            self._longer = {word: kept for word, keys in self._longer.items() if (kept := keys & self._topics.keys())}

    def _found(self, topic: _Topic) -> TopicFound:
        return TopicFound(
            id=topic.id,
            text=_best_form(topic),
            score=round(self._score(topic), 4),
            sentences=tuple(topic.sentences),
        )

    def _score(self, topic: _Topic) -> float:
        expected = _UNEXPECTED + self._words * _rate(topic.head) / 1_000_000
        telling = _TELLING if max(len(form) for form in topic.forms) > 1 else 1.0
        weight = topic.mentions * math.log(topic.mentions / expected) * telling
        return 1 - math.exp(-max(0.0, weight) / _FULL_WEIGHT)


def _best_form(topic: _Topic) -> str:
    """Take the fullest form that at least a third of the mentions, or all but one, have in common."""
    enough = min(max(1, topic.mentions - 1), math.ceil(topic.mentions / 3))
    endings: Counter[_Phrase] = Counter()
    for form, count in topic.forms.items():
        for length in range(1, len(form) + 1):
            endings[form[-length:]] += count
    best = max(endings, key=lambda form: (endings[form] >= enough, len(form), endings[form]))
    return " ".join(best)


@cache
def _rates() -> dict[str, int]:
    rates: dict[str, int] = {}
    for word, rate in background.per_million().items():
        root = stem(word)
        rates[root] = max(rates.get(root, 0), rate)
    return rates


def _rate(root: str) -> int:
    return _rates().get(root, 0)


def _is_common(root: str) -> bool:
    return _rate(root) >= _COMMON_FROM


_TOKEN = re.compile(r"\w+-(?!\w)|[^\W\d_][\w]*(?:['’-]\w+)*|[^\s\w]|\d\S*")
_DETERMINERS = frozenset(split("the a an this that these those my your his her its our their some any no every each"))
_BEFORE_VERB = frozenset(
    split("""i we you they he she it who i'll we'll you'll he'll she'll they'll will would can could should shall must
    may might can't couldn't won't wouldn't shouldn't don't doesn't didn't do does did let's please not never""")
)
_MOVING = frozenset(
    split("go goes going gone went come came coming drive walk run get got back way take took bring brought")
)
_BE = frozenset(split("is are was were be been being am i'm we're you're they're he's she's it's isn't aren't wasn't"))
_NOUNS_ANYWAY = frozenset(split("channel energy features feature recognition speech user project"))
_ADJECTIVE = re.compile(r"(?:ful|ous|able|ible|ish|less|ive|est)$")


@cache
def _noun_stems() -> frozenset[str]:
    """Give the verbs that other nouns are joined with: "phone call", "holiday plans"."""
    return frozenset(
        stem(noun)
        for noun in split(
            """book call drive file help iron list mail meet move note order pack paint park pass phone plan plant
            play post print rent repair report review run set show sign talk test text visit wait walk wash
            watch water wrap"""
        )
    )


@cache
def _verb_stems() -> frozenset[str]:
    others = split(
        """want like love hate think know say see hear feel seem mean guess hope wish become happen work live stay
        arrive sleep drip squeak enjoy explain expect believe imagine wonder suppose agree matter belong own cost
        weigh last exist depend include appear remain reach allow require create provide consider continue understand
        suggest"""
    )
    return frozenset(stem(verb) for verb in (*background.verbs(), *others))


def phrases(text: str, people: tuple[Person, ...] = ()) -> Iterator[_Phrase]:
    """Give the noun phrases of a sentence, in lower case, without names."""
    text = text[: background.LONGEST_TEXT]
    named = [(name.offset, name.end) for name in names.find(text, people)]
    tokens = [
        "." if any(begin <= match.start() < end for begin, end in named) else match.group().lower().replace("’", "'")
        for match in _TOKEN.finditer(text)
        if len(match.group()) == 1 or not match.group().endswith("-")
    ]
    chunk: list[str] = []
    for place, word in enumerate([*tokens, "."]):
        if _may_be_noun(tokens, place, word, chunk):
            if chunk and word.startswith(chunk[-1]):  # a false start: "sha shape"
                chunk.pop()
            chunk.append(word.removesuffix("'s"))
            continue
        if chunk and not (_is_stop(chunk[-1]) or chunk[-1].endswith("ed")):
            yield tuple(chunk[-LONGEST_PHRASE_WORDS:])
        chunk = []


def _may_be_noun(tokens: list[str], place: int, word: str, chunk: list[str]) -> bool:
    before = tokens[place - 1] if place else ""
    if len(word) < 3 or not word[0].isalpha() or _is_stop(word) or before in _BEFORE_VERB:
        return False
    if word.endswith("ly") or _ADJECTIVE.search(word):
        return False
    if before == "to" and (tokens[place - 2] if place > 1 else "") not in _MOVING:
        return False
    determined = before in _DETERMINERS or bool(chunk)
    if word.endswith("ing") and len(word) > 5:
        after = tokens[place + 1] if place + 1 < len(tokens) else "."
        return before in _DETERMINERS or (before not in _BE and not chunk and after.isalpha() and not _is_stop(after))
    if word.endswith("ed"):
        return False
    if stem(word) not in _verb_stems():
        return True
    return determined if not chunk else stem(word) in _noun_stems() and not chunk[-1].endswith(("er", "or"))


@cache
def _stops() -> frozenset[str]:
    common = {word for word, rate in background.per_million().items() if rate >= _STOPS_FROM}
    return frozenset((common | background.stop_words() | _DETERMINERS | _BEFORE_VERB | _BE) - _NOUNS_ANYWAY)


def _is_stop(word: str) -> bool:
    return word in _stops() or "n't" in word or word.endswith(("'ll", "'re", "'ve", "'d", "'m"))
