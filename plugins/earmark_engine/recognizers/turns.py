"""Whose turn it is in a worker: finals before interim text, streams one after another.

Interim text may take only a share of a worker's time, so that it thins out by itself on a slow machine or with many
streams, and finals never wait long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Protocol

INTERIM_SHARE = 0.5
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

    def __init__(self, *, interim_share: float = INTERIM_SHARE) -> None:
        self._share = interim_share
        self._order: deque[int] = deque()
        self._interim_from = float("-inf")

    def pick(self, streams: Mapping[int, Due], now: float) -> int | None:
        """The stream whose turn it is; its final, where one is due, else its interim text."""
        for stream in [stream for stream in self._order if stream not in streams]:
            self._order.remove(stream)
        self._order.extend(stream for stream in streams if stream not in self._order)
        chosen = next((stream for stream in self._order if streams[stream].final_due), None)
        if chosen is None and now >= self._interim_from:
            chosen = next((stream for stream in self._order if streams[stream].interim_due), None)
        if chosen is not None:
            self._order.remove(chosen)
            self._order.append(chosen)
        return chosen

    def interim_took(self, seconds: float, now: float) -> None:
        """Hold further interim text back for as long as its share of the time asks."""
        self._interim_from = now + seconds * (1 - self._share) / self._share

    def wait_seconds(self, streams: Mapping[int, Due], now: float) -> float:
        """How long nothing can be done unless more sound comes."""
        if any(stream.interim_due for stream in streams.values()):
            return max(0.0, min(REPORT_SECONDS, self._interim_from - now))
        return REPORT_SECONDS


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
