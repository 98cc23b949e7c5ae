"""What the description says and what is answered are the same, whatever is asked."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earmark.events import Durable
from earmark.host import Kind
from earmark.settings import Secret
from earmark_http.application import Api
from earmark_http.counting import EventCount
from earmark_http.guards import Guards
from earmark_http.handlers import OPERATIONS, Desk
from earmark_http.openapi import openapi
from earmark_http.settings import HttpSettings
from earmark_http.watching import Watching
from tests.core.talk import began, ended, marked, said
from tests.http.house import BEARER, House, house

DESCRIBED = openapi(version="1")
MILK = said("u1", "Somebody should buy milk.")
TALK: list[Durable] = [began(title="Supper"), MILK, marked("m1", "Buy milk", of=MILK, assignee=MILK.speaker), ended()]
PLAIN = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Served:
    """A listener in a thread of its own, for tests that ask one thing after another."""

    port: int = 0
    home: House | None = None
    up: threading.Event = field(default_factory=threading.Event)
    done: asyncio.Event | None = None
    loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, folder: Any) -> None:
        async with house(folder) as home:
            await home.record(TALK)
            self.port, self.home, self.done = home.port, home, asyncio.Event()
            self.loop = asyncio.get_running_loop()
            self.up.set()
            await self.done.wait()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            line.request(method, path, body, BEARER | headers)
            answer = line.getresponse()
            return answer.status, answer.headers.get_content_type(), answer.read()
        finally:
            line.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served()
    thread = threading.Thread(target=lambda: asyncio.run(found.serve(tmp_path_factory.mktemp("house"))))
    thread.start()
    assert found.up.wait(30)
    yield found
    assert found.loop is not None
    assert found.done is not None
    found.loop.call_soon_threadsafe(found.done.set)
    thread.join(30)
    assert not thread.is_alive()


def check(method: str, path: str, answer: tuple[int, str, bytes]) -> None:
    """Hold an answer against the description of the address it came from."""
    status, kind, body = answer
    responses = DESCRIBED["paths"][path][method.lower()]["responses"]
    assert str(status) in responses, (method, path, status, body)
    assert kind in responses[str(status)]["content"]
    if kind == "application/json":
        validator(method, path, status).validate(json.loads(body))


@cache
def validator(method: str, path: str, status: int) -> Any:
    content = DESCRIBED["paths"][path][method.lower()]["responses"][str(status)]["content"]
    root = {**content["application/json"]["schema"], "components": DESCRIBED["components"]}
    return jsonschema.Draft202012Validator(root, format_checker=jsonschema.FormatChecker())


def fill(path: str, name: str) -> str:
    return path.replace("{name}", quote(name, safe=""))


# -- the description itself -------------------------------------------------------------------------------------------


def test_every_address_is_described_and_every_described_one_is_there(served: Served) -> None:
    described = {(path, method.upper()) for path, item in DESCRIBED["paths"].items() for method in item}
    assert served.home is not None
    service = next(iter(served.home.listener.crew.stages[Kind.SERVICE]))
    room, own = service.room, HttpSettings()
    guards, watching = Guards(own, Secret("x" * 20), room.clock), Watching(room, slow_after_seconds=1)
    app = Api(room, own, guards, watching, EventCount(room), Desk(room)).application()
    served_ones = {(route.resource.canonical, route.method) for route in app.router.routes() if route.resource}
    assert served_ones == described


def test_the_description_is_sound() -> None:
    text = json.dumps(DESCRIBED)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in DESCRIBED["components"]["schemas"]
    for schema in DESCRIBED["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    names = [operation["operationId"] for item in DESCRIBED["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))
    for path, item in DESCRIBED["paths"].items():
        for operation in item.values():
            in_path = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
            assert in_path == re.findall(r"{(\w+)}", path)
            assert operation["summary"].endswith(".")


def test_each_address_answers_as_it_is_described(served: Served) -> None:
    asked: dict[tuple[str, str], tuple[str, object]] = {
        ("GET", "/v1/search"): ("?q=milk&kind=utterance", None),
        ("POST", "/v1/mute"): ("", {"seconds": 0.01}),
        ("POST", "/v1/marks/{name}"): (
            "",
            {"change": "amended", "text": "Buy oat milk", "due": "2026-03-15T09:00:00Z"},
        ),
    }
    for operation in OPERATIONS:
        query, body = asked.get((operation.method, operation.path), ("", {} if operation.takes else None))
        path = fill(operation.path, "c1" if "conversations" in operation.path else "m1") + query
        sent = None if body is None else json.dumps(body).encode()
        answer = served.ask(operation.method, path, sent, **{"Content-Type": "application/json"})
        assert answer[0] == 200, (path, answer)
        check(operation.method, operation.path, answer)
    for path in ("/healthz", "/metrics", "/v1/openapi.json", "/v1/events"):
        check("GET", path, served.ask("GET", path))
    served.ask("POST", "/v1/unmute")


def test_each_refusal_is_as_described(served: Served) -> None:
    for operation in OPERATIONS:
        path = fill(operation.path, "m1")
        check(operation.method, operation.path, served.ask(operation.method, path, Authorization="Bearer no"))
        check(operation.method, operation.path, served.ask(operation.method, path, Origin="https://evil.example"))
        check(operation.method, operation.path, served.ask(operation.method, path, Host="evil.example"))
        if operation.takes:
            answer = served.ask(operation.method, path, b"x" * 70_000)
            check(operation.method, operation.path, answer)
            assert answer[0] == 413
            assert served.ask(operation.method, path, b"{}", **{"Content-Type": "text/plain"})[0] == 415


# -- whatever is asked ------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("seconds", "name", "change", "text", "assignee", "due")
VALUES = JSON | st.sampled_from(
    ["done", "open", "amended", "2026-03-15T09:00:00Z", "0001-01-01T00:00:00Z", {"name": "A"}]
)
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4).map(lambda value: json.dumps(value).encode())
    | st.integers(1, 40_000).map(lambda depth: b"[" * depth)
    | st.sampled_from(
        [b'{"text": "\\ud800", "change": "amended"}', b'{"seconds": 1e999}', b'{"seconds": -0.0}', b"\xff"]
    )
)
POSTS = [operation for operation in OPERATIONS if operation.method == "POST"]
GETS = [operation for operation in OPERATIONS if operation.method == "GET"]
NAMES = st.sampled_from(["m1", "c1", "none", "..", "%", "\x00"]) | st.text(min_size=1, max_size=30)


@PLAIN
@given(operation=st.sampled_from(POSTS), body=BODIES, name=NAMES)
def test_any_body_is_answered_as_described(served: Served, operation: Any, body: bytes, name: str) -> None:
    try:
        path = fill(operation.path, name)
    except UnicodeEncodeError:
        return
    if name in ("..", "."):
        return
    answer = served.ask(operation.method, path, body, **{"Content-Type": "application/json"})
    check(operation.method, operation.path, answer)


PARAMETERS = ("q", "most", "before", "kind", "since", "until", "conversation", "after")
GIVEN = (
    st.text(max_size=30)
    | st.integers().map(str)
    | st.sampled_from(["utterance", "2026-03-14T18:00:00+01:00", '"', "*"])
)


@PLAIN
@given(
    operation=st.sampled_from(GETS),
    query=st.lists(st.tuples(st.sampled_from(PARAMETERS) | st.text(max_size=5), GIVEN), max_size=4),
)
def test_any_query_is_answered_as_described(served: Served, operation: Any, query: list[tuple[str, str]]) -> None:
    path = fill(operation.path, "m1")
    asked = f"?{urlencode(query, errors='replace')}" if query else ""
    check(operation.method, operation.path, served.ask(operation.method, path + asked))


@PLAIN
@given(raw=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_any_address_is_answered(served: Served, raw: str) -> None:
    status, kind, body = served.ask("GET", f"/v1/search?q={raw}")
    assert status < 500, body
    assert kind in ("application/json", "text/plain")
    status, _, body = served.ask("GET", f"/v1/conversations/{raw}")
    assert status < 500, body


@PLAIN
@given(garbage=st.binary(min_size=1, max_size=300), framed=st.booleans())
def test_any_bytes_leave_the_listener_answering(served: Served, garbage: bytes, framed: bool) -> None:
    head = b"POST /v1/mute HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" if framed else b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as line:
        line.sendall(head + garbage)
        line.shutdown(socket.SHUT_WR)
        try:
            answer = line.recv(65536)
        except ConnectionError:
            answer = b""
    assert not answer.startswith(b"HTTP/1.1 5")
    assert served.ask("GET", "/healthz")[0] == 200


HOSTS = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
PARTS = st.sampled_from(
    ["localhost", "127.0.0.1", "[::1]", "evil.example", ".", ":", "@", "/", "#", "%", "8788", " ", ","]
)


@PLAIN
@given(host=HOSTS | st.lists(PARTS, max_size=5).map("".join))
def test_no_strange_name_is_let_in(served: Served, host: str) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: " + host.encode("latin-1") + b"\r\n\r\n")
        answer = line.recv(65536)
    status = int(answer.split(b" ", 2)[1])
    assert status in (200, 400, 421)
    if status == 200:
        name = re.fullmatch(r"(\[[0-9a-f:.%]+\]|[\w.-]+)(:\d*)?", host.strip().lower())
        assert name, host
        bare = name[1].strip("[]").rstrip(".")
        if bare not in ("localhost", socket.gethostname().lower(), OWN_LOCAL):
            ip_address(bare)


OWN_LOCAL = f"{socket.gethostname().lower().partition('.')[0]}.local"


def test_after_all_that_the_room_is_well_and_its_journal_whole(served: Served) -> None:
    served.ask("POST", "/v1/unmute")
    status, _, body = served.ask("GET", "/v1/status")
    told = json.loads(body)
    assert status == 200
    assert "ill" not in told
    assert next(stage for stage in told["stages"] if stage["name"] == "http").get("failures", 0) == 0
    check("GET", "/v1/conversations/{name}", served.ask("GET", "/v1/conversations/c1"))
    check("GET", "/v1/marks", served.ask("GET", "/v1/marks"))
