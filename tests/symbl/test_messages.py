import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_symbl.errors import RemoteProtocolError
from earmark_symbl.lifecycle import (
    ConversationCompleted,
    EarmarkHeard,
    ErrorMessage,
    Heard,
    NestedError,
    Placed,
    RecognitionResult,
    RecognitionStarted,
    StartedListening,
    WireTime,
)
from earmark_symbl.messages import ClientMessage, ServerMessage, decode_client, decode_server, encode
from earmark_symbl.requests import Audio, ModifyRequest, Ping, Resume, StartRequest, StopRequest, Unknown
from earmark_symbl.results import InsightResponse, MessageResponse, TopicResponse, TrackerResponse
from tests.symbl.strategies import client_messages, json_values, server_messages


def client_says(**members: Any) -> ClientMessage:
    return decode_client(json.dumps(members))


def server_says(**members: Any) -> ServerMessage:
    return decode_server(json.dumps(members))


def server_tells(**members: Any) -> ServerMessage:
    return server_says(type="message", message=members)


@given(client_messages)
def test_whatever_a_client_can_say_is_read_as_it_was_meant(message: ClientMessage) -> None:
    assert decode_client(encode(message)) == message


@given(server_messages)
def test_whatever_a_server_can_say_is_read_as_it_was_meant(message: ServerMessage) -> None:
    assert decode_server(encode(message)) == message


@given(st.text() | json_values.map(json.dumps) | st.binary().map(lambda data: data.decode("utf-8", "replace")))
def test_no_text_breaks_the_reader_but_by_its_own_error(text: str) -> None:
    for decode in (decode_client, decode_server):
        try:
            assert decode(text) is not None
        except RemoteProtocolError as error:
            assert str(error)


@given(st.binary())
def test_no_bytes_break_the_reader_but_by_its_own_error(data: bytes) -> None:
    assert decode_client(data) == Audio(data)
    with pytest.raises(RemoteProtocolError):
        decode_server(data)


RESULTS = ["message_response", "insight_response", "topic_response", "tracker_response", "entity_response"]
KNOWN = ["start_request", "modify_request", "stop_request", "message", "error", *RESULTS]
NAMES = ["type", "message", "messages", "insights", "config", "trackers", "speaker", "user", "from", "payload", "raw"]
NAMES += ["data", "words", "alternatives", "startTime", "seconds", "earmark", "noConnectionTimeout", "dueBy", "isFinal"]


@given(
    st.recursive(
        json_values | st.none() | st.sampled_from([*KNOWN, "recognition_result", "earmark_heard", 10**400, -1]),
        lambda inner: st.dictionaries(st.sampled_from(NAMES), inner, max_size=5) | st.lists(inner, max_size=3),
        max_leaves=12,
    ),
    st.sampled_from(KNOWN),
)
def test_members_of_the_wrong_kind_break_nothing_either(members: Any, kind: str) -> None:
    body = json.dumps({**(members if isinstance(members, dict) else {"message": members}), "type": kind})
    for decode in (decode_client, decode_server):
        try:
            message = decode(body)
        except RemoteProtocolError:
            continue
        assert encode(message)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"type":' + "[" * 5_000, '"\ud800"', '{"a":' * 50_000])
def test_deep_or_broken_text_is_only_a_protocol_error(text: str) -> None:
    for decode in (decode_client, decode_server):
        with pytest.raises(RemoteProtocolError):
            decode(text)


def test_a_message_without_a_type_is_told_what_it_lacks() -> None:
    with pytest.raises(RemoteProtocolError, match="'type' must be provided in the payload"):
        decode_client("{}")


def test_a_member_of_the_wrong_type_is_named() -> None:
    with pytest.raises(RemoteProtocolError, match=r"\$\.config\.speechRecognition\.sampleRateHertz"):
        client_says(type="start_request", config={"speechRecognition": {"sampleRateHertz": "fast"}})


def test_the_start_of_the_official_python_client_is_understood() -> None:
    start = client_says(
        type="start_request",
        insightTypes=[],
        speaker=None,
        trackers=None,
        config={"confidenceThreshold": 0.5, "speechRecognition": {"encoding": "LINEAR16", "sampleRateHertz": 44100}},
    )
    assert isinstance(start, StartRequest)
    assert (start.trackers, start.speaker, start.rate, start.encoding) == (None, None, 44100, "LINEAR16")
    assert start.disconnects
    assert start.keep_seconds == 0


def test_the_start_of_the_documents_is_understood_whole() -> None:
    text = """{"type": "start_request", "insightTypes": ["question", "action_item", "follow_up"],
      "customVocabulary": ["acme"], "trackers": [{"name": "Promotion", "vocabulary": ["special offer"]}],
      "noConnectionTimeout": 600, "disconnectOnStopRequest": false, "disconnectOnStopRequestTimeout": 1800,
      "config": {"meetingTitle": "Client meeting", "confidenceThreshold": 0.7, "timezoneOffset": 480,
        "languageCode": "en-US", "sentiment": true, "detectEntities": true,
        "trackers": {"interimResults": true, "enableAllTrackers": true},
        "redaction": {"identifyContent": true, "redactContent": false, "redactionString": "*****"},
        "speechRecognition": {"encoding": "Opus", "sampleRateHertz": "48000", "interimResults": true}},
      "speaker": {"userId": "jane@example.com", "name": "Jane", "peerId": 7}}"""
    start = decode_client(text)
    assert isinstance(start, StartRequest)
    assert start.config
    assert start.config.redaction
    assert start.config.redaction.redaction_string == "*****"
    assert (start.encoding, start.rate, start.title) == ("OPUS", 48000, "Client meeting")
    assert (start.keep_seconds, start.disconnects, start.all_trackers) == (600, False, True)
    assert start.speaker == {"userId": "jane@example.com", "name": "Jane", "peerId": 7}


def test_a_flag_where_a_timeout_belongs_means_nothing() -> None:
    start = client_says(type="start_request", noConnectionTimeout=True)
    assert isinstance(start, StartRequest)
    assert start.keep_seconds == 0


def test_titles_and_rates_are_found_where_old_clients_put_them() -> None:
    start = client_says(type="start_request", meetingTitle="Old", config={"sampleRateHertz": 8000, "encoding": "mulaw"})
    assert isinstance(start, StartRequest)
    assert (start.title, start.rate, start.encoding) == ("Old", 8000, "MULAW")


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"stop_request"}',
        '{"type":"stop_recognition"}',
        "{'type': 'stop_request'}",
        "{'type':'stop_recognition'}",
    ],
)
def test_every_spelling_of_a_stop_is_a_stop(frame: str) -> None:
    assert decode_client(frame) == StopRequest()


