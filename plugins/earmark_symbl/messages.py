"""The wire, both ways: text and binary frames to typed messages, and back.

    decode_client(frame)   what a client said
    decode_server(frame)   what a server said
    encode(message)        the frame that says it

A text frame is `str`, a binary frame is `bytes` and is audio. Reading tolerates what was seen in the field: members
and types we do not know, `null` for anything, numbers as strings, the two error shapes, the two shapes of
`conversation_completed`, and a stop request in Python's notation. It raises nothing but `RemoteProtocolError`.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import msgspec

from earmark_symbl.errors import RemoteProtocolError
from earmark_symbl.lifecycle import (
    ConversationCompleted,
    ConversationCreated,
    EarmarkHeard,
    ErrorMessage,
    NestedError,
    RecognitionResult,
    RecognitionStarted,
    RecognitionStopped,
    SessionModified,
    StartedListening,
    SubscriptionStarted,
)
from earmark_symbl.requests import Audio, ModifyRequest, Ping, StartRequest, StopRequest, Unknown
from earmark_symbl.results import EntityResponse, InsightResponse, MessageResponse, TopicResponse, TrackerResponse


class Pong(msgspec.Struct, frozen=True):
    """The answer to a `Ping`; a text frame that is no JSON."""


ClientMessage: TypeAlias = StartRequest | ModifyRequest | StopRequest | Ping | Audio | Unknown
InnerMessage: TypeAlias = (
    StartedListening
    | ConversationCreated
    | RecognitionStarted
    | RecognitionResult
    | RecognitionStopped
    | ConversationCompleted
    | SessionModified
    | SubscriptionStarted
    | EarmarkHeard
    | NestedError
)
ResultMessage: TypeAlias = MessageResponse | InsightResponse | TopicResponse | TrackerResponse | EntityResponse
ServerMessage: TypeAlias = InnerMessage | ResultMessage | ErrorMessage | Pong | Unknown

PING = "__PING__"
PONG = "__PONG__"
_CLIENT: dict[str, type[msgspec.Struct]] = {
    "start_request": StartRequest,
    "modify_request": ModifyRequest,
    "stop_request": StopRequest,
    "stop_recognition": StopRequest,
}
_INNER: dict[str, type[msgspec.Struct]] = {
    "started_listening": StartedListening,
    "conversation_created": ConversationCreated,
    "recognition_started": RecognitionStarted,
    "recognition_result": RecognitionResult,
    "recognition_stopped": RecognitionStopped,
    "conversation_completed": ConversationCompleted,
    "session_modified": SessionModified,
    "subscription_started": SubscriptionStarted,
    "earmark_heard": EarmarkHeard,
    "error": NestedError,
}
_OUTER: dict[str, type[msgspec.Struct]] = {
    "message_response": MessageResponse,
    "insight_response": InsightResponse,
    "topic_response": TopicResponse,
    "tracker_response": TrackerResponse,
    "entity_response": EntityResponse,
    "error": ErrorMessage,
}
_TRAVELS_INSIDE = frozenset(_INNER.values())
_PYTHON_STOP = re.compile(r"\s*\{\s*'type'\s*:\s*'(?:stop_request|stop_recognition)'\s*\}\s*")


def decode_client(frame: str | bytes) -> ClientMessage:
    """What a client said; raises `RemoteProtocolError` where it is no message."""
    if isinstance(frame, bytes):
        return Audio(frame)
    if frame == PING:
        return Ping()
    if _PYTHON_STOP.fullmatch(frame):
        return StopRequest()
    body = _parse(frame)
    kind = _type_of(body)
    known: Any = _CLIENT.get(kind)
    return _convert(body | {"type": _tag(known)}, known) if known else Unknown(type=kind, raw=frame)


def decode_server(frame: str | bytes) -> ServerMessage:
    """What a server said; raises `RemoteProtocolError` where it is no message."""
    if isinstance(frame, bytes):
        raise RemoteProtocolError("The service sent a binary frame; it speaks in text frames only.")
    if frame == PONG:
        return Pong()
    body = _parse(frame)
    kind = _type_of(body)
    if kind == "message":
        return _decode_inner(body, frame)
    known: Any = _OUTER.get(kind)
    return _convert(body, known) if known else Unknown(type=kind, raw=frame)


def encode(message: ClientMessage | ServerMessage) -> str | bytes:
    """The frame that says it: text, or binary for audio."""
    if isinstance(message, Audio):
        return message.data
    if isinstance(message, Ping | Pong):
        return PING if isinstance(message, Ping) else PONG
    if isinstance(message, Unknown):
        return message.raw
    body = without_nulls(msgspec.to_builtins(message))
    if type(message) in _TRAVELS_INSIDE:
        outer = {"timeOffset": body.pop("timeOffset")} if "timeOffset" in body else {}
        body = {"type": "message", "message": body, **outer}
    return msgspec.json.encode(body).decode()


def _decode_inner(body: dict[str, Any], frame: str) -> ServerMessage:
    inner = body.get("message")
    if not isinstance(inner, dict):
        raise RemoteProtocolError("The service sent a 'message' without a message in it.")
    kind = _type_of(inner)
    known: Any = _INNER.get(kind)
    if known is RecognitionResult and "timeOffset" in body:
        inner = inner | {"timeOffset": body["timeOffset"]}
    return _convert(inner, known) if known else Unknown(type=kind, raw=frame, inner=True)


def _parse(frame: str) -> dict[str, Any]:
    try:
        body = without_nulls(msgspec.json.decode(frame))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"A text frame is no JSON: {error}.") from error
    if not isinstance(body, dict):
        raise RemoteProtocolError("A text frame holds JSON that is no object.")
    return body


def _type_of(body: dict[str, Any]) -> str:
    kind = body.get("type")
    if not isinstance(kind, str):
        raise RemoteProtocolError("'type' must be provided in the payload.")
    return kind


def _convert(body: dict[str, Any], known: type[Any]) -> Any:
    try:
        return msgspec.convert(body, known, strict=False)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"A '{body['type']}' cannot be read: {error}.") from error


def _tag(known: type[msgspec.Struct]) -> str:
    tag = known.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def without_nulls(value: Any) -> Any:
    """The same without members that are null, at any depth: a null says no more than a member left out."""
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(member) for member in value if member is not None]
    return value
