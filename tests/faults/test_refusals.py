"""What a room says and does where the service, or the way to it, will not have it."""

from __future__ import annotations

import asyncio
import random
import ssl
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

import earmark.uplink
from earmark.backoff import delays
from earmark.clock import SystemClock
from earmark.events import State, Utterance
from tests.core.rooms import Room as Kitchen
from tests.core.rooms import room
from tests.faults.house import Served, client, engine, house, misplaced, until
from tests.faults.numbered import PIECE, frames, merged, spans
from tests.faults.proxy import Break, Proxy, Way

BEGAN = 1_700_000_000.0
CODES = (None, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 3006, 4000, 4001, 4999)


REAL_DELAYS = earmark.uplink._FIRST_DELAY_SECONDS, earmark.uplink._MOST_DELAY_SECONDS  # noqa: SLF001 # as shipped


@pytest.fixture(autouse=True)
def _quick_tries() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(earmark.uplink, "_FIRST_DELAY_SECONDS", 0.002)
        patch.setattr(earmark.uplink, "_MOST_DELAY_SECONDS", 0.02)
        yield


class Ahead(SystemClock):
    """The machine's clock, put forward: tokens are old to whoever looks at it."""

    seconds = 0.0

    def now(self) -> float:
        return super().now() + self.seconds


