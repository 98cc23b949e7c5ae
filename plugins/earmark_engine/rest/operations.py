"""The addresses of the Conversation API, each with what it takes, what it gives, and what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from earmark_engine.doors import Doors
from earmark_engine.engine import Engine
from earmark_engine.rest import bodies, handlers, shapes
from earmark_engine.rest.handlers import Asked
from earmark_engine.rest.query import FILTER, Param, flag

BASE = "/v1/conversations"
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
    Operation("GET", BASE, "conversations", "The application's conversations.", handlers.get_conversations,
              shapes.Conversations, params=_PAGE),
    Operation("GET", _ONE, "conversation", "One conversation.", handlers.get_conversation, shapes.Conversation),
    Operation("PUT", _ONE, "describe", "Attach metadata.", handlers.put_conversation, shapes.Described,
              bodies.Metadata),
    Operation("DELETE", _ONE, "forget", "Forget it for good.", handlers.delete_conversation, shapes.Done),
    Operation("GET", f"{_ONE}/messages", "messages", "What was said.", handlers.get_messages, shapes.Messages,
              params=(flag("verbose", "Tell the words and their times."), _SENTIMENT)),
    Operation("GET", f"{_ONE}/topics", "topics", "What the talk was about.", handlers.get_topics, shapes.Topics,
              params=(_SENTIMENT, flag("parentRefs", "Tell wider topics."), _REFRESH,
                      Param("customTopicVocabulary", "Words that are topics wherever they were said.",
                            {"type": "array", "items": {"type": "string"}}))),
    Operation("GET", f"{_ONE}/action-items", "action_items", "What somebody will do.", handlers.get_action_items,
              shapes.ActionItems),
    Operation("GET", f"{_ONE}/follow-ups", "follow_ups", "What somebody will come back to.", handlers.get_follow_ups,
              shapes.FollowUps),
    Operation("GET", f"{_ONE}/questions", "questions", "What was asked.", handlers.get_questions, shapes.Questions),
    Operation("GET", f"{_ONE}/insights", "insights", "All three together.", handlers.get_insights, shapes.Insights),
    Operation("GET", f"{_ONE}/entities", "entities", "Who and what was named.", handlers.get_entities, shapes.Entities),
    Operation("GET", f"{_ONE}/trackers-detected", "trackers_detected", "What trackers heard.", handlers.get_trackers,
              list[shapes.Tracker]),
    Operation("GET", f"{_ONE}/trackers", "trackers", "The same, by its older name.", handlers.get_trackers,
              list[shapes.Tracker]),
    Operation("GET", f"{_ONE}/analytics", "analytics", "How much was spoken.", handlers.get_analytics,
              shapes.Analytics),
    Operation("GET", f"{_ONE}/members", "members", "Who takes part.", handlers.get_members, shapes.Members),
    Operation("PUT", f"{_ONE}/members/{{member}}", "correct_member", "Say who a member is.", handlers.put_member,
              shapes.Done, bodies.MemberUpdate),
    Operation("PUT", f"{_ONE}/speakers", "tell_speakers", "Say who spoke when.", handlers.put_speakers, shapes.Done,
              bodies.SpeakerEvents),
    Operation("GET", f"{_ONE}/summary", "summary", "What it came to.", handlers.get_summary, shapes.Summary,
              params=(_REFRESH,)),
    Operation("POST", f"{_ONE}/transcript", "transcript", "What was said, to be read.", handlers.make_transcript,
              shapes.Transcript, bodies.TranscriptRequest),
)  # fmt: skip


def handler(operation: Operation, engine: Engine, doors: Doors) -> Callable[[web.Request], Awaitable[web.Response]]:
    """What aiohttp calls for an operation."""

    async def handle(request: web.Request) -> web.Response:
        asked = Asked(request, engine, doors.app_of(request))
        body = msgspec.json.encode(await operation.do(asked))
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    return handle
