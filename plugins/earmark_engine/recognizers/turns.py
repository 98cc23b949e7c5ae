"""Whose turn it is in a worker: finals before interim text, streams one after another.

Interim text may take only a share of a worker's time, so that it thins out by itself on a slow machine or with many
streams; a small share is left to it even while finals wait, so that whoever has a whole recording recognised does not
take it from those who speak.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Set
from typing import Protocol

INTERIM_SHARE = 0.5
INTERIM_SHARE_WHILE_FINALS_WAIT = 0.1
REPORT_SECONDS = 1.0
MEMORY_SECONDS = 10.0


class Due(Protocol):
    """What a stream has to say for itself."""

    @property
    def final_due(self) -> bool:
        """Whether a final is due."""
        ...

    @property
    def interim_due(self) -> bool:
        """Whether interim text would be worth while."""
        ...


class Turns:
    """Picks the next piece of work; told what the last one cost."""

    def __init__(self) -> None:
        self._finals = _Rota()
        self._interims = _Rota()
        self._interim_seconds = 0.0
        self._interim_ended = 0.0

    def pick(self, streams: Mapping[int, Due], now: float) -> int | None:
        """The stream whose turn it is: for its final, where one is due, else for its interim text."""
        finals = {stream for stream, due in streams.items() if due.final_due}
        share = INTERIM_SHARE_WHILE_FINALS_WAIT if finals else INTERIM_SHARE
        if now >= self._interim_from(share):
            interims = {stream for stream, due in streams.items() if due.interim_due}
            if interims:
                return self._interims.next(interims, streams.keys())
        return self._finals.next(finals, streams.keys()) if finals else None

    def interim_took(self, seconds: float, now: float) -> None:
        """Hold further interim text back for as long as its share of the time asks."""
        self._interim_seconds, self._interim_ended = seconds, now

    def wait_seconds(self, streams: Mapping[int, Due], now: float) -> float:
        """How long nothing can be done unless more sound comes."""
        if any(stream.interim_due for stream in streams.values()):
            return max(0.0, min(REPORT_SECONDS, self._interim_from(INTERIM_SHARE) - now))
        return REPORT_SECONDS

    def _interim_from(self, share: float) -> float:
        return self._interim_ended + self._interim_seconds * (1 - share) / share


class _Rota:
    """Who had a turn longest ago comes next."""

    def __init__(self) -> None:
        self._had: dict[int, int] = {}
        self._count = 0

    def next(self, wanting: Set[int], streams: Set[int]) -> int:
        """One of those that want a turn; the others are remembered."""
        self._had = {stream: self._had.get(stream, 0) for stream in streams}
        chosen = min(wanting, key=lambda stream: (self._had[stream], stream))
        self._count += 1
        self._had[chosen] = self._count
        return chosen


class Pressure:
    """How much of the last while was work, and how much work a second of speech is."""

    def __init__(self) -> None:
        self._spent: deque[tuple[float, float, float]] = deque()

    def worked(self, now: float, *, seconds: float, of_sound: float) -> None:
        """Note a piece of work and how much new sound it dealt with."""
        self._spent.append((now, seconds, of_sound))

    def at(self, now: float) -> tuple[float, float]:
        """The busy share, and seconds of work for a second of sound, over the last while."""
        while self._spent and self._spent[0][0] < now - MEMORY_SECONDS:
            self._spent.popleft()
        work = sum(seconds for _, seconds, _ in self._spent)
        sound = sum(of_sound for _, _, of_sound in self._spent)
        return min(1.0, work / MEMORY_SECONDS), work / sound if sound else 0.0
