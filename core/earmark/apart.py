"""A room for what runs without a listener, such as a check: it can be looked at, but nothing listens in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from earmark.clock import Clock, SystemClock, moment
from earmark.core_settings import Settings
from earmark.errors import EarmarkError
from earmark.events import AnyEvent, Change, Speaker, State, Status
from earmark.journal_rows import Entry, Mark, Summary
from earmark.paths import room_folders
from earmark.room import Room, StageReport
from earmark.search import Found, Query


class NobodyListens:
    """The controls of a room without a listener."""

    muted: bool = False
    muted_until: datetime | None = None
    device: str | None = None

    def __init__(self, room: str, clock: Clock) -> None:
        self._room, self._clock = room, clock

    async def mute(self, *, seconds: float | None = None, by: str) -> None:
        """Refuse."""
        raise self._refusal()

    async def unmute(self, *, by: str) -> None:
        """Refuse."""
        raise self._refusal()

    async def end_conversation(self, *, by: str) -> None:
        """Refuse."""
        raise self._refusal()

    async def choose_device(self, device: str | None, *, by: str) -> None:
        """Refuse."""
        raise self._refusal()

    async def change_mark(
        self,
        mark: str,
        change: Change,
        *,
        by: str,
        text: str | None = None,
        assignee: Speaker | None = None,
        due: datetime | None = None,
    ) -> None:
        """Refuse."""
        raise self._refusal()

    async def tune(self, stage: str, key: str, value: float, *, by: str) -> None:
        """Refuse."""
        raise self._refusal()

    def tuned(self, stage: str, key: str, default: float) -> float:
        """The configured value."""
        return default

    async def restart_stage(self, stage: str, *, by: str) -> None:
        """Refuse."""
        raise self._refusal()

    def status(self) -> Status:
        """Stopped, now."""
        return Status(at=moment(self._clock.now()), room=self._room, state=State.STOPPED)

    def _refusal(self) -> EarmarkError:
        return EarmarkError(f'Nothing listens in the room "{self._room}"; start it with `earmark listen`.')


class NothingHeard:
    """The archive of a room that is only looked at: empty."""

    last = 0

    async def read(self, after: int, *, most: int = 500) -> list[Entry]:
        """Nothing."""
        return []

    async def changed(self, after: int) -> None:
        """Never return: nothing changes."""
        await asyncio.Event().wait()

    async def following(self, after: int, *, most: int = 500) -> list[Entry]:
        """Never return: nothing will be heard."""
        await asyncio.Event().wait()
        return []

    async def conversations(self, *, most: int = 50, before: int | None = None) -> list[Summary]:
        """None."""
        return []

    async def of_conversation(self, conversation: str) -> list[Entry]:
        """Nothing."""
        return []

    async def search(self, query: Query, *, most: int = 50) -> list[Found]:
        """Nothing."""
        return []

    async def mark(self, mark: str) -> Mark | None:
        """There is none."""
        return None

    async def open_marks(self, *, most: int = 200) -> list[Mark]:
        """None."""
        return []


def room_apart(
    settings: Settings, environ: Mapping[str, str], *, kind: str, name: str, clock: Clock | None = None
) -> Room:
    """The configured room as a stage of it sees it while nothing listens."""
    clock = clock or SystemClock()
    folders = room_folders(settings.room, settings, environ)
    return Room(
        name=settings.room,
        rate=settings.rate,
        folder=folders.state / name,
        runtime=folders.runtime,
        clock=clock,
        log=logging.getLogger(f"earmark.{kind}.{name}"),
        controls=NobodyListens(settings.room, clock),
        watch=_nothing,
        stage=StageReport(kind=kind, name=name),
        archive=NothingHeard(),
        people=settings.people,
        owner=settings.owner,
    )


async def _nothing(*kinds: type[AnyEvent]) -> AsyncIterator[AnyEvent]:
    """No events: nothing listens."""
    events: tuple[AnyEvent, ...] = ()
    for event in events:
        yield event
