"""The addresses of the Conversation API, each with what it takes, what it gives, and what it does."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from earmark_engine.doors import Doors
from earmark_engine.engine import Engine
from earmark_engine.facts import AnyFact, Described, MemberChanged, SpeakersTold, SpeakerTurn
from earmark_engine.insights.types import Kind, Person
from earmark_engine.record import Record, fold
from earmark_engine.rest import shapes, views
from earmark_engine.rest.analytics import analytics
from earmark_engine.rest.query import (
    FILTER,
    BadRequest,
    Param,
    flag,
    read_choice,
    read_count,
    read_filter,
    read_flag,
    read_moment,
)
from earmark_engine.rest.texts import summary, transcript

BASE = "/v1/conversations"
_UNKNOWN = "The conversationId is either invalid or does not exist."
_T = TypeVar("_T")


class Unknown(web.HTTPNotFound):
    """There is no such conversation, or it is another application's."""

    def __init__(self, text: str = _UNKNOWN) -> None:
        super().__init__(text=text)


@dataclass(frozen=True)
class Asked:
    """A request about one conversation, with all that answering it takes."""

    request: web.Request
    engine: Engine
    app: str

    @property
    def id(self) -> str:
        """The conversation's id."""
        return self.request.match_info["id"]

    async def record(self) -> Record:
        """The conversation; raises `Unknown`."""
        found = await self.engine.store.summary(self.id)
        if found is None or found.app != self.app:
            raise Unknown
        return fold(self.id, await self.engine.store.read(self.id))

    async def note(self, record: Record, fact: AnyFact) -> None:
        """Add a fact, to a conversation that lives or to one that is over."""
        live = self.engine.find(self.id)
        if live is not None:
            await live.note([fact])
            return
        entries = await self.engine.store.read(record.id)
        await self.engine.store.append(record.id, entries[-1].sequence, [fact])

    async def body(self, shape: type[_T]) -> _T:
        """The body of the request; raises `BadRequest`."""
        try:
            return msgspec.json.decode(await self.request.read(), type=shape)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise BadRequest(f"The request cannot be read: {error}.") from error


Doing = Callable[[Asked], Awaitable[Any]]


@dataclass(frozen=True)
class Operation:
    """One address: how it is asked, and what it answers."""

    method: str
    path: str
    name: str
    help: str
    do: Doing
    gives: Any
    takes: type[msgspec.Struct] | None = None
    params: tuple[Param, ...] = ()


# -- reading ----------------------------------------------------------------------------------------------------------


async def get_conversations(asked: Asked) -> shapes.Conversations:
    """A page of the application's conversations."""
    request = asked.request
    limit = read_count(request, "limit", 20, least=1, most=1000)
    offset = read_count(request, "offset", 0, least=0, most=999_999_999)
    read_choice(request, "sort", ["conversation.startTime"])
    backwards = read_choice(request, "order", ["desc", "asc"]) == "desc"
    since, until = read_moment(request, "startTime"), read_moment(request, "endTime")
    matches = read_filter(request)
    found = [
        summed
        for summed in await asked.engine.store.summaries(asked.app)
        if (since is None or summed.began >= since) and (until is None or summed.began <= until)
    ]
    if backwards:
        found.reverse()
    if "filter" not in request.query:
        found = found[offset : offset + limit]
    records = [fold(summed.id, await asked.engine.store.read(summed.id)) for summed in found]
    chosen = [record for record in records if matches(record)]
    if "filter" in request.query:
        chosen = chosen[offset : offset + limit]
    return shapes.Conversations(conversations=[views.conversation(record) for record in chosen])


async def get_conversation(asked: Asked) -> shapes.Conversation:
    """The conversation itself."""
    return views.conversation(await asked.record())


async def get_messages(asked: Asked) -> shapes.Messages:
    """What was said."""
    verbose, sentiment = (read_flag(asked.request, name) for name in ("verbose", "sentiment"))
    return views.messages(await asked.record(), verbose=verbose, sentiment=sentiment)


async def get_topics(asked: Asked) -> shapes.Topics:
    """What the talk was about."""
    sentiment, parents, _ = (read_flag(asked.request, name) for name in ("sentiment", "parentRefs", "refresh"))
    given = asked.request.query.getall("customTopicVocabulary", [])
    vocabulary = [term.strip() for some in given for term in some.split(",") if term.strip()]
    return views.topics(await asked.record(), sentiment=sentiment, parent_refs=parents, vocabulary=vocabulary)


