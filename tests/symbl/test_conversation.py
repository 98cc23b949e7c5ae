from collections.abc import AsyncIterator
from typing import Any

import pytest

from earmark.errors import PeerRefused
from earmark_symbl.api import ConversationApi, open_conversations
from earmark_symbl.errors import NotFound, ServerFailed
from earmark_symbl.resources import Member
from tests.symbl.service import Service

ROOT = "/v1/conversations"
SENTIMENT = {"polarity": {"score": 0.6}, "suggested": "positive"}
INSIGHT = {
    "id": "4567077831573504",
    "text": "Vikram will submit it.",
    "type": "action_item",
    "score": 0.9456,
    "messageIds": ["4854542482014208"],
    "entities": [{"type": "person", "text": "Vikram", "offset": 0, "value": {"assignee": True, "name": "Vikram"}}],
    "phrases": [{"type": "action_phrase", "text": "submit"}],
    "from": {},
    "definitive": True,
    "assignee": {"name": "Vikram", "email": "vikram@example.com"},
    "dueBy": "2020-07-11T07:00:00.000Z",
}
REFERENCE = {"id": "1", "text": "How much does it cost?", "offset": -1}
SHAPES: dict[str, Any] = {
    f"GET {ROOT}": {"conversations": [{"id": "42", "startTime": "2021-07-23T16:31:29.798Z", "metadata": {"a": 1}}]},
    f"GET {ROOT}/42": {"id": "42", "type": "meeting", "members": [{"id": "m", "name": "John"}], "name": None},
    f"GET {ROOT}/42/messages": {
        "messages": [
            {
                "id": "6412283618000896",
                "text": "Best package.",
                "from": {"id": "acc6", "name": "Roger", "userId": "roger@example.com"},
                "timeOffset": 5.9,
                "duration": 1,
                "sentiment": SENTIMENT,
                "phrases": None,
                "words": [{"word": "Best", "score": 0.91, "timeOffset": 5.9, "duration": 0.2}],
            }
        ]
    },
    f"GET {ROOT}/42/topics": {"topics": [{"id": "5", "text": "interns", "score": 0.7178, "sentiment": SENTIMENT}]},
    f"GET {ROOT}/42/action-items": {"actionItems": [INSIGHT]},
    f"GET {ROOT}/42/follow-ups": {"followUps": [{**INSIGHT, "type": "follow_up"}]},
    f"GET {ROOT}/42/questions": {"questions": []},
    f"GET {ROOT}/42/insights": {"insights": [INSIGHT]},
    f"GET {ROOT}/42/entities": {"entities": [{"type": "custom", "value": "director", "messageRefs": [REFERENCE]}]},
    f"GET {ROOT}/42/trackers-detected": [
        {"id": "5", "name": "Pricing", "matches": [{"value": "price", "messageRefs": [REFERENCE], "insightRefs": []}]}
    ],
    f"GET {ROOT}/42/members": {"members": [{"id": "m", "name": "John", "email": "john@example.com"}]},
    f"GET {ROOT}/42/analytics": {
        "metrics": [{"type": "total_silence", "percent": 29.061, "seconds": 23.432}],
        "members": [{"id": "acc6", "pace": {"wpm": 68}, "talkTime": {"percentage": 40.9, "seconds": 23.4}}],
    },
    f"GET {ROOT}/42/summary": {"summary": [{"id": "3", "text": "They met.", "messageRefs": [{"id": "1"}]}]},
    f"POST {ROOT}/42/transcript": {"transcript": {"payload": "Speaker 1: Hello.", "contentType": "text/markdown"}},
    f"PUT {ROOT}/42": {"id": "42", "metadata": {"label": "Business"}},
    f"PUT {ROOT}/42/members/m": {"message": "Member with id: m updated successfully!"},
    f"PUT {ROOT}/42/speakers": {"message": "Speaker events associated successfully!"},
    f"DELETE {ROOT}/42": {"message": "successfully deleted the conversation"},
}


@pytest.fixture
async def conversations(service: Service) -> AsyncIterator[ConversationApi]:
    service.answers = SHAPES
    async with open_conversations(service.url, token="token-one") as conversations:
        yield conversations


