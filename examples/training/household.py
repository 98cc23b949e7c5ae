"""Makes household talk by rule, so that the models hear of plumbers and not only of remote controls.

The meetings that the models learn from are business meetings. These sentences are put together from our own
lists (`household.toml`): tasks that somebody takes on, asks for or assigns, and beside each kind its look-alikes
that are no task (the past, idle talk, wishes, refusals, questions about facts). They are for training only; what
the models are worth in a kitchen is tested on other sentences.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KINDS = (
    ("commitments", 0.10, False, True),
    ("assignments", 0.08, False, True),
    ("orders", 0.05, False, True),
    ("requests", 0.07, True, True),
    ("done", 0.18, False, False),
    ("done_questions", 0.07, True, False),
    ("idle", 0.30, False, False),
    ("idle_questions", 0.15, True, False),
)
"""Kinds of sentence: how often, whether a question, whether a task."""
LEAD_INS = ("So", "And", "Well", "Oh", "Um", "Yeah", "But")
PAUSES_SECONDS = (0.1, 0.3, 0.6, 1.2, 4.0, 30.0)


class Household:
    """Talks."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        text = Path(__file__).with_name("household.toml").read_text(encoding="utf-8")
        self._lists: dict[str, Any] = tomllib.loads(text)

    def rows(self, conversations: int, length: int = 30) -> Iterator[dict[str, Any]]:
        """Rows like those of the corpora, each conversation a meeting of its own."""
        for number in range(conversations):
            at, speaker = 0.0, 0
            for _ in range(length):
                text, question, task = self._anything()
                took = 0.28 * len(text.split()) + 0.2
                yield {
                    "meeting": f"household {number}",
                    "speaker": f"speaker {speaker}",
                    "start": at,
                    "end": at + took,
                    "text": text,
                    "asr": None,
                    "question": question,
                    "task": task,
                }
                at += took + self._random.choice(PAUSES_SECONDS)
                speaker = self._random.randrange(3)

    def _anything(self) -> tuple[str, bool, bool]:
        at = self._random.random()
        chosen = 0
        while at >= KINDS[chosen][1] and chosen < len(KINDS) - 1:
            at -= KINDS[chosen][1]
            chosen += 1
        name, _, question, task = KINDS[chosen]
        return self._say(self._lists[name]), question, task

    def _say(self, frames: list[str]) -> str:
        pick, lists = self._random.choice, self._lists
        first, second = pick(lists["tasks"]), pick(lists["tasks"])
        thing, chance = pick(lists["things"]), self._random.random()
        when = pick(lists["whens"]) if chance < 0.75 else ""
        what, what_else = pick(first["objects"]), pick(second["objects"])
        task = f"{first['verb']} {what}"
        text = pick(frames).format(
            task=task,
            Task=_capital(task),
            past=f"{first['past']} {what}",
            task2=f"{second['verb']} {what_else}",
            when=when,
            When=_capital(when or "later"),
            ago=pick(lists["pasts"]),
            name=pick(lists["names"]),
            thing=thing,
            Thing=_capital(thing),
            view=pick(lists["views"]),
        )
        for mark in ".,?":
            text = text.replace(f" {mark}", mark)
        return self._led_in(text.replace("  ", " "))

    def _led_in(self, text: str) -> str:
        if self._random.random() >= 0.15:
            return text
        stays = text.split()[0].rstrip(",.'?").split("'")[0] in {"I", *self._lists["names"]}
        return f"{self._random.choice(LEAD_INS)}, {text if stays else text[0].lower() + text[1:]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