async def get_action_items(asked: Asked) -> shapes.ActionItems:
    """What somebody will do."""
    return shapes.ActionItems(action_items=views.insights(await asked.record(), Kind.ACTION_ITEM))


async def get_follow_ups(asked: Asked) -> shapes.FollowUps:
    """What somebody will come back to."""
    return shapes.FollowUps(follow_ups=views.insights(await asked.record(), Kind.FOLLOW_UP))


async def get_questions(asked: Asked) -> shapes.Questions:
    """What was asked."""
    return shapes.Questions(questions=views.insights(await asked.record(), Kind.QUESTION))


async def get_insights(asked: Asked) -> shapes.Insights:
    """Questions, action items and follow-ups together."""
    return shapes.Insights(insights=views.insights(await asked.record(), *Kind))


async def get_entities(asked: Asked) -> shapes.Entities:
    """Who and what was named."""
    return views.entities(await asked.record())


async def get_trackers(asked: Asked) -> list[shapes.Tracker]:
    """What trackers heard."""
    return views.trackers(await asked.record())


async def get_members(asked: Asked) -> shapes.Members:
    """Who takes part."""
    return views.members(await asked.record())


async def get_analytics(asked: Asked) -> shapes.Analytics:
    """How much was spoken, and by whom."""
    return analytics(await asked.record())


async def get_summary(asked: Asked) -> shapes.Summary:
    """What it came to."""
    read_flag(asked.request, "refresh")
    found = summary(await asked.record())
    if found is None:
        raise Unknown("The summary is not ready: there is too little to sum up yet.")
    return found


async def make_transcript(asked: Asked) -> shapes.Transcript:
    """What was said, to be read."""
    wanted = await asked.body(shapes.TranscriptRequest)
    return transcript(await asked.record(), wanted)


# -- changing ---------------------------------------------------------------------------------------------------------


async def put_conversation(asked: Asked) -> shapes.Described:
    """Attach metadata."""
    given = await asked.body(shapes.Metadata)
    await asked.note(await asked.record(), Described(at=asked.engine.clock.now(), metadata=given.metadata))
    return shapes.Described(id=asked.id, metadata=given.metadata)


async def put_member(asked: Asked) -> shapes.Done:
    """Say who a member is."""
    member = asked.request.match_info["member"]
    given = await asked.body(shapes.MemberUpdate)
    record = await asked.record()
    if member not in record.members:
        raise Unknown("The memberId is either invalid or does not exist.")
    changed = MemberChanged(at=asked.engine.clock.now(), id=member, name=given.name, email=given.email)
    await asked.note(record, changed)
    return shapes.Done(
        message=f"Member with id: {member} for conversationId: {asked.id} updated successfully! "
        "The update should be reflected in all messages and insights along with this conversation"
    )


async def put_speakers(asked: Asked) -> shapes.Done:
    """Say who spoke when."""
    given = await asked.body(shapes.SpeakerEvents)
    turns = tuple(_turns(given.speaker_events, asked.id))
    await asked.note(await asked.record(), SpeakersTold(at=asked.engine.clock.now(), turns=turns))
    return shapes.Done(
        message=f"Speaker events associated for conversationId: {asked.id} successfully! "
        "The update should be reflected in all messages and insights along with this conversation"
    )


def _turns(events: list[shapes.SpeakerEvent], conversation: str) -> list[SpeakerTurn]:
    began: dict[str, float] = {}
    turns = []
    for event in sorted(events, key=lambda event: event.offset.seconds + event.offset.nanos / 1e9):
        at = event.offset.seconds + event.offset.nanos / 1e9
        if event.type == "started_speaking":
            began[event.user.id] = at
        elif event.user.id in began:
            name = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{conversation} {event.user.id}"))
            person = Person(id=name, name=event.user.name, user_id=event.user.id)
            start = began.pop(event.user.id)
            turns.append(SpeakerTurn(person=person, start=start, end=at, email=event.user.email))
    return turns


async def delete_conversation(asked: Asked) -> shapes.Done:
    """Forget it for good; if it still goes on, it ends."""
    await asked.record()
    await asked.engine.forget(asked.id)
    return shapes.Done(message="successfully deleted the conversation")


