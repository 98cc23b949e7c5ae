"""What the broker keeps of a room: its state, its latest marks, and what announces it to Home Assistant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from datetime import datetime

import msgspec

from earmark.clock import moment
from earmark.errors import JournalError
from earmark.events import AnyEvent, Event, Hearing, Insight, Level, MarkChanged, Status, encode
from earmark.room import Room
from earmark_mqtt.discovery import ONLINE, Announced, Herald
from earmark_mqtt.payloads import Home, home_of, is_heard, last_of, open_items_of, state_only, without_figures
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.topics import Message, Topics, topic_kind

_MARK_KINDS = ("action_item", "question", "follow_up")
_LOOK_BACK = 2000
_LEVEL_SECONDS = 0.3
_encode = msgspec.json.encode


class Board:
    """What should stand on the broker just now."""

    def __init__(self, settings: MqttSettings, room: Room, topics: Topics) -> None:
        self.herald = Herald(settings, topics)
        self._settings = settings
        self._room = room
        self._topics = topics
        self._kinds = [kind for kind in _MARK_KINDS if kind in settings.kinds]
        self._news = asyncio.Event()
        self._spoke_at = float("-inf")
        self._level_at = float("-inf")
        self._marks_at = float("-inf")
        self._latest: dict[str, Insight] = {}
        self._marks: dict[str, bytes] = {}
        self._home: Home | None = None
        self._status: Status | None = None
        self._figures_at = float("-inf")
        self._watching: AsyncIterator[AnyEvent] = room.watch(Status, Level, Hearing)

    # -- what happens -------------------------------------------------------------------------------------------------

    async def levels(self) -> AsyncIterator[Level]:
        """Watch the room; gives levels, thinned out, for who wants to show them."""
        async for event in self._watching:
            now = self._room.clock.monotonic()
            if is_heard(event):
                self._spoke_at = now
            if not isinstance(event, Level | Hearing):
                self._news.set()
            elif isinstance(event, Level) and now - self._level_at >= _LEVEL_SECONDS:
                self._level_at = now
                yield event
        # The room shuts down: nothing more happens in it.
        await asyncio.Event().wait()

    def heed(self, events: Iterable[Event]) -> None:
        """Take note of what was published."""
        for event in events:
            if isinstance(event, Insight):
                self._remember(event)
            if isinstance(event, Insight | MarkChanged):
                self._marks_at = float("-inf")
                self._news.set()

    def touch(self) -> None:
        """Have a look at the room soon."""
        self._news.set()

    async def news(self, seconds: float) -> None:
        """Return when something happened, or after a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()

    # -- what stands there --------------------------------------------------------------------------------------------

    async def desired(self) -> list[Message]:
        """Everything that the broker should keep, in the order in which it is put there."""
        now = self._room.clock.monotonic()
        if now - self._marks_at >= self._settings.status_every:
            self._marks_at = now
            with suppress(JournalError):  # the journal says so itself; what is known stays as it is
                await self._look_at_marks()
        self._look_at_state(now)
        return [*self.announced().messages, *self._state(), Message(self._topics.availability, ONLINE, retain=True)]

    def announced(self) -> Announced:
        """What announces the room."""
        return self.herald.announce(self._room.controls.device)

    @property
    def kept_topics(self) -> frozenset[str]:
        """Topics of marks that the broker is to keep."""
        return frozenset(self._topics.last(kind) for kind in self._kinds)

    def _state(self) -> Iterator[Message]:
        assert self._home is not None
        assert self._status is not None
        yield Message(self._topics.home, _encode(self._home), retain=True)
        yield Message(self._topics.status, encode(self._status), retain=True)
        for topic, payload in self._marks.items():
            yield Message(topic, payload, retain=True)

    def _look_at_state(self, now: float) -> None:
        """Take what is new; figures that always change only now and then."""
        status = self._room.controls.status()
        home = home_of(
            status,
            muted=self._room.controls.muted,
            microphone=self._room.controls.device,
            spoke_seconds_ago=now - self._spoke_at,
            now=self._wall(),
        )
        due = now - self._figures_at >= self._settings.status_every
        if due:
            self._figures_at = now
        if due or self._home is None or without_figures(home) != without_figures(self._home):
            self._home = home
        if due or self._status is None or state_only(status) != state_only(self._status):
            self._status = status

    async def _look_at_marks(self) -> None:
        archive = self._room.archive
        marks: dict[str, bytes] = {}
        for kind in self._kinds:
            marks[self._topics.last(kind)] = await self._last(kind)
        if "action_item" in self._kinds:
            items = open_items_of(await archive.open_marks(), now=self._wall().astimezone(), text=self._settings.text)
            marks[self._topics.open_items] = _encode(items)
        self._marks = marks

    async def _last(self, kind: str) -> bytes:
        """The latest mark of a kind as it is now; empty, which the broker keeps nothing of, where there is none."""
        archive = self._room.archive
        known = self._latest.get(kind)
        mark = await archive.mark(known.mark) if known else None
        if mark is None:
            self._latest.pop(kind, None)
            entries = await archive.read(max(0, archive.last - _LOOK_BACK), most=_LOOK_BACK)
            for entry in entries:
                if isinstance(entry.event, Insight):
                    self._remember(entry.event)
            known = self._latest.get(kind)
            mark = await archive.mark(known.mark) if known else None
        return b"" if mark is None else _encode(last_of(mark, text=self._settings.text))

    def _remember(self, insight: Insight) -> None:
        """Keep it if it is the latest; a backlog brings older ones than the journal showed."""
        kind = topic_kind(insight)
        if kind not in self._latest or insight.at >= self._latest[kind].at:
            self._latest[kind] = insight

    def _wall(self) -> datetime:
        return moment(self._room.clock.now())