def test_a_modify_request_has_no_config_around_it() -> None:
    message = client_says(type="modify_request", speechRecognition={"sampleRateHertz": 8000})
    assert isinstance(message, ModifyRequest)
    assert message.speech_recognition.sample_rate_hertz == 8000


def test_keepalive_frames_are_no_json() -> None:
    assert decode_client("__PING__") == Ping()
    assert encode(decode_server("__PONG__")) == "__PONG__"


def test_unknown_messages_are_kept_as_they_came() -> None:
    frame = '{"type":"objection_response","objections":[1]}'
    assert decode_server(frame) == Unknown(type="objection_response", raw=frame)
    inner = '{"type":"message","message":{"type":"processing_terminated"}}'
    assert decode_server(inner) == Unknown(type="processing_terminated", raw=inner, inner=True)
    assert encode(decode_server(inner)) == inner


def test_a_result_of_the_documents_gives_its_words_and_times() -> None:
    message = server_says(
        type="message",
        timeOffset=8250,
        message={
            "type": "recognition_result",
            "isFinal": True,
            "payload": {"raw": {"alternatives": [{"words": [{
                "word": "Hello",
                "startTime": {"seconds": "3", "nanos": "800000000"},
                "endTime": {"seconds": 4, "nanos": 200000000},
            }], "transcript": "hello", "confidence": 0.9}]}},
            "punctuated": {"transcript": "Hello."},
            "user": {"userId": "jane@example.com", "id": "236", "role": "host"},
        },
    )  # fmt: skip
    assert isinstance(message, RecognitionResult)
    assert (message.text, message.time_offset, message.is_final) == ("Hello.", 8250, True)
    assert [(word.word, word.start_time.total, word.end_time.total) for word in message.words] == [("Hello", 3.8, 4.2)]
    assert message.user == {"userId": "jane@example.com", "id": "236", "role": "host"}


def test_the_time_beside_a_result_is_written_beside_it() -> None:
    body = json.loads(encode(RecognitionResult(time_offset=12, is_final=True)))
    assert body["timeOffset"] == 12
    assert "timeOffset" not in body["message"]


def test_interim_text_has_no_words() -> None:
    message = server_tells(type="recognition_result", payload={"raw": {"alternatives": [{"transcript": "hel"}]}})
    assert isinstance(message, RecognitionResult)
    assert (message.text, message.words, message.is_final) == ("hel", (), False)


@given(st.floats(0, 100_000))
def test_times_survive_the_wire_to_the_nanosecond(seconds: float) -> None:
    assert WireTime.of(seconds).total == pytest.approx(seconds, abs=1e-9)


def test_times_that_are_none_count_as_the_beginning() -> None:
    assert WireTime(seconds="soon").total == 0
    assert WireTime(seconds=10**400).total == 0


@pytest.mark.parametrize("members", [{"conversationId": "42", "summaryUrl": "x"}, {"data": {"conversationId": 42}}])
def test_both_shapes_of_the_end_name_the_conversation(members: dict[str, Any]) -> None:
    message = server_tells(type="conversation_completed", **members)
    assert isinstance(message, ConversationCompleted)
    assert message.conversation == "42"