@dataclass
class Front:
    """Stands before an engine and answers in its place for as long as it is told to."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    for_tokens: bool = False
    """Whether tokens are refused as well."""
    asked: list[float] = field(default_factory=list)
    granted: int = 0
    port: int = 0
    good: Served | None = None
    life_seconds: float = 3600.0

    async def token(self, request: web.Request) -> web.Response:
        if self.status and self.for_tokens:
            return web.json_response({"message": "no"}, status=self.status, headers=self.headers)
        self.granted += 1
        assert self.good is not None
        token = self.good.token if not self.status else f"bad {self.granted}"
        return web.json_response({"accessToken": token, "expiresIn": self.life_seconds})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(time.monotonic())
        return web.json_response({"message": "not now"}, status=self.status or 500, headers=self.headers)


@asynccontextmanager
async def front(served: Served, **given: object) -> AsyncIterator[Front]:
    """The stand-in, on a port of its own."""
    answers = Front(good=served, **given)  # type: ignore[arg-type] # the fields of the dataclass
    app = web.Application()
    app.router.add_post("/oauth2/token:generate", answers.token)
    app.router.add_get("/v1/streaming/{id}", answers.stream)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    answers.port = runner.addresses[0][1]
    try:
        yield answers
    finally:
        await runner.cleanup()


async def told_all(kitchen: Kitchen, blocks: int) -> bool:
    """Whether every sample is told, once."""
    said = [event for event in await kitchen.events() if isinstance(event, Utterance)]
    return merged(spans(event.text for event in said)) == [(0, blocks * PIECE)] and not misplaced(said, BEGAN)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "asked", "granted"), [(401, 2, 2), (403, 1, 1), (404, 1, 1)])
async def test_a_refusal_stops_the_room_with_a_reason_after_one_fresh_token_at_most(
    tmp_path: Path, status: int, asked: int, granted: int
) -> None:
    async with (
        engine() as served,
        front(served, status=status) as door,
        Proxy(door.port).serving() as proxy,
        client(proxy.port) as transport,
        room(tmp_path, transport, live=True) as kitchen,
    ):
        await kitchen.hear(frames(20, began=BEGAN))
        await until(lambda: kitchen.uplink.state is State.STOPPED)
        assert (len(door.asked), door.granted) == (asked, granted)
        assert kitchen.uplink.reason
        assert kitchen.uplink.next_attempt_at is not None
        assert kitchen.spool.seconds == pytest.approx(2)
        assert not kitchen.running.done()


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_room_that_was_refused_tries_again_slowly_and_then_tells_all(
    tmp_path: Path, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earmark.uplink, "_SLOW_RETRY_SECONDS", 0.1)
    async with (
        engine() as served,
        front(served, status=status) as door,
        Proxy(door.port).serving() as proxy,
        client(proxy.port) as transport,
        room(tmp_path, transport, live=True) as kitchen,
    ):
        await kitchen.hear(frames(20, began=BEGAN))
        await until(lambda: "stopped" in kitchen.states)
        door.status, proxy.target = None, served.port
        proxy.drop_all()
        await kitchen.end()
        assert await told_all(kitchen, 20)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_busy_service_is_asked_again(tmp_path: Path, status: int) -> None:
    async with (
        engine() as served,
        front(served, status=status) as door,
        Proxy(door.port).serving() as proxy,
        client(proxy.port, served.token) as transport,
        room(tmp_path, transport, live=True) as kitchen,
    ):
        await kitchen.hear(frames(20, began=BEGAN))
        await until(lambda: len(door.asked) > 3)
        assert "stopped" not in kitchen.states
        proxy.target = served.port
        proxy.drop_all()
        await kitchen.end()
        assert await told_all(kitchen, 20)


async def test_a_service_that_says_when_to_come_back_is_not_asked_before(tmp_path: Path) -> None:
    async with (
        engine() as served,
        front(served, status=429, headers={"Retry-After": "1"}) as door,
        client(door.port, served.token) as transport,
        room(tmp_path, transport, live=True) as kitchen,
    ):
        await kitchen.hear(frames(5, began=BEGAN))
        await until(lambda: len(door.asked) >= 2)
        assert door.asked[1] - door.asked[0] >= 1.0


async def test_a_token_is_renewed_before_it_expires_and_the_conversation_goes_on(tmp_path: Path) -> None:
    async with (
        engine() as served,
        front(served, life_seconds=0.3) as door,
        Proxy(door.port).serving() as proxy,
        client(proxy.port) as transport,
        room(tmp_path, transport, live=True) as kitchen,
    ):
        sound = frames(40, began=BEGAN)
        await kitchen.hear(sound[:10])
        await until(lambda: door.granted == 1)
        await asyncio.sleep(0.3)
        proxy.drop_all()
        await until(lambda: door.granted >= 2)
        proxy.target = served.port
        await kitchen.hear(sound[10:])
        await kitchen.end()
        assert await told_all(kitchen, 40)


async def test_a_token_that_dies_in_mid_conversation_is_replaced_by_a_fresh_one(tmp_path: Path) -> None:
    clock = Ahead()
    async with (
        engine(clock=clock) as served,
        Proxy(served.port).serving() as proxy,
        client(proxy.port) as transport,
        room(tmp_path, transport, live=True) as kitchen,
    ):
        sound = frames(40, began=BEGAN)
        await kitchen.hear(sound[:20])
        await until(lambda: kitchen.uplink.state is State.LISTENING)
        clock.seconds = 7 * 86_400
        proxy.drop_all()
        await kitchen.hear(sound[20:])
        await kitchen.end()
        assert await told_all(kitchen, 40)
        assert len(served.streams) == 1
        assert "stopped" not in kitchen.states


# -- the way there ----------------------------------------------------------------------------------------------------


async def test_a_host_without_an_address_is_tried_again(tmp_path: Path) -> None:
    async with (
        client(1, "t", url="ws://nobody.localhost.invalid:1", plain_anywhere=True) as transport,
        room(tmp_path, transport, live=True) as kitchen,
    ):
        await kitchen.hear(frames(5, began=BEGAN))
        await until(lambda: kitchen.uplink.attempt > 2)
        assert kitchen.uplink.state is State.RECONNECTING
        assert "address" in (kitchen.uplink.reason or "")
        assert kitchen.spool.seconds == pytest.approx(0.5)


def self_signed(folder: Path) -> ssl.SSLContext:
    """What a server has that has made its certificate itself."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_service_that_cannot_prove_who_it_is_stops_the_room(tmp_path: Path) -> None:

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0, ssl=self_signed(tmp_path))
    port = server.sockets[0].getsockname()[1]
    async with (
        client(port, "t", url=f"wss://localhost:{port}") as transport,
        room(tmp_path, transport, live=True) as kitchen,
    ):
        await kitchen.hear(frames(5, began=BEGAN))
        await until(lambda: kitchen.uplink.state is State.STOPPED)
        assert "certificate" in (kitchen.uplink.reason or "")
    server.close()


