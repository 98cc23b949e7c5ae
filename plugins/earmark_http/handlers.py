"""The addresses of the local API, each with what it takes, what it gives, and what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from earmark.events import Status
from earmark.journal_rows import Mark
from earmark.room import Room
from earmark.search import Query
from earmark_http import query, shapes
from earmark_http.query import Param

BY = "http"
_MOST_READERS = 2


class Unknown(LookupError):
    """There is no such thing, in words."""


@dataclass(frozen=True)
class Desk:
    """What requests are answered from."""

    room: Room
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_READERS))
    """Few read the journal at a time, so that the room's sinks never wait behind a crowd."""


@dataclass(frozen=True)
class Asked:
    """A request that was read and found good."""

    desk: Desk
    values: dict[str, Any]
    """Its parameters."""
    name: str = ""
    """What the path names."""
    body: Any = None

    @property
    def room(self) -> Room:
        """The room that is asked."""
        return self.desk.room


@dataclass(frozen=True)
class Operation:
    """One address: how it is asked, and what it answers."""

    method: str
    path: str
    name: str
    help: str
    do: Callable[[Asked], Awaitable[Any]]
    gives: Any
    takes: type[msgspec.Struct] | None = None
    params: tuple[Param, ...] = ()

    @property
    def body_required(self) -> bool:
        """Whether a request must have a body."""
        return self.takes is not None and any(f.required for f in msgspec.structs.fields(self.takes))


# -- reading ----------------------------------------------------------------------------------------------------------


async def get_status(asked: Asked) -> Status:
    """How the room is, now."""
    return asked.room.controls.status()


async def get_conversations(asked: Asked) -> shapes.Conversations:
    """A page of conversations."""
    most, before = asked.values["most"], asked.values["before"]
    async with asked.desk.reading:
        found = await asked.room.archive.conversations(most=most, before=before)
    return shapes.Conversations(conversations=found, next=found[-1].first if len(found) == most else None)


async def get_conversation(asked: Asked) -> shapes.Conversation:
    """All that is known of a conversation."""
    async with asked.desk.reading:
        entries = await asked.room.archive.of_conversation(asked.name)
    if not entries:
        raise Unknown("There is no such conversation; /v1/conversations lists them.")
    return shapes.Conversation(events=[shapes.Kept(seq=entry.seq, event=entry.event) for entry in entries])


async def get_search(asked: Asked) -> shapes.Matches:
    """What was said, by its words."""
    values = asked.values
    wanted = Query(values["q"], values["since"], values["until"], values["conversation"], values["kind"])
    async with asked.desk.reading:
        found = await asked.room.archive.search(wanted, most=values["most"])
    return shapes.Matches(
        found=[shapes.Match(seq=one.entry.seq, event=one.entry.event, spans=list(one.spans)) for one in found]
    )


async def get_marks(asked: Asked) -> shapes.Marks:
    """What is still to be done or answered."""
    async with asked.desk.reading:
        found = await asked.room.archive.open_marks(most=asked.values["most"])
    return shapes.Marks(marks=[_shown(mark) for mark in found])


async def get_mark(asked: Asked) -> shapes.Mark:
    """A mark as it is now."""
    return _shown(await _found(asked))


async def _found(asked: Asked) -> Mark:
    async with asked.desk.reading:
        mark = await asked.room.archive.mark(asked.name)
    if mark is None:
        raise Unknown("There is no such mark in this room.")
    return mark


def _shown(mark: Mark) -> shapes.Mark:
    return shapes.Mark(insight=mark.insight, state=mark.state)


# -- controlling ------------------------------------------------------------------------------------------------------


async def post_mute(asked: Asked) -> Status:
    """Close the ears, for good or for a time."""
    await asked.room.controls.mute(seconds=asked.body.seconds, by=BY)
    return asked.room.controls.status()


async def post_unmute(asked: Asked) -> Status:
    """Open the ears."""
    await asked.room.controls.unmute(by=BY)
    return asked.room.controls.status()


async def post_end(asked: Asked) -> Status:
    """End the conversation; the next word begins another."""
    await asked.room.controls.end_conversation(by=BY)
    return asked.room.controls.status()


async def post_device(asked: Asked) -> Status:
    """Listen to another microphone, or to the configured one again."""
    await asked.room.controls.choose_device(asked.body.name, by=BY)
    return asked.room.controls.status()


async def post_mark(asked: Asked) -> shapes.Mark:
    """Tick off, reopen, answer, dismiss or amend a mark."""
    await _found(asked)
    body = asked.body
    await asked.room.controls.change_mark(
        asked.name, body.change, by=BY, text=body.text, assignee=body.assignee, due=body.due
    )
    return _shown(await _found(asked))


# -- all of them ------------------------------------------------------------------------------------------------------


def _most(default: int) -> Param:
    return query.count("most", "At most so many.", default=default, least=1, most=500)


_BEFORE = query.count(
    "before", "Older than this; `next` of the page before.", default=None, least=1, most=query.MOST_SEQ
)
AFTER = query.count(
    "after", "The last `seq` that was seen; from now on, if left out.", default=None, least=0, most=query.MOST_SEQ
)
LIVE = query.flag("live", "1 to be told live events too: growing text, loudness, status.")
EVENTS = "/v1/events"
HEALTH, METRICS, DESCRIPTION = "/healthz", "/metrics", "/v1/openapi.json"

OPERATIONS = (
    Operation("GET", "/v1/status", "status", "How the room is, now.", get_status, Status),
    Operation("GET", "/v1/conversations", "conversations", "The newest conversations first.", get_conversations,
              shapes.Conversations, params=(_most(50), _BEFORE)),
    Operation("GET", "/v1/conversations/{name}", "conversation", "All that is known of a conversation, in order.",
              get_conversation, shapes.Conversation),
    Operation("GET", "/v1/search", "search", "What was said, by its words: all of them, \"phrases\", beginnings*.",
              get_search, shapes.Matches,
              params=(query.text("q", "The words.", required=True), query.moment("since", "From then on."),
                      query.moment("until", "Before then."), query.text("conversation", "Only in this one."),
                      query.kinds("kind", "Only these kinds of events or marks."), _most(50))),
    Operation("GET", "/v1/marks", "marks", "What is still to be done or answered, the newest first.", get_marks,
              shapes.Marks, params=(_most(200),)),
    Operation("GET", "/v1/marks/{name}", "mark", "A mark as it is now.", get_mark, shapes.Mark),
    Operation("POST", "/v1/marks/{name}", "change_mark", "Tick off, reopen, answer, dismiss or amend a mark.",
              post_mark, shapes.Mark, shapes.MarkChange),
    Operation("POST", "/v1/mute", "mute", "Close the ears, for good or for a time.", post_mute, Status, shapes.Mute),
    Operation("POST", "/v1/unmute", "unmute", "Open the ears.", post_unmute, Status, shapes.Nothing),
    Operation("POST", "/v1/end", "end", "End the conversation; the next word begins another.", post_end, Status,
              shapes.Nothing),
    Operation("POST", "/v1/device", "device", "Listen to another microphone, or to the configured one again.",
              post_device, Status, shapes.Device),
)  # fmt: skip