def test_the_end_is_written_in_both_shapes_at_once() -> None:
    inner = json.loads(encode(ConversationCompleted.of("42")))["message"]
    assert (inner["conversationId"], inner["data"]["conversationId"]) == ("42", "42")


def test_the_conversation_is_named_where_recognition_starts() -> None:
    message = server_tells(type="recognition_started", data={"conversationId": "5093011103940608"})
    assert isinstance(message, RecognitionStarted)
    assert message.conversation == "5093011103940608"


def test_both_shapes_of_an_error_are_errors() -> None:
    flat = server_says(type="error", details="No details.", message="Unsupported 'type' detected: foo")
    nested = server_tells(type="error", payload={"code": 7})
    assert isinstance(flat, ErrorMessage)
    assert isinstance(nested, NestedError | ErrorMessage)
    assert flat.text == "Unsupported 'type' detected: foo"
    assert nested.text == '{"code":7}'
    assert ErrorMessage().text


def test_a_message_carries_its_sentiment_and_its_words() -> None:
    words = json.dumps(
        [{"word": "Hello", "startTime": "2021-02-04T20:34:59.029Z", "endTime": "2021-02-04T20:34:59.4Z"}]
    )
    message = server_says(
        type="message_response",
        sequenceNumber=4,
        sentiment=False,
        messages=[{
            "from": {"id": "1", "name": "Jane", "userId": "jane@example.com"},
            "payload": {"content": "Hello world.", "contentType": "text/plain"},
            "metadata": {"words": words},
            "entities": None,
            "sentiment": {"polarity": {"score": 0.6}, "suggested": "positive"},
        }],
    )  # fmt: skip
    assert isinstance(message, MessageResponse)
    said = message.messages[0]
    assert (said.from_.name, said.payload.content) == ("Jane", "Hello world.")
    assert said.sentiment
    assert said.sentiment.polarity.score == 0.6
    assert said.metadata
    assert [word.word for word in said.metadata.timed_words] == ["Hello"]


def test_words_that_cannot_be_read_are_no_words() -> None:
    message = server_says(
        type="message_response", messages=[{"metadata": {"words": "[["}}, {"metadata": {"words": [7]}}]
    )
    assert isinstance(message, MessageResponse)
    assert [said.metadata.timed_words for said in message.messages if said.metadata] == [(), ()]


def test_an_insight_has_its_text_in_either_place() -> None:
    message = server_says(
        type="insight_response",
        insights=[
            {"type": "question", "text": "Old?", "entities": None, "tags": []},
            {"type": "action_item", "payload": {"content": "New."}, "dueBy": {"value": "2021-02-05T00:00:00-07:00"}},
            {"type": "follow_up", "payload": {"content": "New."}, "dueBy": "2021-02-05", "confidence": 1},
        ],
    )
    assert isinstance(message, InsightResponse)
    assert [insight.content for insight in message.insights] == ["Old?", "New.", "New."]
    assert [insight.due for insight in message.insights] == ["", "2021-02-05T00:00:00-07:00", "2021-02-05"]


def test_topics_and_trackers_are_read() -> None:
    topics = server_says(type="topic_response", topics=[{"phrases": "auto insurance", "score": 0.9, "rootWords": None}])
    trackers = server_says(
        type="tracker_response",
        trackers=[
            {"name": "Goodness", "matches": [{"value": "I like it", "messageRefs": [{"id": "1", "offset": -1}]}]}
        ],
    )
    assert isinstance(topics, TopicResponse)
    assert topics.topics[0].phrases == "auto insurance"
    assert isinstance(trackers, TrackerResponse)
    assert trackers.trackers[0].matches[0].message_refs[0].offset == -1


def test_lists_that_clients_count_are_written_even_when_empty() -> None:
    body = json.loads(encode(InsightResponse(insights=(msgspec.structs.replace(_question()),))))
    assert body["insights"][0]["tags"] == []
    assert body["insights"][0]["dismissed"] is False
    assert "assignee" not in body["insights"][0]


def _question() -> Any:
    message = server_says(type="insight_response", insights=[{"type": "question", "text": "Who?"}])
    assert isinstance(message, InsightResponse)
    return message.insights[0]


def test_our_own_extension_travels_in_members_that_others_ignore() -> None:
    start = json.loads(encode(StartRequest(earmark=Resume(position=480_000, rate=16_000, sequence=7))))
    assert start["earmark"] == {"version": 1, "position": 480_000, "rate": 16_000, "sequence": 7}
    listening = json.loads(encode(StartedListening(earmark=Heard(heard=490_000))))
    assert listening["message"]["earmark"] == {"version": 1, "heard": 490_000}
    result = json.loads(encode(MessageResponse(earmark=Placed(sequence=8, start=1, end=2))))
    assert result["earmark"] == {"sequence": 8, "start": 1, "end": 2}
    heard = json.loads(encode(EarmarkHeard(samples=500_000, sequence=8)))
    assert heard == {"type": "message", "message": {"type": "earmark_heard", "samples": 500_000, "sequence": 8}}
