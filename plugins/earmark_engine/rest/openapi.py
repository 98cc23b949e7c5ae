"""The OpenAPI description of the engine, made from the same types and table that answer requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from earmark_engine.rest import shapes
from earmark_engine.rest.operations import OPERATIONS, Operation

_REF = "#/components/schemas/{name}"


def openapi(*, version: str, grant: type[msgspec.Struct], token: type[msgspec.Struct]) -> dict[str, Any]:
    """The whole description."""
    shaped = _Shaped([grant, token, shapes.Refusal, *_types(OPERATIONS)])
    paths: dict[str, dict[str, Any]] = {"/oauth2/token:generate": {"post": _token(shaped, grant, token)}}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, shaped)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Earmark engine",
            "version": version,
            "description": "Tokens and the Conversation API; sockets are /v1/streaming/{id} and /v1/subscribe/{id}.",
        },
        "paths": paths,
        "components": {
            "schemas": shaped.components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-KEY"},
            },
        },
        "security": [{"bearer": []}, {"key": []}],
    }


class _Shaped:
    """Types as JSON schemas."""

    def __init__(self, types: Iterable[Any]) -> None:
        self._types = list(dict.fromkeys(types))
        self._schemas, self.components = msgspec.json.schema_components(self._types, ref_template=_REF)

    def __getitem__(self, kind: Any) -> Any:
        return self._schemas[self._types.index(kind)]


def _types(operations: Iterable[Operation]) -> Iterable[Any]:
    for operation in operations:
        yield operation.gives
        if operation.takes:
            yield operation.takes


def _described(operation: Operation, shaped: _Shaped) -> dict[str, Any]:
    refused = {"400", "401", "429"} | ({"404"} if "{" in operation.path else set())
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.help,
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation)],
        "responses": {"200": _answer(operation.help, shaped[operation.gives]), **_refusals(shaped, refused)},
    }
    if operation.takes:
        described["requestBody"] = _body(shaped[operation.takes])
    return described


def _token(shaped: _Shaped, grant: type[msgspec.Struct], token: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "operationId": "generate_token",
        "summary": "A token for an application.",
        "security": [],
        "requestBody": _body(shaped[grant]),
        "responses": {"200": _answer("A token.", shaped[token]), **_refusals(shaped, {"400", "401", "429"})},
    }


def _body(schema: Any) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _answer(help_: str, schema: Any) -> dict[str, Any]:
    return {"description": help_, "content": {"application/json": {"schema": schema}}}


def _refusals(shaped: _Shaped, statuses: set[str]) -> dict[str, Any]:
    meanings = {
        "400": "The request cannot be understood.",
        "401": "The token or the credentials are not good.",
        "404": "There is no such conversation.",
        "429": "Too many requests.",
    }
    return {status: _answer(meanings[status], shaped[shapes.Refusal]) for status in sorted(statuses)}


def _path_parameters(path: str) -> Iterable[dict[str, Any]]:
    for name in ("id", "member"):
        if f"{{{name}}}" in path:
            yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for param in operation.params:
        yield {"name": param.name, "in": "query", "description": param.help, "schema": param.schema}
