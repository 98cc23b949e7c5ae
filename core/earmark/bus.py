"""What happens in a room, as it happens, for whoever watches."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque

from earmark.events import AnyEvent, Status


class Watcher:
    """The events of some kinds from now on: the latest `Status` first, the oldest dropped when nobody takes them."""

    def __init__(self, kinds: tuple[type[AnyEvent], ...], size: int) -> None:
        self.dropped = 0
        """Events that were given up because they were not taken in time."""
        self._kinds = kinds
        self._waiting: deque[AnyEvent] = deque(maxlen=size)
        self._news = asyncio.Event()
        self._ended = False

    def offer(self, event: AnyEvent) -> None:
        """Take an event, if it is of a kind that is watched."""
        if self._kinds and not isinstance(event, self._kinds):
            return
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
        self._waiting.append(event)
        self._news.set()

    def end(self) -> None:
        """Give what is there already, and then no more."""
        self._ended = True
        self._news.set()

    def __aiter__(self) -> Watcher:
        return self

    async def __anext__(self) -> AnyEvent:
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()


class Bus:
    """Shows events to watchers and holds nothing up for them."""

    def __init__(self) -> None:
        self.latest_status: Status | None = None
        # A watcher that nobody holds any more is gone by itself.
        self._watchers: weakref.WeakSet[Watcher] = weakref.WeakSet()
        self._closed = False

    def publish(self, event: AnyEvent) -> None:
        """Show an event to all who watch for its kind."""
        if isinstance(event, Status):
            self.latest_status = event
        for watcher in list(self._watchers):
            watcher.offer(event)

    def watch(self, *kinds: type[AnyEvent], size: int = 256) -> Watcher:
        """The events of these kinds, or of all, from now on, whether or not the first is asked for yet."""
        watcher = Watcher(kinds, size)
        if self.latest_status is not None:
            watcher.offer(self.latest_status)
        self._watchers.add(watcher)
        if self._closed:
            watcher.end()
        return watcher

    def close(self) -> None:
        """End what everybody watches: the room shuts down."""
        self._closed = True
        for watcher in list(self._watchers):
            watcher.end()
