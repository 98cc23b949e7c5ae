"""Events over WebSockets and server-sent events, through lost lines and past slow watchers."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import WSMsgType

from earmark.door import Told
from earmark.events import Change, Level, Status, decode
from tests.core.talk import marked, said, sentences, until
from tests.http.house import BEARER, TOKEN, House, house

EVENTS = "/v1/events"


async def told_to(line: aiohttp.ClientWebSocketResponse, seqs: list[int], *, upto: int) -> None:
    """Note the places of journaled events until one is reached."""
    async with asyncio.timeout(20):
        while not seqs or seqs[-1] < upto:
            told = json.loads(await line.receive_str())
            if "seq" in told:
                seqs.append(told["seq"])


def pull_the_plug(watcher: aiohttp.ClientWebSocketResponse) -> None:
    """Break the line without a farewell."""
    line = watcher.get_extra_info("socket")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    watcher.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


async def test_a_watcher_is_told_everything_from_its_place_on(home: House) -> None:
    await home.record(sentences(0, 5))
    last = home.listener.journal.last
    async with home.session.ws_connect(f"{home.url}{EVENTS}?after=2", headers=BEARER) as line:
        seqs: list[int] = []
        await told_to(line, seqs, upto=last)
        assert seqs == list(range(3, last + 1))
        await home.record([said("new", "Something new")])
        told = json.loads(await line.receive_str())
        assert told == {"seq": home.listener.journal.last, "event": told["event"]}
        assert decode(json.dumps(told["event"])) == said("new", "Something new")


async def test_without_a_place_a_watcher_is_told_what_comes(home: House) -> None:
    await home.record(sentences(0, 5))
    async with home.session.ws_connect(f"{home.url}{EVENTS}", headers=BEARER) as line:
        await until(lambda: home.service.details.get("watchers") == "1")
        await home.record([said("new")])
        while (told := json.loads(await line.receive_str()))["event"]["type"] != "utterance":
            assert "seq" in told
        assert told["event"]["id"] == "new"


async def test_live_events_come_on_request_only(home: House) -> None:
    kinds: set[type] = set()
    async with home.session.ws_connect(f"{home.url}{EVENTS}?live=1", headers=BEARER) as line:
        while not {Status, Level} <= kinds:
            told = json.loads(await line.receive_str())
            event = decode(json.dumps(told["event"]))
            kinds.add(type(event))
            assert ("seq" in told) is not isinstance(event, Status | Level)
    async with home.session.ws_connect(f"{home.url}{EVENTS}", headers=BEARER) as line:
        await until(lambda: home.service.details.get("watchers") == "1")
        heard = home.listener.status().heard_seconds
        await until(lambda: home.listener.status().heard_seconds > heard + 0.5)
        await home.record([said("end")])
        while (told := json.loads(await line.receive_str()))["event"].get("id") != "end":
            assert "seq" in told


async def test_a_watcher_sees_what_is_journaled_through_twenty_killed_lines(home: House) -> None:
    seqs: list[int] = []
    recorded = 0
    for _ in range(20):
        await home.record(sentences(recorded, recorded + 20))
        recorded += 20
        after = seqs[-1] if seqs else 0
        async with home.session.ws_connect(f"{home.url}{EVENTS}?after={after}&live=1", headers=BEARER) as line:
            await told_to(line, seqs, upto=after + 7)
            pull_the_plug(line)
    async with home.session.ws_connect(f"{home.url}{EVENTS}?after={seqs[-1]}", headers=BEARER) as line:
        await told_to(line, seqs, upto=home.listener.journal.last)
    journaled = [entry.seq for entry in await home.listener.journal.read(0, most=10_000)]
    assert seqs == journaled


# -- server-sent events -----------------------------------------------------------------------------------------------


async def streamed(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, str]]:
    fields: dict[str, str] = {}
    async for line in response.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif fields:
            yield fields
            fields = {}


async def first(response: aiohttp.ClientResponse, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        async for fields in streamed(response):
            if "data" in fields:
                found.append({"id": fields.get("id"), "told": json.loads(fields["data"])})
            if len(found) == count:
                break
    return found


async def test_server_sent_events_go_on_where_the_browser_stood(home: House) -> None:
    await home.record(sentences(0, 9))
    accept = BEARER | {"Accept": "text/event-stream"}
    async with home.session.get(f"{home.url}{EVENTS}?after=0", headers=accept) as response:
        assert response.content_type == "text/event-stream"
        begun = await first(response, 4)
    assert [int(one["id"]) for one in begun] == [1, 2, 3, 4]
    assert all(one["told"]["seq"] == int(one["id"]) for one in begun)
    headers = accept | {"Last-Event-ID": "4"}
    async with home.session.get(f"{home.url}{EVENTS}?after=0", headers=headers) as response:
        assert [int(one["id"]) for one in await first(response, 3)] == [5, 6, 7]
    status, _ = await home.get(EVENTS, headers=accept | {"Last-Event-ID": "x"})
    assert status == 400


async def test_live_events_have_no_place_in_a_stream(home: House) -> None:
    accept = BEARER | {"Accept": "text/event-stream"}
    async with home.session.get(f"{home.url}{EVENTS}?live=1", headers=accept) as response:
        (status,) = await first(response, 1)
    assert status["id"] is None
    assert status["told"]["event"]["type"] == "status"


async def test_a_place_behind_the_journals_end_is_told(home: House) -> None:
    status, told = await home.get(f"{EVENTS}?after=1000000")
    assert status == 409
    assert "begin again" in told["message"]


# -- slow watchers ----------------------------------------------------------------------------------------------------


class Sleeper:
    """A real client that asks for events and then reads nothing."""

    def __init__(self, port: int, query: str) -> None:
        self._line = socket.socket()
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._line.connect(("127.0.0.1", port))
        key = base64.b64encode(b"sleeper-sleeper!").decode()
        self._line.sendall(
            f"GET {EVENTS}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def wake(self) -> bytes:
        """Read everything there is until the line is closed."""
        self._line.settimeout(20)
        parts = []
        try:
            while part := self._line.recv(65536):
                parts.append(part)
        except ConnectionError:
            pass
        return b"".join(parts)

    def close(self) -> None:
        self._line.close()


LONG = [said(f"long{number}", "la " * 3000, start=number) for number in range(3000)]


async def test_a_watcher_that_reads_nothing_holds_nobody_up(tmp_path: Path) -> None:
    async with house(tmp_path, "http.slow_after=1h") as home:
        sleeper = Sleeper(home.port, "after=0&live=1")
        try:
            async with home.session.ws_connect(f"{home.url}{EVENTS}?after=0&live=1", headers=BEARER) as line:
                await until(lambda: home.service.details.get("watchers") == "2")
                seqs: list[int] = []
                for begin in range(0, len(LONG), 500):
                    await home.record(LONG[begin : begin + 500])
                    await told_to(line, seqs, upto=home.listener.journal.last)
            heard = home.listener.status().heard_seconds
            await until(lambda: home.listener.status().heard_seconds > heard)
            assert seqs == list(range(1, len(seqs) + 1))
            assert home.listener.status().ill is None
            assert home.service.details["watchers"] == "1"
        finally:
            sleeper.close()
        await until(lambda: home.service.details["watchers"] == "0")


async def test_a_slow_watcher_is_cut_loose_with_its_code(tmp_path: Path) -> None:
    async with house(tmp_path, "http.slow_after=200 ms") as home:
        await home.record(LONG)
        sleeper = Sleeper(home.port, "after=0")
        try:
            await until(lambda: home.service.counters.get("cut_loose") == 1)
            heard = await asyncio.to_thread(sleeper.wake)
        finally:
            sleeper.close()
        parting = struct.pack(">BB", 0x88, len(heard.rpartition(struct.pack(">H", 4008))[2]) + 2)
        assert parting + struct.pack(">H", 4008) in heard
        await until(lambda: home.service.details["watchers"] == "0")


async def test_a_watcher_that_never_wakes_is_hung_up_on(tmp_path: Path) -> None:
    async with house(tmp_path, "http.slow_after=100 ms") as home:
        await home.record(LONG)
        sleeper = Sleeper(home.port, "after=0")
        try:
            await until(lambda: home.service.details.get("watchers") == "1")
            await until(lambda: home.service.details["watchers"] == "0")
        finally:
            sleeper.close()


async def read_out(line: aiohttp.ClientWebSocketResponse) -> None:
    """Read until the line is closed."""
    while (await line.receive()).type is WSMsgType.TEXT:
        pass


# -- manners ----------------------------------------------------------------------------------------------------------


async def test_a_watcher_that_talks_is_shown_out(home: House) -> None:
    async with home.session.ws_connect(f"{home.url}{EVENTS}", headers=BEARER) as line:
        await line.send_str("hello")
        await read_out(line)
        assert line.close_code == 1008


async def test_a_watcher_that_shouts_is_cut_off(home: House) -> None:
    async with home.session.ws_connect(f"{home.url}{EVENTS}", headers=BEARER) as line:
        await line.send_bytes(b"x" * 1_000_000)
        await read_out(line)
        assert line.close_code in (1006, 1008, 1009)
    await until(lambda: home.service.details["watchers"] == "0")


async def test_when_the_listener_stops_watchers_are_told(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with house(tmp_path) as home:
            line = await session.ws_connect(f"{home.url}{EVENTS}?live=1", headers=BEARER)
            reading = asyncio.create_task(read_out(line))
        await reading
        assert line.close_code == 1001


async def test_a_restart_of_the_service_parts_from_watchers_who_then_go_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with house(tmp_path, f"http.port={port}") as home:
        await home.record(sentences(0, 5))
        seqs: list[int] = []
        async with home.session.ws_connect(f"{home.url}{EVENTS}?after=0", headers=BEARER) as line:
            await told_to(line, seqs, upto=5)
            await home.listener.controls.restart_stage("http", by="test")
            await read_out(line)
            assert line.close_code == 1001
        await home.record(sentences(5, 10))
        await until(lambda: home.service.state == "running")
        async with home.session.ws_connect(f"{home.url}{EVENTS}?after={seqs[-1]}", headers=BEARER) as line:
            await told_to(line, seqs, upto=home.listener.journal.last)
        assert seqs == [entry.seq for entry in await home.listener.journal.read(0)]


async def test_too_many_watchers_are_told_so(tmp_path: Path) -> None:
    async with house(tmp_path, "http.watchers=2") as home:
        lines = [await home.session.ws_connect(f"{home.url}{EVENTS}", headers=BEARER) for _ in range(2)]
        await until(lambda: home.service.details.get("watchers") == "2")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await home.session.ws_connect(f"{home.url}{EVENTS}", headers=BEARER)
        assert refused.value.status == 503
        for line in lines:
            await line.close()


async def test_a_change_from_elsewhere_reaches_every_watcher(home: House) -> None:
    await home.record([marked("m1", "Buy milk")])
    last = home.listener.journal.last
    async with home.session.ws_connect(f"{home.url}{EVENTS}?after={last}", headers=BEARER) as line:
        await home.listener.controls.change_mark("m1", Change.DONE, by="mqtt")
        while (event := json.loads(await line.receive_str())["event"])["type"] != "mark_changed":
            pass
    assert (event["mark"], event["change"], event["by"]) == ("m1", "done", "mqtt")


def test_what_is_told_is_what_the_door_tells() -> None:
    told = Told(event=said("u1"), seq=7)
    assert msgspec.json.decode(msgspec.json.encode(told), type=Told) == told
