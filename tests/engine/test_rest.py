"""The Conversation API, during a conversation and after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.engine.conftest import Client, Json, Served, eventually, kinds, served, texts
from tests.engine.scripted import SCRIPT, spoken

CAT, PLUMBER, GARAGE, TAP, LIKE, NUMBER, OFFER = SCRIPT


@dataclass
class Talk:
    """A conversation that goes on, and the API of it."""

    service: Served
    client: Client
    id: str

    async def get(self, part: str = "", **query: Any) -> Any:
        return await self.service.get(f"/v1/conversations/{self.id}{part}", **query)

    async def ask(self, method: str, part: str = "", **options: Any) -> Any:
        return await self.service.ask(method, f"/v1/conversations/{self.id}{part}", **options)


@pytest.fixture
async def talk(service: Served) -> AsyncIterator[Talk]:
    client = await service.connect()
    trackers = [{"name": "Sale", "vocabulary": ["special offer"]}]
    speaker = {"name": "Jane", "userId": "jane@example.com"}
    conversation = await client.start(speaker=speaker, trackers=trackers, config={"meetingTitle": "Kitchen"})
    await client.hear(spoken(0, 1, 4, 6))
    await client.said(OFFER)
    await client.until(lambda told: told["type"] == "tracker_response")
    yield Talk(service, client, conversation)


async def test_messages_are_there_while_the_conversation_goes_on_and_afterwards(talk: Talk) -> None:
    during = await talk.get("/messages")
    await talk.client.say({"type": "stop_request"})
    await talk.client.until_closed()
    after = await talk.get("/messages")
    assert [said["text"] for said in during["messages"]] == [CAT, PLUMBER, LIKE, OFFER]
    assert during == after
    assert during["messages"][0]["from"]["email"] == "jane@example.com"
    assert during["messages"][0]["conversationId"] == talk.id
    assert "words" not in during["messages"][0]
    assert "sentiment" not in during["messages"][0]


async def test_words_and_sentiment_are_told_where_asked(talk: Talk) -> None:
    told = await talk.get("/messages", verbose="true", sentiment="true")
    like = told["messages"][2]
    assert [word["word"] for word in like["words"]] == LIKE.split()
    assert like["words"][0]["speakerTag"] == 1
    assert like["sentiment"]["suggested"] == "positive"
    assert like["sentiment"]["polarity"]["score"] > 0


async def test_insights_are_told_by_kind_and_together(talk: Talk) -> None:
    actions = (await talk.get("/action-items"))["actionItems"]
    questions = (await talk.get("/questions"))["questions"]
    follow_ups = (await talk.get("/follow-ups"))["followUps"]
    together = (await talk.get("/insights"))["insights"]
    assert [item["assignee"]["name"] for item in actions] == ["Tom"]
    assert actions[0]["dueBy"].endswith("Z")
    assert CAT in [item["text"] for item in questions]
    assert len(together) == len(actions) + len(questions) + len(follow_ups)
    assert actions[0]["entities"][0]["value"] == {"name": "Tom", "assignee": True}


async def test_the_conversation_tells_of_itself(talk: Talk) -> None:
    told = await talk.get()
    assert (told["name"], told["type"], told["metadata"]) == ("Kitchen", "meeting", {})
    assert [member["name"] for member in told["members"]] == ["Jane"]


@pytest.mark.parametrize("part", ["/trackers-detected", "/trackers"])
async def test_trackers_are_a_bare_list_under_both_names(talk: Talk, part: str) -> None:
    told = await talk.get(part)
    assert told[0]["name"] == "Sale"
    assert told[0]["matches"][0]["messageRefs"][0]["text"]


async def test_topics_of_the_clients_own_vocabulary_are_found(talk: Talk) -> None:
    told = await talk.get("/topics", customTopicVocabulary="plumber,balloon", sentiment="true")
    assert [topic["text"] for topic in told["topics"]] == ["plumber"]
    assert told["topics"][0]["sentiment"]["suggested"]


async def test_analytics_count_talk_and_silence(talk: Talk) -> None:
    told = await talk.get("/analytics")
    metrics = {metric["type"]: metric for metric in told["metrics"]}
    assert metrics["total_talk_time"]["seconds"] == pytest.approx(2.0, abs=0.1)
    assert metrics["total_silence"]["percent"] + metrics["total_talk_time"]["percent"] == pytest.approx(100)
    assert told["members"][0]["pace"]["wpm"] > 0


async def test_a_corrected_member_is_corrected_everywhere(talk: Talk) -> None:
    member = (await talk.get("/members"))["members"][0]["id"]
    body = {"id": member, "name": "Jane B.", "email": "b@example.com"}
    done = await talk.ask("PUT", f"/members/{member}", json=body)
    assert "updated successfully" in done["message"]
    assert (await talk.get("/messages"))["messages"][0]["from"]["name"] == "Jane B."
    assert (await talk.get("/members"))["members"][0]["email"] == "b@example.com"
    await talk.ask("PUT", "/members/nobody", json=body, status=404)


async def test_speaker_events_say_whose_sentences_they_were(talk: Talk) -> None:
    start = (await talk.get("/messages"))["messages"][1]["timeOffset"]
    tom = {"id": "tom", "name": "Tom"}
    events = [
        {"type": "started_speaking", "user": tom, "offset": {"seconds": start, "nanos": 0}},
        {"type": "stopped_speaking", "user": tom, "offset": {"seconds": start + 0.5}},
    ]
    await talk.ask("PUT", "/speakers", json={"speakerEvents": events})
    names = [said["from"]["name"] for said in (await talk.get("/messages"))["messages"]]
    assert names == ["Jane", "Tom", "Jane", "Jane"]


async def test_metadata_is_kept_and_can_be_looked_for(talk: Talk) -> None:
    await talk.ask("PUT", json={"metadata": {"label": "Business"}})
    assert (await talk.get())["metadata"] == {"label": "Business"}
    found = await talk.service.get("/v1/conversations", filter="metadata.label==Business")
    missed = await talk.service.get("/v1/conversations", filter="metadata.label==Private,name!='Kitchen'")
    assert [one["id"] for one in found["conversations"]] == [talk.id]
    assert missed == {"conversations": []}


async def test_a_transcript_is_markdown_or_subtitles(talk: Talk) -> None:
    highlights = {"highlightOnlyInsightKeyPhrases": True}
    asked = {"contentType": "text/markdown", "phrases": highlights, "createParagraphs": False}
    markdown = (await talk.ask("POST", "/transcript", json=asked))["transcript"]
    subtitles = (await talk.ask("POST", "/transcript", json={"contentType": "text/srt"}))["transcript"]
    assert markdown["payload"].split("<br/><br/>")[0] == f"Jane: <mark>{CAT}</mark>"
    assert subtitles["payload"].startswith("1\n00:00:0")
    assert f"Jane: {LIKE}" in subtitles["payload"]
    await talk.ask("POST", "/transcript", json={"contentType": "text/pdf"}, status=400)


async def test_a_summary_is_not_ready_at_first_and_then_holds_the_task(service: Served) -> None:
    client = await service.connect()
    conversation = await client.start()
    refused = await service.ask("GET", f"/v1/conversations/{conversation}/summary", status=404)
    await client.hear(spoken(0, 1, 4, 3))
    await client.said(TAP)
    told = await service.get(f"/v1/conversations/{conversation}/summary")
    assert "not ready" in refused["message"]
    assert PLUMBER in [part["text"] for part in told["summary"]]


async def test_deleting_really_deletes_and_ends_what_goes_on(talk: Talk) -> None:
    done = await talk.ask("DELETE")
    assert done == {"message": "successfully deleted the conversation"}
    assert await talk.client.until_closed() == 1000
    refused = await talk.ask("GET", "/messages", status=404)
    assert refused == {"message": "The conversationId is either invalid or does not exist."}
    assert await talk.service.get("/v1/conversations") == {"conversations": []}


async def test_conversations_are_listed_in_pages(service: Served) -> None:
    ids = []
    for name in ("one", "two", "three"):
        client = await service.connect(name)
        ids.append(await client.start())
        await client.say({"type": "stop_request"})
        await client.until_closed()
        service.clock.skip(60)
    listed = await service.get("/v1/conversations", order="asc", limit="2", offset="1")
    latest = await service.get("/v1/conversations", limit="1")
    began = listed["conversations"][1]["startTime"]
    since = await service.get("/v1/conversations", startTime=began)
    assert [one["id"] for one in listed["conversations"]] == ids[1:]
    assert [one["id"] for one in latest["conversations"]] == ids[2:]
    assert [one["id"] for one in since["conversations"]] == ids[2:]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/conversations", {"limit": "none"}),
        ("/v1/conversations", {"offset": "-1"}),
        ("/v1/conversations", {"order": "sideways"}),
        ("/v1/conversations", {"startTime": "yesterday"}),
        ("/v1/conversations", {"filter": "drop table"}),
        ("/v1/conversations/1/topics", {"sentiment": "a bit"}),
        ("/v1/conversations/1/messages", {"verbose": "maybe"}),
    ],
)
async def test_a_mistyped_parameter_is_told(service: Served, path: str, query: dict[str, str]) -> None:
    told = await service.ask("GET", path, params=query, status=400)
    assert set(told) == {"message"}


async def test_one_application_does_not_see_what_another_has_said(service: Served) -> None:
    client = await service.connect()
    conversation = await client.start()
    other = service.engine.tokens.issue("garage", "other", now=service.clock.now()).access_token
    headers = {"Authorization": f"Bearer {other}"}
    async with service.http.get(f"{service.url}/v1/conversations/{conversation}", headers=headers) as refused:
        assert refused.status == 404
    async with service.http.get(f"{service.url}/v1/conversations", headers=headers) as listed:
        assert await listed.json() == {"conversations": []}


async def test_conversations_outlive_the_engine_where_they_are_kept(tmp_path: Any) -> None:
    async with served(file=tmp_path / "c.db") as service:
        client = await service.connect()
        conversation = await client.start()
        await client.hear(spoken(0))
        await client.said(CAT)
        before: Json = await service.get(f"/v1/conversations/{conversation}/messages")
    async with served(file=tmp_path / "c.db") as service:
        assert await service.get(f"/v1/conversations/{conversation}/messages") == before


async def test_a_conversation_goes_on_after_a_restart_of_the_engine(tmp_path: Any) -> None:
    async with served(file=tmp_path / "c.db") as service:
        client = await service.connect()
        first = await client.start(noConnectionTimeout=600)
        await client.hear(spoken(0))
        await client.said(CAT)
    async with served(file=tmp_path / "c.db") as service:
        client = await service.connect()
        assert await client.start(noConnectionTimeout=600) == first
        await client.hear(spoken(4))
        await client.said(LIKE)
        told = await service.get(f"/v1/conversations/{first}/messages")
        assert [said["text"] for said in told["messages"]] == [CAT, LIKE]


async def test_a_subscriber_hears_all_even_when_he_comes_first(service: Served) -> None:
    listener = await service.connect("room", "/v1/subscribe/")
    await listener.until(lambda told: True)
    speaker = await service.connect("room")
    conversation = await speaker.start()
    await speaker.hear(spoken(0))
    await speaker.say({"type": "stop_request"})
    assert await listener.until_closed() == 1000
    assert kinds(listener.told)[:2] == ["subscription_started", "conversation_created"]
    assert {"recognition_result", "message_response", "insight_response"} <= set(kinds(listener.told))
    assert texts(listener.told) == [CAT]
    assert listener.told[-1]["message"]["conversationId"] == conversation


async def test_a_subscriber_who_leaves_is_forgotten(service: Served) -> None:
    listener = await service.connect("room", "/v1/subscribe/")
    await listener.say("__PING__")
    await listener.until(lambda told: told["type"] == "__PONG__")
    await listener.socket.close()
    await eventually(lambda: service.engine.subscribers == 0)


async def test_changes_of_many_at_once_are_all_kept(talk: Talk) -> None:
    await talk.client.say({"type": "stop_request"})
    await talk.client.until_closed()
    bodies = [{"metadata": {"number": number}} for number in range(10)]
    await asyncio.gather(*(talk.ask("PUT", json=body) for body in bodies))
    assert (await talk.get())["metadata"] in [body["metadata"] for body in bodies]


async def test_what_an_engine_remembers_of_a_long_conversation_is_bounded(service: Served) -> None:
    client = await service.connect()
    conversation = await client.start()
    for _ in range(6):
        await client.hear(spoken(*[4] * 50, pause=14_000), block=100_000)
    await client.say({"type": "stop_request"})
    live = service.engine.find(conversation)
    await client.until_closed()
    assert len(texts(client.told)) == 300
    assert live is not None
    assert len(live.texts) == 200
    assert live.legs == {}
