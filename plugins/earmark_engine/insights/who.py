"""Who is to do what a sentence says.

The first clause that lays a task on somebody decides: "Tom needs to …" names Tom, "could you …" whoever is called
or answers, "I'll …" the speaker. "We" and "somebody" are nobody in particular.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from . import background, names
from .names import Named
from .types import Context, Person, Sentence, Tag

NEIGHBOURS = 3
"""How many sentences away the one may speak whom a "you" is meant for."""

_MASK = "\ue000"
"""Stands for every letter of a name, so that offsets stay what they are."""
_NAME = rf"{_MASK}+"
_NAMES = rf"{_NAME}(?:(?:, {_NAME})*,? (?:and|or) (?:{_NAME}|(?:I|you|me)\b))?"
_NOBODY = (
    r"(?:some|any|every)(?:one|body)|who(?:ever)?|he|she|they|it|that|this|one of (?:you|us|them)"
    r"|you (?:guys|two|all|both)"
)
_AGENT = rf"(?P<agent>{_NAMES}|\byou and {_NAME}|\b(?:{_NOBODY}|I|we|you)\b)"
_ADVERBS = (
    r"(?:\s(?:just|also|really|probably|then|both|all|definitely|still|certainly|maybe|first|please|actually|only"
    r"|quickly|always|usually|already|kindly))*"
)
_NOT_DOING = r"(?:thinking|saying|wondering|hoping|guessing|assuming|feeling|trying|looking at|kidding|joking|asking)"
_DUTY = (
    r"(?:['’]ll|['’]d better|['’]d(?: love| like)? to|\s(?:will|shall|should|can|could|must|might|may|would)\b"
    r"(?!['’]|n['’]t)|\s(?:needs?|have|has|ought|wants?|promised?|agreed|offered|plans?|intends?|volunteers?"
    r"|volunteered)\sto\b|\s(?:has|have|['’]s|['’]ve)?\s?(?:got to|gotta)\b|['’](?:ve|s) got to\b|\shad better\b"
    r"|(?:['’]m|['’]re|['’]s|\sam|\sare|\sis)\s(?:going to|gonna|supposed to|responsible for|in charge of|on it"
    rf"|on (?:dish|cooking|cleaning|kitchen)\w*|(?!{_NOT_DOING})\w+ing)\b)"
)
_NEGATED = r"(?!\s?(?:not|never)\b|\shave\s(?!to\b)|n['’]?t\b)"
_NOT_DONE_BY_ANOTHER = rf"(?!\sbe\s[^.?!]*\bby\s{_NAME})"
_DOES = (
    r"\s(?:picks|takes|brings|calls|buys|cooks|drives|does|makes|gets|handles|sends|fixes|cleans|washes|feeds|walks"
    r"|orders|books|pays|writes|prepares|checks|collects|drops|looks after|looks into|takes care)\b"
)
_DUTIES = (
    rf"\b(?:I|we)(?:['’]d|['’]ve| would| have)?\s(?:really\s)?(?:need|want|like|expect|asked|told)\s{_AGENT}\sto\b",
    rf"\b(?:can|could|would|will|should|shall|must)\s{_AGENT}(?!\s(?:like|be home|have)\b|['’])",
    rf"\b(?:do|why don['’]t|did|are)\s{_AGENT}\s(?:want to|mind|able to|going to)\b",
    rf"\bwhy don['’]t\s{_AGENT}",
    rf"\b(?:said|promised)(?: that)?\s{_AGENT}(?:['’]d|['’]ll|\s(?:would|will))\b",
    rf"{_AGENT}{_ADVERBS}{_DUTY}{_ADVERBS}{_NEGATED}{_NOT_DONE_BY_ANOTHER}",
    rf"(?P<agent>{_NAMES}){_DOES}",
    rf"(?P<agent>{_NAME}|\b(?:my|your))(?:['’]s)?\s(?:turn|job|task|responsibility)\b",
    rf"\b(?:up to|leave (?:it|that|this) (?:to|with)|over to|assign(?:ed)?\s(?:\w+\s){{1,4}}to)\s"
    rf"(?P<agent>{_NAME}|me\b|you\b)",
    rf"\b(?:be|been|being|is|get|gets)\s\w+(?:ed|en|ne|ought|ept|ent|id)\s(?:\w+\s){{0,3}}by\s"
    rf"(?P<agent>{_NAME}|me\b|you\b)",
    r"\b(?P<agent>let me|let['’]s|let us)\b",
)
"""Patterns of clauses that lay a task on an agent, the more telling first."""
_TITLE = r"(?:(?:mrs?|ms|miss|dr|aunt|uncle)\.?\s)?"
_CALLED = re.compile(
    rf"(?:^|[.!?,]\s){names.LEAD_IN}(?P<first>{_NAME})(?=,|\s(?:could|can|would|will)\syou\b|\splease\b)"
    rf"|,\s*(?:please,?\s)?{_TITLE}(?P<last>{_NAME})(?=\s*(?:please|okay|ok|all ?right)?[,\s]*(?:[.?!]|$))"
    rf"|,\s(?P<inner>{_NAME})(?=,)|\b(?:you|please),?\s(?P<apposed>{_NAME})(?=,|[.?!]|$)",
    re.IGNORECASE,
)
_SUBORDINATE = re.compile(
    r"\b(?:if|when|whenever|unless|until|while|because|since|as|after|before|whether|what|how|where|which|than|that way"
    r"|so that|in case|once)\s(?:\w+ly\s)?$",
    re.IGNORECASE,
)


@cache
def _imperative() -> str:
    verbs = "|".join(sorted(background.verbs()))
    return rf"(?:don['’]t\s(?:forget|let|leave)|make sure|be sure|{verbs})\b(?!['’,]|\s(?:is|was|are)\b)"


@cache
def _rules() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in (*_DUTIES, *_requests()))


def _requests() -> tuple[str, ...]:
    return (
        rf"(?:^|,\s|\b(?:and|then|so|okay|ok)\s)(?P<agent>you)\s{_imperative()}",
        rf"\b(?P<agent>please)\s(?:\w+ly\s)?{_imperative()}",
        rf"^\s*{names.LEAD_IN}(?:{_NAME},?\s)?(?:and\s|then\s|just\s|please,?\s)*(?P<agent>{_imperative()})",
        rf"^\s*{names.LEAD_IN}(?:{_NAME},\s)?(?:when|if|once|after|before|as soon as)\s[^,.?!]*,\s(?:please\s)?"
        rf"(?P<agent>{_imperative()})",
    )


def assignee(text: str, said: Sequence[Sentence], context: Context) -> tuple[Person | None, tuple[Tag, ...]]:
    """Find who is to do what `text` says, and tag everybody it names.

    `said` are the sentences so far, the current one last. An answer that came after `text` tells who "you" was.
    """
    people = context.people + tuple(one.speaker for one in said[-20:] if one.speaker and one.speaker.name)
    where = _where(text, said)
    text = text[: background.LONGEST_TEXT]
    named = names.find(text, tuple(dict.fromkeys(people)))
    masked = _masked(text, named)
    chosen = _chosen(masked, named, where, context)
    tags = tuple(_tag(text, name, chosen) for name in named)
    return (chosen[0] if chosen else None), tags


def _masked(text: str, named: list[Named]) -> str:
    for name in named:
        text = text[: name.offset] + _MASK * (name.end - name.offset) + text[name.end :]
    return text


def _tag(text: str, name: Named, chosen: list[Person]) -> Tag:
    return Tag(
        kind="person",
        text=text[name.offset : name.end],
        offset=name.offset,
        person=name.person,
        assignee=name.person in chosen,
    )


def _where(text: str, said: Sequence[Sentence]) -> tuple[Sequence[Sentence], Sentence | None, Sequence[Sentence]]:
    """Split what was said into what came before `text`, the sentence it is from, and what came after."""
    for index in range(len(said) - 1, max(-1, len(said) - 1 - 2 * NEIGHBOURS), -1):
        if text in said[index].text:
            return said[:index], said[index], said[index + 1 :]
    return (said[:-1], said[-1], ()) if said else ((), None, ())


def _chosen(
    masked: str,
    named: list[Named],
    where: tuple[Sequence[Sentence], Sentence | None, Sequence[Sentence]],
    context: Context,
) -> list[Person]:
    agent = _agent(masked)
    if agent is None:
        return []
    word = agent.group("agent").lower()
    speaker = where[1].speaker if where[1] else None
    if word in ("i", "me", "my", "let me"):
        return [person for person in (speaker or context.owner,) if person]
    if _MASK in word and not word.startswith("you"):
        begin, end = agent.span("agent")
        return [] if " or " in word else [name.person for name in named if begin <= name.offset < end]
    if word in ("we", "let's", "let’s", "let us") or re.fullmatch(_NOBODY, word):
        return []
    called = _called(masked, named)
    return [person for person in (called or _addressee(*where),) if person]


def _agent(masked: str) -> re.Match[str] | None:
    """Find the first clause that lays a task on somebody."""
    found = [match for rule in _rules() for match in rule.finditer(masked) if not _is_subordinate(masked, match)]
    return min(found, key=lambda match: match.start(), default=None)


def _is_subordinate(masked: str, match: re.Match[str]) -> bool:
    return bool(_SUBORDINATE.search(masked, max(0, match.start() - 30), match.start()))


def _called(masked: str, named: list[Named]) -> Person | None:
    for match in _CALLED.finditer(masked):
        begin = next(match.start(group) for group in match.re.groupindex if match.start(group) >= 0)
        for name in named:
            if name.offset == begin:
                return name.person
    return None


def _addressee(before: Sequence[Sentence], current: Sentence | None, after: Sequence[Sentence]) -> Person | None:
    """Take "you" for whoever answers, or else for whoever spoke before."""
    if current is None or current.speaker is None:
        return None
    near = [*after[:NEIGHBOURS], *reversed(before[-NEIGHBOURS:])]
    others = (one.speaker for one in near if one.speaker and one.speaker != current.speaker)
    return next(others, None)
