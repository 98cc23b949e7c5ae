"""A whole house over MQTT: every room that tells a broker."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from earmark.clock import Clock
from earmark.config import Config
from earmark.door import ChangeMark, End, Mute, Unmute
from earmark.events import Insight, InsightKind, Speaker
from earmark.host import Host, Kind
from earmark.journal_rows import Mark
from earmark_mqtt.api import BrokerLine, House, MqttSettings, OpenItem, OpenItems, Present, Shown, Told
from earmark_tui.feeds import Asked, Gone, Inbox, LineChanged, News, NoArchive, OlderMarks, Tiding
from earmark_tui.feeds.replay import Moment
from earmark_tui.room import Line

HOUSE = "house"
"""What stands in the place of a room until the first one is heard of."""


class BrokerFeed(NoArchive):
    """The rooms of a broker; each is attached to for as long as the broker says that it is there."""

    past = False

    def __init__(self, settings: MqttSettings, *, clock: Clock) -> None:
        self._broker = settings.broker
        self._clock = clock
        self._house = House(settings, clock=clock)
        self._present: dict[str, bool] = {}
        self._away: LineChanged | None = None

    async def run(self, inbox: Inbox) -> None:
        """Bring what the rooms tell; the broker keeps nothing of what was said before."""
        inbox.put_now(LineChanged(HOUSE, Line(attached=False, reason=f"Asking the broker {self._broker} for rooms.")))
        async for tiding in self._house.tidings():
            for told in self._told(tiding):
                await inbox.put(told)

    def _told(self, tiding: Told | Shown | Present | BrokerLine) -> Iterator[Tiding]:
        match tiding:
            case BrokerLine():
                yield from self._line(tiding)
            case Present():
                yield from self._greet(tiding.room)
                self._present[tiding.room] = tiding.present
                reason = "" if tiding.present else f"Nobody listens to {tiding.room} any more, as the broker says."
                yield LineChanged(tiding.room, Line(attached=tiding.present, reason=reason))
            case Told():
                yield from self._greet(tiding.room)
                yield News(tiding.room, (Moment(tiding.event),))
            case Shown() if isinstance(tiding.what, OpenItems):
                yield from self._greet(tiding.room)
                yield OlderMarks(tiding.room, [_mark(tiding.room, item) for item in reversed(tiding.what.items)])
            case _:
                pass

    def _greet(self, room: str) -> Iterator[Tiding]:
        """A room that is heard of for the first time takes the place of the empty house."""
        if room not in self._present:
            if not self._present:
                yield Gone(HOUSE)
            self._present[room] = False

    def _line(self, line: BrokerLine) -> Iterator[Tiding]:
        retry_at = self._clock.monotonic() + line.retry_seconds if line.problem else None
        for room in self._present or (HOUSE,):
            if line.problem:
                yield LineChanged(room, Line(attached=False, reason=line.problem, retry_at=retry_at))
            elif room == HOUSE:
                reason = f"No room tells the broker {self._broker} anything yet."
                yield LineChanged(room, Line(attached=False, reason=reason))
            else:
                yield LineChanged(room, Line(attached=self._present[room]))

    async def ask(self, room: str, asked: Asked) -> None:
        """Ask something of a room; what follows tells whether it was done."""
        what, payload = _command(asked)
        await self._house.command(room, what, payload)


def _command(asked: Asked) -> tuple[str, str]:
    match asked:
        case Mute(seconds=None):
            return "mute", "ON"
        case Mute():
            return "mute_minutes", str(math.ceil((asked.seconds or 0) / 60))
        case Unmute():
            return "mute", "OFF"
        case End():
            return "conversation", "END"
        case ChangeMark():
            given = {"mark": asked.mark, "change": asked.change.value} | ({"text": asked.text} if asked.text else {})
            return "mark", msgspec.json.encode(given).decode()


def _mark(room: str, item: OpenItem) -> Mark:
    return Mark(
        Insight(
            id=f"{item.mark}-kept",
            room=room,
            at=item.at,
            mark=item.mark,
            kind=InsightKind.ACTION_ITEM,
            text=item.text,
            assignee=Speaker(name=item.assignee) if item.assignee else None,
            due=item.due,
            withheld=not item.text,
        )
    )


def broker_feed(config: Config, host: Host, *, clock: Clock) -> BrokerFeed:
    """The broker of the `[mqtt]` settings; raises `SettingsError` where the plugin or a setting is missing."""
    settings: MqttSettings = config.settings_for(host.find(Kind.SINK, "mqtt"))
    return BrokerFeed(settings, clock=clock)
