"""Brings the forms of an English word together: "stopped", "stopping", "stops" and "stop"."""

from __future__ import annotations

from functools import lru_cache

_IRREGULAR = {
    form: root
    for root, forms in {
        "be": "am is are was were been being",
        "have": "has had having",
        "do": "does did done doing",
        "go": "goes went gone",
        "get": "got gotten",
        "buy": "bought",
        "bring": "brought",
        "think": "thought",
        "pay": "paid",
        "say": "said",
        "sell": "sold",
        "tell": "told",
        "send": "sent",
        "spend": "spent",
        "build": "built",
        "lose": "lost",
        "leave": "left leaves",
        "make": "made",
        "take": "took taken",
        "give": "gave given",
        "come": "came",
        "see": "saw seen",
        "know": "knew known",
        "write": "wrote written",
        "break": "broke broken",
        "speak": "spoke spoken",
        "choose": "chose chosen",
        "drive": "drove driven",
        "eat": "ate eaten",
        "find": "found",
        "forget": "forgot forgotten",
        "hear": "heard",
        "hold": "held",
        "keep": "kept",
        "meet": "met",
        "run": "ran",
        "teach": "taught",
        "understand": "understood",
        "feel": "felt",
        "begin": "began begun",
        "ring": "rang rung",
        "fall": "fell fallen",
        "grow": "grew grown",
        "child": "children",
        "man": "men",
        "woman": "women",
        "person": "people",
        "foot": "feet",
        "tooth": "teeth",
        "mouse": "mice",
        "knife": "knives",
        "life": "lives",
        "good": "better best",
        "bad": "worse worst",
    }.items()
    for form in forms.split()
}
_VOWELS = frozenset("aeiouy")
_UNCHANGED = frozenset({"news", "always", "perhaps", "series", "species", "during", "thing", "something", "nothing"})
SHORTEST = 3


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Give what the forms of a lower-case word have in common; not always a word itself."""
    word = _IRREGULAR.get(word.removesuffix("'s"), word.removesuffix("'s"))
    if len(word) <= SHORTEST or word in _UNCHANGED:
        return word
    for suffix in ("ing", "ed"):
        root = word.removesuffix(suffix)
        if root != word and len(root) >= SHORTEST and _VOWELS.intersection(root):
            return _ending(_undoubled(root))
    if word.endswith("ies"):
        return word[:-3] + "i"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return _ending(word[:-2])
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return _ending(word[:-1])
    return _ending(word)


def _undoubled(root: str) -> str:
    doubled = root[-1] == root[-2] and root[-1] not in "lsz" and root[-1] not in _VOWELS
    return root[:-1] if doubled else root


def _ending(root: str) -> str:
    if root.endswith("ll") and len(_VOWELS.intersection(root[:-3])) > 0:
        return root[:-1]
    if len(root) > SHORTEST and root.endswith("e"):
        return root[:-1]
    if len(root) > 2 and root.endswith("y") and root[-2] not in _VOWELS:
        return root[:-1] + "i"
    return root
