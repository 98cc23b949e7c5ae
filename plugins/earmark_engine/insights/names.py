"""Finds the people a sentence names: those who are known, in any case, and others where a name would stand."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from . import background
from .background import split
from .types import Person


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a text that names somebody."""

    person: Person
    offset: int
    end: int


_START = r"(?:^|[.!?…]\s+|[\"“]\s*)"
LEAD_IN = (
    r"(?:(?:hey|hi|hello|okay|ok|so|and|well|oh|please|all ?right|right|thanks|thank you|yes|yeah|no|now|listen|look"
    r"|but|then|also|um|uh|dear|anyway)\b[,\s]*)*"
)
"""Words that a sentence may begin with before its first word of weight."""
_CAPITALISED = re.compile(r"(?<![\w’'])[A-Z][a-zà-öø-ÿ]+(?:[’'-][A-Z][a-zà-öø-ÿ]+)?\b(?!\s?['’]t\b)")
_HONORIFIC = re.compile(r"\b(?:Mrs?|Ms|Miss|Dr|Doctor|Professor|Prof|Aunt|Auntie|Uncle|Grandma|Grandpa)\.?\s$")
_AT_START = re.compile(rf"{_START}{LEAD_IN}$", re.IGNORECASE)
_VOCATIVE_START = re.compile(
    r"\s*,\s|\s(?:could|can|would|will)\syou\b|,?\splease\b|\sdon['’]t\sforget\b", re.IGNORECASE
)
_STRANGER_CALLED = re.compile(
    r",?\s(?:could|can|would|will)\syou\b|,\s(?:please|you|do|did|don['’]t|are|have|what|when|where|how|why)\b"
    r"|\splease\b",
    re.IGNORECASE,
)
_VOCATIVE_END = re.compile(r",?\s*(?:please|okay|ok|all ?right)?\s*[.?!]*$", re.IGNORECASE)
_SUBJECT = re.compile(
    r"['’](?:s\s(?:going\sto|gonna|got\sto|supposed\sto|turn|job)|ll)\b|\s(?:needs?\sto|has\sto|has\sgot\sto|will"
    r"|is\sgoing\sto|is\sgonna|is\ssupposed\sto|should|can|could|must|wants\sto|would\slike|promised|agreed|offered"
    r"|is\s\w+ing|and\s[A-Z]\w*)\b(?!\s(?:be|have\sbeen)\b)"
)
_AFTER_ASKING = re.compile(
    r"\b(?:ask|tell|remind|text|email|phone|thank|asked|told|reminded|let|want|need)\s$", re.IGNORECASE
)
_INVERTED = re.compile(r"\b(?:could|can|would|will|should|did|does|has|is)\s$", re.IGNORECASE)
_DOES = re.compile(r"\s(?!is\b|was\b)[a-z]+\b")
_PLACE_BEFORE = re.compile(r"\b(?:in|near|to|from|via|around|of|the|a|an)\s$", re.IGNORECASE)
_NOT_NAMES = frozenset(
    split("""Oh Ah Ooh Aha Uh Um Er Erm Mm Mmm Hm Hmm Mhm Huh Eh Ha Haha Hey Hi Hello Yep Yup Nah Nope Yeah Yes No Okay
    Alright Gosh Jeez Whoa Oops Yay Bravo You He She We They It There Here This That These Those Mondays Tuesdays
    Wednesdays Thursdays Fridays Saturdays Sundays Monday Tuesday Wednesday Thursday Friday Saturday Sunday
    January February March April May June July August
    September October November December Christmas Easter Halloween English French German Spanish Italian Chinese
    Japanese Dutch Latin Russian Polish Turkish Greek American British European God Internet Google Amazon Netflix
    Youtube YouTube Facebook Ikea Tesco Lego Bluetooth Wifi Zoom Skype Excel Windows Android Honey Darling Sweetheart
    Sweetie Love Dear Guys Everyone Everybody Somebody Someone Anyone Anybody Nobody Folks Kids Children Boys Girls
    People Whoever Whatever Mister Mr Mrs Ms Miss Dr Prof Professor Sir Madam Dinner Lunch Breakfast Supper School
    Work Traffic Homework Laundry Dishes Football Milk Bread Coffee Tea Pizza Church College University Management
    Marketing Sales Production Customers
    Nothing Everything Something Anything Sorry Congratulations Goodbye Bye Wow Ouch Cheers Welcome Sure Exactly
    Absolutely Seriously Hopefully Unfortunately Alternatively Tomorrow Today Tonight Yesterday Parents Grandparents
    Neighbours Neighbors Plumber Doctor Dentist Electrician Teacher Mechanic Vet Landlord Siri I Alexa Cortana""")
)