# -- all of them ------------------------------------------------------------------------------------------------------

_SENTIMENT = flag("sentiment", "Tell how each one sounds.")
_REFRESH = flag("refresh", "Make it anew.")
_ONE = f"{BASE}/{{id}}"
_TIME = {"type": "string", "format": "date-time"}
_PAGE = (
    Param("limit", "At most so many.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 20}),
    Param("offset", "Leave out so many.", {"type": "integer", "minimum": 0, "maximum": 999_999_999, "default": 0}),
    Param("order", "The latest first, or the earliest.", {"type": "string", "enum": ["desc", "asc"]}),
    Param("sort", "By what.", {"type": "string", "enum": ["conversation.startTime"]}),
    Param("startTime", "Begun at this time or later.", _TIME),
    Param("endTime", "Begun at this time or earlier.", _TIME),
    Param(
        "filter",
        "RSQL on id, name, type and metadata, such as metadata.label==Business.",
        {"type": "string", "pattern": FILTER},
    ),
)

OPERATIONS = (
    Operation("GET", BASE, "conversations", "The application's conversations.", get_conversations,
              shapes.Conversations, params=_PAGE),
    Operation("GET", _ONE, "conversation", "One conversation.", get_conversation, shapes.Conversation),
    Operation("PUT", _ONE, "describe", "Attach metadata.", put_conversation, shapes.Described, shapes.Metadata),
    Operation("DELETE", _ONE, "forget", "Forget it for good.", delete_conversation, shapes.Done),
    Operation("GET", f"{_ONE}/messages", "messages", "What was said.", get_messages, shapes.Messages,
              params=(flag("verbose", "Tell the words and their times."), _SENTIMENT)),
    Operation("GET", f"{_ONE}/topics", "topics", "What the talk was about.", get_topics, shapes.Topics,
              params=(_SENTIMENT, flag("parentRefs", "Tell wider topics."), _REFRESH,
                      Param("customTopicVocabulary", "Words that are topics wherever they were said.",
                            {"type": "array", "items": {"type": "string"}}))),
    Operation("GET", f"{_ONE}/action-items", "action_items", "What somebody will do.", get_action_items,
              shapes.ActionItems),
    Operation("GET", f"{_ONE}/follow-ups", "follow_ups", "What somebody will come back to.", get_follow_ups,
              shapes.FollowUps),
    Operation("GET", f"{_ONE}/questions", "questions", "What was asked.", get_questions, shapes.Questions),
    Operation("GET", f"{_ONE}/insights", "insights", "All three together.", get_insights, shapes.Insights),
    Operation("GET", f"{_ONE}/entities", "entities", "Who and what was named.", get_entities, shapes.Entities),
    Operation("GET", f"{_ONE}/trackers-detected", "trackers_detected", "What trackers heard.", get_trackers,
              list[shapes.Tracker]),
    Operation("GET", f"{_ONE}/trackers", "trackers", "The same, by its older name.", get_trackers,
              list[shapes.Tracker]),
    Operation("GET", f"{_ONE}/analytics", "analytics", "How much was spoken.", get_analytics, shapes.Analytics),
    Operation("GET", f"{_ONE}/members", "members", "Who takes part.", get_members, shapes.Members),
    Operation("PUT", f"{_ONE}/members/{{member}}", "correct_member", "Say who a member is.", put_member, shapes.Done,
              shapes.MemberUpdate),
    Operation("PUT", f"{_ONE}/speakers", "tell_speakers", "Say who spoke when.", put_speakers, shapes.Done,
              shapes.SpeakerEvents),
    Operation("GET", f"{_ONE}/summary", "summary", "What it came to.", get_summary, shapes.Summary,
              params=(_REFRESH,)),
    Operation("POST", f"{_ONE}/transcript", "transcript", "What was said, to be read.", make_transcript,
              shapes.Transcript, shapes.TranscriptRequest),
)  # fmt: skip


def handler(operation: Operation, engine: Engine, doors: Doors) -> Callable[[web.Request], Awaitable[web.Response]]:
    """What aiohttp calls for an operation."""

    async def handle(request: web.Request) -> web.Response:
        asked = Asked(request, engine, doors.app_of(request))
        body = msgspec.json.encode(await operation.do(asked))
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    return handle