async def test_messages_come_with_sentiment_and_words_where_asked_for(
    conversations: ConversationApi, service: Service
) -> None:
    (message,) = await conversations.messages("42", sentiment=True, verbose=True)
    assert (message.text, message.from_.name, message.time_offset) == ("Best package.", "Roger", 5.9)
    assert message.sentiment
    assert message.sentiment.polarity.score == 0.6
    assert message.words[0].score == 0.91
    assert service.requests[0][1].endswith("/42/messages?sentiment=true&verbose=true")


async def test_requests_carry_the_token_in_both_headers_and_nowhere_else(
    conversations: ConversationApi, service: Service
) -> None:
    await conversations.members("42")
    _, path, headers = service.requests[0]
    assert (headers["X-API-KEY"], headers["Authorization"]) == ("token-one", "Bearer token-one")
    assert "token" not in path


async def test_insights_of_every_kind_are_typed(conversations: ConversationApi) -> None:
    (item,) = await conversations.action_items("42")
    assert item.assignee
    assert (item.text, item.assignee.email, item.due_by) == (
        INSIGHT["text"],
        "vikram@example.com",
        "2020-07-11T07:00:00.000Z",
    )
    assert item.entities[0].value == {"assignee": True, "name": "Vikram"}
    assert [found.type for found in await conversations.follow_ups("42")] == ["follow_up"]
    assert await conversations.questions("42") == ()
    assert len(await conversations.insights("42")) == 1


async def test_topics_entities_and_trackers_are_typed(conversations: ConversationApi) -> None:
    assert [topic.text for topic in await conversations.topics("42", sentiment=True)] == ["interns"]
    assert [entity.value for entity in await conversations.entities("42")] == ["director"]
    assert [tracker.matches[0].message_refs[0].offset for tracker in await conversations.trackers("42")] == [-1]


async def test_analytics_and_summary_are_typed(conversations: ConversationApi) -> None:
    analytics = await conversations.analytics("42")
    assert analytics.metrics[0].seconds == 23.432
    assert analytics.members[0].talk_time.seconds == 23.4
    assert [part.text for part in await conversations.summary("42")] == ["They met."]


async def test_conversations_are_listed_read_labelled_and_deleted(
    conversations: ConversationApi, service: Service
) -> None:
    assert [one.id for one in await conversations.conversations(limit=5)] == ["42"]
    assert (await conversations.conversation("42")).members[0].name == "John"
    await conversations.set_metadata("42", {"label": "Business"})
    await conversations.delete("42")
    assert service.bodies == [{"metadata": {"label": "Business"}}]
    assert [method for method, _, _ in service.requests] == ["GET", "GET", "PUT", "DELETE"]


async def test_members_and_speakers_can_be_named(conversations: ConversationApi, service: Service) -> None:
    await conversations.name_member("42", Member(id="m", name="Ann"))
    event = {"type": "started_speaking", "user": {"id": "m"}, "offset": {"seconds": 0, "nanos": 0}}
    await conversations.set_speakers("42", [event])
    assert service.bodies == [{"id": "m", "name": "Ann"}, {"speakerEvents": [event]}]


async def test_a_transcript_is_asked_for_in_a_format(conversations: ConversationApi, service: Service) -> None:
    transcript = await conversations.transcript("42", paragraphs=False)
    assert transcript.payload == "Speaker 1: Hello."
    assert service.bodies[0]["contentType"] == "text/markdown"
    assert service.bodies[0]["createParagraphs"] is False


async def test_an_unknown_conversation_is_told_apart_and_quoted(conversations: ConversationApi) -> None:
    with pytest.raises(NotFound, match="either invalid or does not exist") as caught:
        await conversations.messages("43/../42")
    assert isinstance(caught.value, PeerRefused)


@pytest.mark.parametrize("answer", [7, [], {"messages": 7}, {"messages": [{"id": []}]}])
async def test_an_answer_of_another_shape_is_the_services_failure(
    conversations: ConversationApi, service: Service, answer: object
) -> None:
    service.answers = {f"GET {ROOT}/42/messages": answer}
    with pytest.raises(ServerFailed, match="not what was asked for"):
        await conversations.messages("42")


async def test_a_list_that_is_left_out_is_empty(conversations: ConversationApi, service: Service) -> None:
    service.answers = {f"GET {ROOT}/42/messages": {"messages": None}, f"GET {ROOT}/42/topics": {}}
    assert await conversations.messages("42") == ()
    assert await conversations.topics("42") == ()
