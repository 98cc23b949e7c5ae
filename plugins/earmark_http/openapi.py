"""The OpenAPI description of the local API, made from the same types and table that answer requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from earmark.door import Told
from earmark_http import shapes
from earmark_http.handlers import AFTER, DESCRIPTION, EVENTS, HEALTH, LIVE, METRICS, OPERATIONS, Operation
from earmark_http.query import Param
from earmark_http.watching import CUT_LOOSE

_REF = "#/components/schemas/{name}"
_REFUSALS = {
    "400": "The request cannot be understood.",
    "401": "There is no token, or a wrong one.",
    "403": "A web page asks that may not.",
    "404": "There is no such thing.",
    "406": "Neither a WebSocket nor server-sent events are asked for.",
    "408": "The body did not come in time.",
    "409": "The place lies behind the end of the journal, which was begun anew: begin again without it.",
    "413": "The body is too long.",
    "415": "The body is not JSON.",
    "421": "This listener goes by another name.",
    "429": "Too many wrong tokens came from there.",
    "503": "It cannot be done just now.",
}
_ALWAYS = ("400", "401", "403", "421", "429", "503")
_WITH_BODY = ("408", "413", "415")
_EVENTS_HELP = (
    "Events from a place in the journal on, so that a watcher misses nothing: as server-sent events (`id` is the "
    "place, `Last-Event-ID` is honoured), or as a WebSocket whose text frames hold the same JSON. "
    f"A watcher that takes nothing for long is cut loose with close code {CUT_LOOSE}; it may come back and go on."
)


def openapi(*, version: str) -> dict[str, Any]:
    """The whole description."""
    shaped = _Shaped([shapes.Refusal, shapes.Health, Told, *_types(OPERATIONS)])
    paths: dict[str, dict[str, Any]] = {
        HEALTH: {"get": _health(shaped)},
        METRICS: {"get": _metrics(shaped)},
        EVENTS: {"get": _events(shaped)},
        DESCRIPTION: {"get": _description(shaped)},
    }
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, shaped)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Earmark local API",
            "version": version,
            "description": "A running listener, watched and controlled.",
        },
        "paths": paths,
        "components": {
            "schemas": shaped.components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    }


class _Shaped:
    """Types as JSON schemas."""

    def __init__(self, types: Iterable[Any]) -> None:
        self._types = list(dict.fromkeys(types))
        self._schemas, self.components = msgspec.json.schema_components(self._types, ref_template=_REF)

    def __getitem__(self, kind: Any) -> Any:
        return self._schemas[self._types.index(kind)]

    def refusals(self, *statuses: str) -> dict[str, Any]:
        return {status: _content(_REFUSALS[status], self[shapes.Refusal]) for status in sorted(statuses)}


def _types(operations: Iterable[Operation]) -> Iterable[Any]:
    for operation in operations:
        yield operation.gives
        if operation.takes:
            yield operation.takes


def _described(operation: Operation, shaped: _Shaped) -> dict[str, Any]:
    named = "{name}" in operation.path
    statuses = [*_ALWAYS, *(_WITH_BODY if operation.takes else ()), *(("404",) if named else ())]
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.help,
        "parameters": [*([_NAME] if named else []), *map(_parameter, operation.params)],
        "responses": {"200": _content(operation.help, shaped[operation.gives]), **shaped.refusals(*statuses)},
    }
    if operation.takes:
        content = {"application/json": {"schema": shaped[operation.takes]}}
        described["requestBody"] = {"required": operation.body_required, "content": content}
    return described


_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "Its id.",
    "schema": {"type": "string", "minLength": 1},
}


def _parameter(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.help,
        "schema": dict(param.schema),
    }


def _health(shaped: _Shaped) -> dict[str, Any]:
    return {
        "operationId": "health",
        "summary": "Whether the room does its work: red when deaf, not when slow.",
        "security": [],
        "responses": {
            "200": _content("It does.", shaped[shapes.Health]),
            "503": _content("It does not.", shaped[shapes.Health]),
            **shaped.refusals("400", "403", "421"),
        },
    }


def _metrics(shaped: _Shaped) -> dict[str, Any]:
    return {
        "operationId": "metrics",
        "summary": "The numbers of the room and of every stage, as Prometheus reads them.",
        "responses": {
            "200": {"description": "The numbers.", "content": {"text/plain": {"schema": {"type": "string"}}}},
            **shaped.refusals(*_ALWAYS),
        },
    }


def _events(shaped: _Shaped) -> dict[str, Any]:
    stream = {"type": "string", "description": "Server-sent events whose data is a `Told`."}
    return {
        "operationId": "events",
        "summary": "What happens, as it happens.",
        "description": _EVENTS_HELP,
        "parameters": [_parameter(AFTER), _parameter(LIVE)],
        "responses": {
            "101": {"description": "A WebSocket follows.", "content": {"application/json": {"schema": shaped[Told]}}},
            "200": {"description": "A stream follows.", "content": {"text/event-stream": {"schema": stream}}},
            **shaped.refusals(*_ALWAYS, "406", "409"),
        },
    }


def _description(shaped: _Shaped) -> dict[str, Any]:
    return {
        "operationId": "description",
        "summary": "This description.",
        "responses": {"200": _content("It.", {"type": "object"}), **shaped.refusals(*_ALWAYS)},
    }


def _content(help_: str, schema: Any) -> dict[str, Any]:
    return {"description": help_, "content": {"application/json": {"schema": schema}}}
