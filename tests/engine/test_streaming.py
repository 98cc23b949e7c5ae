"""The streaming socket, as its clients see it."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest

from earmark.settings import Duration
from earmark_engine.engine import Limits
from earmark_engine.insights.types import Tracker
from earmark_engine.recognizers.types import Load
from tests.engine.conftest import Served, eventually, inner, insights, kinds, served, texts
from tests.engine.scripted import SCRIPT, spoken

CAT, PLUMBER, GARAGE, TAP, LIKE, NUMBER, OFFER = SCRIPT


@pytest.mark.parametrize("path", ["/v1/streaming/", "/v1/realtime/insights/"])
async def test_a_conversation_runs_from_start_to_completion(service: Served, path: str) -> None:
    client = await service.connect("dXNlcg==", path)
    conversation = await client.start(speaker={"userId": "jane@example.com", "name": "Jane"})
    await client.hear(spoken(0))
    await client.say({"type": "stop_request"})
    assert await client.until_closed() == 1000
    assert kinds(client.told[:3]) == ["started_listening", "conversation_created", "recognition_started"]
    assert texts(client.told) == [CAT]
    assert client.told[-2]["message"]["conversationId"] == conversation
    assert client.told[-2]["message"]["data"] == {"conversationId": conversation}
    assert kinds(client.told[-2:]) == ["conversation_completed", "recognition_stopped"]


async def test_text_is_told_while_it_is_spoken_and_then_with_its_words(service: Served) -> None:
    client = await service.connect()
    await client.start(speaker={"userId": "jane@example.com", "seat": 4})
    await client.hear(spoken(4))
    interim = await client.until(lambda told: inner(told) == "recognition_result")
    final = await client.until(lambda told: inner(told) == "recognition_result" and told["message"]["isFinal"])
    assert interim["message"]["isFinal"] is False
    assert interim["message"]["user"]["seat"] == 4
    words = final["message"]["payload"]["raw"]["alternatives"][0]["words"]
    assert [word["word"] for word in words] == LIKE.split()
    assert words[0]["startTime"] == {"seconds": "0", "nanos": "0"}
    assert final["message"]["punctuated"]["transcript"] == LIKE


async def test_a_message_says_who_spoke_when_and_how_it_sounds(service: Served) -> None:
    client = await service.connect()
    await client.start(speaker={"userId": "jane@example.com", "name": "Jane"}, config={"sentiment": True})
    await client.hear(spoken(4))
    message = (await client.said(LIKE))["messages"][0]
    assert (message["from"]["name"], message["from"]["userId"]) == ("Jane", "jane@example.com")
    assert message["sentiment"]["suggested"] == "positive"
    assert message["duration"]["duration"] == pytest.approx(0.5, abs=0.01)
    assert [word["word"] for word in json.loads(message["metadata"]["words"])] == LIKE.split()


async def test_questions_and_tasks_are_told_with_who_and_when(service: Served) -> None:
    client = await service.connect()
    await client.start()
    await client.hear(spoken(0, 1))
    question = await client.until(lambda told: any(i["type"] == "question" for i in insights([told])))
    task = await client.until(lambda told: any(i["type"] == "action_item" for i in insights([told])))
    assert question["insights"][0]["payload"]["content"] == question["insights"][0]["text"] == CAT
    assert task["insights"][0]["assignee"]["name"] == "Tom"
    assert task["insights"][0]["dueBy"]["value"]
    said = [message for message in client.told if message["type"] == "message_response"][-1]
    assert task["insights"][0]["messageReference"]["id"] == said["messages"][0]["id"]


@pytest.mark.parametrize(
    ("asked", "told"), [({}, {"question", "action_item", "follow_up"}), ({"insightTypes": ["question"]}, {"question"})]
)
async def test_only_the_insights_that_were_asked_for_are_told(
    service: Served, asked: dict[str, object], told: set[str]
) -> None:
    client = await service.connect()
    await client.start(**asked)
    await client.hear(spoken(0, 1))
    await client.say({"type": "stop_request"})
    await client.until_closed()
    assert {insight["type"] for insight in insights(client.told)} == told


async def test_insights_that_are_not_sure_enough_are_left_out(service: Served) -> None:
    client = await service.connect()
    await client.start(config={"confidenceThreshold": 0.85})
    await client.hear(spoken(0, 1))
    await client.say({"type": "stop_request"})
    await client.until_closed()
    assert {insight["type"] for insight in insights(client.told)} == {"question"}


@pytest.mark.parametrize("stop", ['{"type":"stop_request"}', "{'type': 'stop_request'}", '{"type":"stop_recognition"}'])
async def test_every_spelling_of_stop_brings_out_the_last_words(service: Served, stop: str) -> None:
    client = await service.connect()
    await client.start()
    await client.hear(spoken(3, pause=0))
    await client.say(stop)
    assert await client.until_closed() == 1000
    assert texts(client.told) == [TAP]


async def test_a_paused_socket_goes_on_with_the_same_conversation(service: Served) -> None:
    client = await service.connect()
    first = await client.start(disconnectOnStopRequest=False)
    await client.hear(spoken(3))
    await client.say({"type": "stop_request"})
    await client.until(lambda told: inner(told) == "recognition_stopped")
    second = await client.start(disconnectOnStopRequest=False)
    await client.hear(spoken(4))
    later = await client.said(LIKE)
    assert first == second
    assert texts(client.told) == [TAP, LIKE]
    assert "conversation_completed" not in kinds(client.told)
    assert later["messages"][0]["duration"]["timeOffset"] >= 0


async def test_a_paused_socket_is_closed_when_nobody_starts_it_again(service: Served) -> None:
    client = await service.connect()
    await client.start(disconnectOnStopRequest=False, disconnectOnStopRequestTimeout=60)
    await client.say({"type": "stop_request"})
    await client.until(lambda told: inner(told) == "recognition_stopped")
    service.clock.skip(61)
    assert await client.until_closed() == 1000


async def test_a_second_speaker_joins_and_both_are_told_everything(service: Served) -> None:
    jane, tom = await service.connect(), await service.connect()
    first = await jane.start(speaker={"userId": "jane", "name": "Jane"})
    second = await tom.start(speaker={"userId": "tom", "name": "Tom"})
    await tom.hear(spoken(4))
    told = await jane.said(LIKE)
    assert first == second
    assert told["messages"][0]["from"]["name"] == "Tom"
    assert "recognition_result" not in kinds(jane.told)


async def test_trackers_of_every_speaker_count(service: Served) -> None:
    jane, tom = await service.connect(), await service.connect()
    await jane.start(trackers=[{"name": "Joy", "vocabulary": ["I love it"]}])
    await tom.start(trackers=[{"name": "Sale", "vocabulary": ["special offer"]}])
    await jane.hear(spoken(4, 6))
    joy = await jane.until(lambda told: told["type"] == "tracker_response")
    sale = await tom.until(lambda told: told["type"] == "tracker_response" and told["trackers"][0]["name"] == "Sale")
    assert joy["trackers"][0]["matches"][0]["messageRefs"][0]["offset"] == -1
    assert sale["trackers"][0]["matches"][0]["messageRefs"][0]["offset"] == OFFER.index("special")


async def test_trackers_listen_to_text_that_is_not_final_where_asked(service: Served) -> None:
    client = await service.connect()
    trackers = [{"name": "Cat", "vocabulary": ["did"]}]
    await client.start(trackers=trackers, config={"trackers": {"interimResults": True}})
    await client.hear(spoken(0))
    told = await client.until(lambda told: told["type"] == "tracker_response")
    assert told["isFinal"] is False
    assert (await client.until(lambda told: told["type"] == "tracker_response"))["isFinal"] is True


async def test_what_identifies_somebody_is_taken_out_where_asked(service: Served) -> None:
    client = await service.connect()
    conversation = await client.start(config={"redaction": {"redactContent": True, "redactionString": "[gone]"}})
    await client.hear(spoken(5, 1))
    await client.said("My number is [gone].")
    await client.said("[gone], could you call the plumber on Thursday?")
    kept = await service.get(f"/v1/conversations/{conversation}/insights")
    for told in (client.told, kept):
        assert "5551234567" not in json.dumps(told)
        assert "Tom" not in json.dumps(told)


async def test_another_rate_is_announced_in_the_middle(service: Served) -> None:
    client = await service.connect()
    await client.start(config={"speechRecognition": {"encoding": "LINEAR16", "sampleRateHertz": 16000}})
    await client.hear(spoken(4))
    await client.said(LIKE)
    before = service.recognizer.streams[0].taken
    await client.say({"type": "modify_request", "speechRecognition": {"sampleRateHertz": 8000}})
    await client.until(lambda told: inner(told) == "session_modified")
    await client.hear(np.zeros(8000, np.int16))
    await client.say({"type": "stop_request"})
    await client.until_closed()
    assert service.recognizer.streams[0].taken - before == pytest.approx(16_000, abs=20)


async def test_sound_before_the_start_counts_for_nothing(service: Served) -> None:
    client = await service.connect()
    await client.hear(spoken(3))
    await client.start()
    await client.hear(spoken(4))
    await client.said(LIKE)
    assert texts(client.told) == [LIKE]


async def test_frames_may_have_any_size_even_an_odd_one(service: Served) -> None:
    client = await service.connect()
    await client.start()
    data = spoken(4).tobytes()
    for first in range(0, len(data), 9_999):
        await client.socket.send_bytes(data[first : first + 9_999])
    await client.said(LIKE)


async def test_a_ping_in_text_is_answered_in_text(service: Served) -> None:
    client = await service.connect()
    await client.say("__PING__")
    assert await client.next() == {"type": "__PONG__"}


@pytest.mark.parametrize(
    ("query", "shape"), [("?source=js_sdk", "message"), ("?source=web_sdk", "message"), ("", "error")]
)
async def test_a_request_of_an_unknown_type_is_an_error_that_each_client_can_read(
    service: Served, query: str, shape: str
) -> None:
    client = await service.connect("room" + query)
    await client.say({"type": "dance"})
    told = await client.until(lambda told: True)
    assert told["type"] == shape
    assert inner(told) == "error"
    assert "dance" in json.dumps(told)
    await client.start()


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"languageCode": "fr-FR"}, "fr-FR"),
        ({"speechRecognition": {"encoding": "AAC"}}, "AAC"),
        ({"speechRecognition": {"sampleRateHertz": 4000}}, "4000"),
    ],
)
async def test_what_the_engine_cannot_do_is_refused_by_name_before_it_listens(
    service: Served, config: dict[str, object], named: str
) -> None:
    client = await service.connect()
    await client.say({"type": "start_request", "config": config})
    told = await client.until(lambda told: True)
    assert told["type"] == "error"
    assert named in told["message"]
    await client.start()


async def test_a_lost_client_rejoins_its_conversation_in_time(service: Served) -> None:
    client = await service.connect()
    first = await client.start(noConnectionTimeout=60)
    await client.hear(spoken(3, pause=0))
    client.socket._writer.transport.abort()  # noqa: SLF001 — a line that breaks
    service.clock.skip(30)
    again = await service.connect()
    assert await again.start(noConnectionTimeout=60) == first
    await eventually(lambda: service.recognizer.open == 1)
    assert [said["text"] for said in (await service.get(f"/v1/conversations/{first}/messages"))["messages"]] == [TAP]


async def test_a_lost_client_that_comes_too_late_begins_another_conversation(service: Served) -> None:
    client = await service.connect()
    first = await client.start(noConnectionTimeout=20)
    await client.socket.close(code=3006)
    await eventually(lambda: service.engine.streams == 0)
    service.clock.skip(21)
    await eventually(lambda: service.engine.find(first) is None)
    again = await service.connect()
    assert await again.start() != first


async def test_thirty_silent_minutes_end_a_conversation() -> None:
    async with served(limits=Limits(silence=Duration("30 min"))) as service:
        client = await service.connect()
        await client.start(disconnectOnStopRequest=False)
        await client.hear(spoken(3))
        await client.said(TAP)
        service.clock.skip(29 * 60)
        await client.say("__PING__")
        await client.until(lambda told: told["type"] == "__PONG__")
        service.clock.skip(61)
        assert await client.until_closed() == 1000
        assert "conversation_completed" in kinds(client.told)


async def test_more_streams_than_the_limit_are_refused_and_the_others_go_on() -> None:
    async with served(limits=Limits(streams=1)) as service:
        client = await service.connect("one")
        await client.start()
        async with service.http.get(f"{service.url}/v1/streaming/two?access_token={service.token}") as refused:
            assert refused.status == 426
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        headers |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "X-API-KEY": service.token}
        async with service.http.get(f"{service.url}/v1/streaming/two", headers=headers) as refused:
            assert refused.status == 429
            assert int(refused.headers["Retry-After"]) > 0
        await client.hear(spoken(4))
        await client.said(LIKE)


async def test_nobody_new_is_let_in_while_recognition_lags_but_who_rejoins_is(service: Served) -> None:
    client = await service.connect("one")
    await client.start()
    service.recognizer.load = Load(backlog_seconds=30)
    with pytest.raises(Exception, match="429"):
        await service.connect("two")
    await service.connect("one")


async def test_a_start_that_finds_the_recogniser_busy_is_told_to_try_again(service: Served) -> None:
    service.recognizer.most_streams = 0
    client = await service.connect()
    await client.say({"type": "start_request"})
    assert await client.until_closed() == 1013
    assert "busy" in client.told[0]["message"]


async def test_a_recogniser_that_breaks_down_leaves_the_conversation_joinable(service: Served) -> None:
    client = await service.connect()
    first = await client.start(noConnectionTimeout=60)
    service.recognizer.streams[0].break_down()
    while not client.socket.closed:
        await client.hear(spoken(3))
        if await client.next() is None:
            break
    assert client.socket.close_code == 1011
    again = await service.connect()
    assert await again.start() == first


async def test_garbage_as_flac_is_complained_of_and_nothing_breaks(service: Served) -> None:
    client = await service.connect()
    await client.start(config={"speechRecognition": {"encoding": "FLAC", "sampleRateHertz": 16000}})
    await client.socket.send_bytes(np.random.default_rng(1).bytes(5000))
    told = await client.until(lambda told: inner(told) == "error")
    assert "FLAC" in told["message"]


async def test_the_members_of_a_conversation_keep_their_ids(service: Served) -> None:
    client = await service.connect()
    await client.start(speaker={"userId": "jane"}, disconnectOnStopRequest=False)
    await client.hear(spoken(3))
    first = (await client.said(TAP))["messages"][0]["from"]["id"]
    await client.say({"type": "stop_request"})
    await client.until(lambda told: inner(told) == "recognition_stopped")
    await client.start(speaker={"userId": "jane"})
    await client.hear(spoken(4))
    assert (await client.said(LIKE))["messages"][0]["from"]["id"] == first


async def test_a_client_that_is_far_ahead_waits_and_loses_nothing(service: Served) -> None:
    client = await service.connect()
    await client.start()
    await eventually(lambda: bool(service.recognizer.streams))
    ears = service.recognizer.streams[0]
    ears.flowing.clear()
    hearing = asyncio.create_task(client.hear(np.concatenate([spoken(3)] * 60)))
    await client.say("__PING__")
    await client.until(lambda told: told["type"] == "__PONG__")
    ears.flowing.set()
    await hearing
    await client.say({"type": "stop_request"})
    await client.until_closed()
    assert texts(client.told) == [TAP] * 60


async def test_days_are_reckoned_where_the_client_is(service: Served) -> None:
    client = await service.connect()
    await client.start(config={"timezoneOffset": 480})
    await client.hear(spoken(1))
    task = await client.until(lambda told: any(i["type"] == "action_item" for i in insights([told])))
    assert task["insights"][0]["dueBy"]["value"].endswith("-08:00")


async def test_the_vocabulary_reaches_the_recogniser(service: Served) -> None:
    client = await service.connect()
    await client.start(customVocabulary=["Mossendorf"])
    assert service.recognizer.streams[0].vocabulary == ("Mossendorf",)


async def test_saved_trackers_listen_where_asked() -> None:
    async with served(trackers=(Tracker(name="Repairs", vocabulary=("call the plumber",)),)) as service:
        deaf, keen = await service.connect("one"), await service.connect("two")
        await deaf.start()
        await keen.start(config={"trackers": {"enableAllTrackers": True}})
        for client in (deaf, keen):
            await client.hear(spoken(1))
            await client.say({"type": "stop_request"})
            await client.until_closed()
        assert "tracker_response" not in kinds(deaf.told)
        assert "tracker_response" in kinds(keen.told)


async def test_entities_are_told_where_asked() -> None:
    async with served(detector="linear") as service:
        client = await service.connect()
        conversation = await client.start(config={"detectEntities": True})
        await client.hear(spoken(1))
        told = await client.until(lambda told: told["type"] == "entity_response")
        kept = await service.get(f"/v1/conversations/{conversation}/entities")
        assert "Tom" in [match["detectedValue"] for entity in told["entities"] for match in entity["matches"]]
        assert "Tom" in [entity["value"] for entity in kept["entities"]]


async def test_topics_are_told() -> None:
    async with served(detector="linear") as service:
        client = await service.connect()
        await client.start()
        await client.hear(spoken(3, 3, 3))
        told = await client.until(lambda told: told["type"] == "topic_response")
        assert told["topics"][0]["phrases"] == "kitchen tap"
        assert told["topics"][0]["messageReferences"]
