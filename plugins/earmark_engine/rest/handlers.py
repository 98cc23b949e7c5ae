"""What the Conversation API does when it is asked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from aiohttp import web

from earmark_engine.engine import Engine
from earmark_engine.facts import Described, MemberChanged, SpeakersTold, SpeakerTurn
from earmark_engine.insights.types import Kind, Person
from earmark_engine.record import Record, fold
from earmark_engine.rest import bodies, shapes, views
from earmark_engine.rest.analytics import analytics
from earmark_engine.rest.query import (
    BadRequest,
    read_choice,
    read_count,
    read_filter,
    read_flag,
    read_moment,
)
from earmark_engine.rest.texts import summary, transcript

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

    async def body(self, shape: type[_T]) -> _T:
        """The body of the request; raises `BadRequest`."""
        try:
            return msgspec.json.decode(await self.request.read(), type=shape)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise BadRequest(f"The request cannot be read: {error}.") from error


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
    wanted = await asked.body(bodies.TranscriptRequest)
    return transcript(await asked.record(), wanted)


# -- changing ---------------------------------------------------------------------------------------------------------


async def put_conversation(asked: Asked) -> shapes.Described:
    """Attach metadata."""
    given = await asked.body(bodies.Metadata)
    await asked.record()
    await asked.engine.note(asked.id, Described(at=asked.engine.clock.now(), metadata=given.metadata))
    return shapes.Described(id=asked.id, metadata=given.metadata)


async def put_member(asked: Asked) -> shapes.Done:
    """Say who a member is."""
    member = asked.request.match_info["member"]
    given = await asked.body(bodies.MemberUpdate)
    record = await asked.record()
    if member not in record.members:
        raise Unknown("The memberId is either invalid or does not exist.")
    changed = MemberChanged(at=asked.engine.clock.now(), id=member, name=given.name, email=given.email)
    await asked.engine.note(asked.id, changed)
    return shapes.Done(
        message=f"Member with id: {member} for conversationId: {asked.id} updated successfully! "
        "The update should be reflected in all messages and insights along with this conversation"
    )


async def put_speakers(asked: Asked) -> shapes.Done:
    """Say who spoke when."""
    given = await asked.body(bodies.SpeakerEvents)
    turns = tuple(_turns(given.speaker_events, asked.id))
    await asked.record()
    await asked.engine.note(asked.id, SpeakersTold(at=asked.engine.clock.now(), turns=turns))
    return shapes.Done(
        message=f"Speaker events associated for conversationId: {asked.id} successfully! "
        "The update should be reflected in all messages and insights along with this conversation"
    )


def _turns(events: list[bodies.SpeakerEvent], conversation: str) -> list[SpeakerTurn]:
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
