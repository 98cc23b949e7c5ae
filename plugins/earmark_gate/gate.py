"""The gate: frames in, speech out, and of everything else which stretch was left out.

Every sample that comes in goes out once and in order, in a `Frame` or in an `Omitted`. What may still become pre-roll
is held back; nothing is held longer than that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

from earmark.audio import Cause, Frame, Omitted
from earmark.room import Room
from earmark_gate.decision import Rule, State, decide
from earmark_gate.model import RATE, WINDOW, SpeechDetector
from earmark_gate.settings import GateSettings
from earmark_gate.windows import Windows

Item = Frame | Omitted

_WINDOW_SECONDS = WINDOW / RATE
_TOUCHING_SECONDS = 0.001


class Gate:
    """A filter that passes sound only while somebody speaks."""

    def __init__(self, detector: SpeechDetector, settings: GateSettings, room: Room) -> None:
        self._detector, self._settings, self._room = detector, settings, room
        self.speech = 0.0
        self.speaking = False
        self._begin()

    def _begin(self) -> None:
        self._state = State()
        self._windows: Windows | None = None
        self._undecided: deque[Frame] = deque()
        self._decided = 0
        """Samples of the stream on which there is a decision."""
        self._held: deque[Frame] = deque()
        """Silence that may still become pre-roll."""
        self._next: tuple[int, int] | None = None

    async def hear(self, item: Item) -> Iterable[Item]:
        """Take what comes next and give what goes on."""
        out: list[Item] = []
        if self._next is not None and self._next != (item.rate, item.position):
            out += self._flush()
        if isinstance(item, Omitted):
            out += [*self._flush(), item]
            self._detector.forget()
        else:
            out += self._frame(item)
            self._next = item.rate, item.position + len(item.samples)
        return self._told(joined(out))

    async def finish(self) -> Iterable[Item]:
        """Give what was held back: no speech came of it."""
        out = self._flush()
        self._begin()
        self._detector.forget()
        self.speech, self.speaking = 0.0, False
        return self._told(joined(out))

    def _frame(self, frame: Frame) -> list[Item]:
        if self._windows is None:
            self._windows, self._decided = Windows(frame.rate), 0
        self._undecided.append(frame)
        out: list[Item] = []
        for window, until in self._windows.cut(frame.samples):
            self.speech = self._detector.probability(window)
            self._state = decide(self._state, self._rule(), probability=self.speech, seconds=_WINDOW_SECONDS)
            out += self._decide(until - self._decided)
            self._decided = until
        self.speaking = self._state.speaking
        return out

    def _rule(self) -> Rule:
        settings = self._settings
        tuned = self._room.controls.tuned("gate", "threshold", settings.threshold)
        return Rule(threshold=tuned, hang_over_seconds=settings.hang_over)

    def _decide(self, length: int) -> list[Item]:
        """Pass the next samples, or hold them for the pre-roll and leave out what is too old for it."""
        frames = self._take(length)
        if self._state.speaking:
            passed = [*self._held, *frames]
            self._held.clear()
            return list(passed)
        self._held.extend(frames)
        too_many = sum(frame.seconds for frame in self._held) - self._settings.pre_roll
        out: list[Item] = []
        while self._held and too_many > 0:
            first = self._held.popleft()
            excess = round(too_many * first.rate)
            if excess <= 0:
                self._held.appendleft(first)
                break
            if excess < len(first.samples):
                self._held.appendleft(first.part(excess))
                first = first.part(0, excess)
            out.append(_omitted(first))
            too_many -= first.seconds
        return out

    def _take(self, length: int) -> list[Frame]:
        """The next undecided samples."""
        taken: list[Frame] = []
        while length > 0 and self._undecided:
            frame = self._undecided.popleft()
            if len(frame.samples) > length:
                self._undecided.appendleft(frame.part(length))
                frame = frame.part(0, length)
            length -= len(frame.samples)
            taken.append(frame)
        return taken

    def _flush(self) -> list[Item]:
        """Decide on everything that is held: the rest of open speech passes, silence is left out."""
        out: list[Item] = [_omitted(frame) for frame in self._held]
        out += [frame if self._state.speaking else _omitted(frame) for frame in self._undecided]
        self._held.clear()
        self._undecided.clear()
        self._windows, self._next = None, None
        return out

    def _told(self, items: list[Item]) -> list[Item]:
        for item in items:
            if isinstance(item, Frame):
                self._room.stage.count("passed_seconds", item.seconds)
            elif item.cause is Cause.GATED:
                self._room.stage.count("gated_seconds", item.seconds)
        return items


def _omitted(frame: Frame) -> Omitted:
    return Omitted(frame.position, len(frame.samples), frame.rate, frame.at, Cause.GATED)


def joined(items: Iterable[Item]) -> list[Item]:
    """The same with neighbours that touch made one."""
    merged: list[Item] = []
    for item in items:
        last = merged[-1] if merged else None
        if isinstance(last, Frame) and isinstance(item, Frame) and _touch(last, item):
            samples = np.concatenate([last.samples, item.samples])
            merged[-1] = Frame(samples=samples, rate=last.rate, position=last.position, at=last.at)
        elif (
            isinstance(last, Omitted) and isinstance(item, Omitted) and last.cause is item.cause and _touch(last, item)
        ):
            merged[-1] = Omitted(last.position, last.length + item.length, last.rate, last.at, last.cause)
        else:
            merged.append(item)
    return merged


def _touch(before: Item, after: Item) -> bool:
    length = len(before.samples) if isinstance(before, Frame) else before.length
    follows = (before.rate, before.position + length) == (after.rate, after.position)
    return follows and abs(before.at + before.seconds - after.at) < _TOUCHING_SECONDS