def find(text: str, people: tuple[Person, ...] = ()) -> list[Named]:
    """Find everybody who is named, in the order of the text."""
    found = _find_known(text, people)
    if not text.islower():
        taken = [(name.offset, name.end) for name in found]
        found += _find_unknown(text, taken)
    return sorted(found, key=lambda name: name.offset)


@lru_cache(maxsize=64)
def _known(people: tuple[Person, ...]) -> tuple[re.Pattern[str], dict[str, Person]] | None:
    by_name: dict[str, Person] = {}
    for person in people:
        whole = " ".join((person.name or "").lower().split())
        first = whole.split(" ")[0]
        for name in (whole, first):
            if len(name) > 1:
                by_name.setdefault(name, person)
    if not by_name:
        return None
    longest_first = sorted(by_name, key=len, reverse=True)
    spelled = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in longest_first)
    return re.compile(rf"(?<![\w-])(?:{spelled})(?![\w-])", re.IGNORECASE), by_name


def _find_known(text: str, people: tuple[Person, ...]) -> list[Named]:
    known = _known(people)
    if known is None:
        return []
    pattern, by_name = known
    found = []
    for match in pattern.finditer(text):
        person = by_name.get(" ".join(match.group().lower().split()))
        if person is not None and _is_meant(text, match):
            found.append(Named(person=person, offset=match.start(), end=match.end()))
    return found


def _is_meant(text: str, match: re.Match[str]) -> bool:
    """Tell the person from the word where a name is one as well ("Will", "Mark", "June")."""
    if match.group().lower() not in background.names_like_words():
        return True
    if _is_called(text, match.start(), match.end()):
        return True
    capital = match.group()[0].isupper()
    at_start = bool(_AT_START.search(text[: match.start()]))
    if _SUBJECT.match(text, match.end()):
        return capital or text.islower()
    return capital and not at_start


def _is_called(text: str, begin: int, end: int) -> bool:
    before = text[:begin]
    if _AT_START.search(before) and _VOCATIVE_START.match(text, end):
        return bool(text[end : end + 1] == "," or text[begin].isupper())
    return before.rstrip().endswith(",") and bool(_VOCATIVE_END.match(text, end))


def _find_unknown(text: str, taken: list[tuple[int, int]]) -> list[Named]:
    found: list[Named] = []
    for match in _CAPITALISED.finditer(text):
        begin, end = match.span()
        if any(begin < last and end > first for first, last in taken):
            continue
        if found and text[found[-1].end : begin] == " " and _is_surname(match.group()):
            begin = found.pop().offset
        elif not _may_be_name(text, match):
            continue
        found.append(Named(person=Person(name=text[begin:end]), offset=begin, end=end))
    return found


def _is_surname(word: str) -> bool:
    return word not in _NOT_NAMES and word.lower() not in background.per_million()


def _may_be_name(text: str, match: re.Match[str]) -> bool:
    word, before, end = match.group(), text[: match.start()], match.end()
    if _HONORIFIC.search(before):
        return True
    if word in background.first_names():
        return _is_meant(text, match) and not _reads_as_place_or_month(text, match)
    if word in _NOT_NAMES or word in background.places():
        return False
    if _AFTER_ASKING.search(before) or before.rstrip().endswith(","):
        called = _is_called(text, match.start(), end) or not before.rstrip().endswith(",")
        return called and word.lower() not in background.per_million()
    if _AT_START.search(before) and _STRANGER_CALLED.match(text, end):
        return word.lower() not in background.per_million()
    if _AT_START.search(before) or _INVERTED.search(before):
        return word.lower() not in background.per_million() and bool(
            _SUBJECT.match(text, end) or (_DOES.match(text, end) and _INVERTED.search(before))
        )
    return bool(_SUBJECT.match(text, end)) and not _PLACE_BEFORE.search(before)


def may_be_unknown(word: str) -> bool:
    """Tell whether a capitalised word is neither a common word, a first name, a day nor a language."""
    return _is_surname(word) and word not in background.first_names() and word not in background.places()


def _reads_as_place_or_month(text: str, match: re.Match[str]) -> bool:
    word, before = match.group(), text[: match.start()]
    if word in _NOT_NAMES:
        return not (before.rstrip().endswith(",") or _SUBJECT.match(text, match.end()))
    return word in background.places() and bool(_PLACE_BEFORE.search(before))