@pytest.mark.parametrize("code", CODES)
async def test_a_socket_that_is_closed_with_any_code_but_1000_is_joined_again(tmp_path: Path, code: int | None) -> None:
    plan = [Break(Way.CLOSE, 20_000, code)]
    async with engine() as served, house(tmp_path, served, plan=plan, live=True) as home:
        for frame in frames(30, began=BEGAN):
            await home.kitchen.uplink.take(frame)
            await asyncio.sleep(0.002)
        await home.kitchen.end()
        assert home.proxy.done == plan
        assert await told_all(home.kitchen, 30)
        assert len(served.streams) == 1


@pytest.mark.parametrize("way", [Way.SLOW_HANDSHAKE, Way.STALL, Way.DEAFEN, Way.MUTE])
async def test_a_line_that_is_half_dead_is_found_out_and_nothing_says_that_it_works(tmp_path: Path, way: Way) -> None:
    plan = [Break(way, 5_000 if way is not Way.MUTE else 700)]
    async with engine() as served, house(tmp_path, served, plan=plan, live=True) as home:
        for frame in frames(30, began=BEGAN):
            await home.kitchen.uplink.take(frame)
            await asyncio.sleep(0.01)
        await until(lambda: home.proxy.lines > 1)
        assert home.kitchen.states.count("reconnecting") >= 1
        await home.kitchen.end()
        assert await told_all(home.kitchen, 30)


async def test_what_a_stop_had_told_to_a_dead_line_is_told_once(tmp_path: Path) -> None:
    """The engine has told all and forgotten the stream when the line comes back: it tells again, and hears again."""
    plan = [Break(Way.MUTE, 402)]
    async with engine() as served, house(tmp_path, served, plan=plan, live=True) as home:
        await home.kitchen.hear(frames(5, began=BEGAN))
        await home.kitchen.end()
        assert len(served.streams) == 2
        assert await told_all(home.kitchen, 5)


# -- how fast, how often ----------------------------------------------------------------------------------------------


def test_a_dead_host_is_asked_a_dozen_times_in_the_first_minute_and_then_rarely() -> None:
    counts = []
    for seed in range(500):
        passed, tries = 0.0, 0
        for wait in delays(*REAL_DELAYS, random.Random(seed)):
            tries += 1
            passed += wait
            if passed > 60:
                break
        counts.append(tries)
    assert statistics.median(counts) <= 12
    assert max(counts) <= 24


async def test_after_a_clean_drop_the_line_is_there_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earmark.uplink, "_FIRST_DELAY_SECONDS", REAL_DELAYS[0])
    took = []

    def again(lines: int) -> bool:
        return home.proxy.lines > lines and home.kitchen.states[-1] == "listening"

    async with engine() as served, house(tmp_path, served, live=True) as home:
        for count, frame in enumerate(frames(100, began=BEGAN)):
            await home.kitchen.uplink.take(frame)
            await asyncio.sleep(0.002)
            if count % 10 == 5:
                await until(lambda: home.kitchen.uplink.state is State.LISTENING)
                dropped, lines = time.monotonic(), home.proxy.lines
                home.proxy.drop_all()
                await until(partial(again, lines))
                took.append(time.monotonic() - dropped)
        await home.kitchen.end()
        assert await told_all(home.kitchen, 100)
    print(f"reconnected after {statistics.median(took) * 1000:.0f} ms (median of {len(took)})")
    assert len(took) == 10
