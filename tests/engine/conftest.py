"""An engine on a real port, with the scripted recogniser, and clients that speak to it as browsers and SDKs do."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from earmark.audio import Samples
from earmark.host import Host
from earmark.settings import Secret
from earmark_engine.doors import Doors
from earmark_engine.engine import Engine, Limits
from earmark_engine.opening import Plan, alone, converted, open_engine
from earmark_engine.server import Address, create_app, serving
from earmark_engine.tokens import Tokens
from tests.engine.scripted import Plugin, Scripted

APP, SECRET = "kitchen", "s3cret"
Json = dict[str, Any]


class FastClock:
    """The machine's clock, which a test may put forward, and on which nobody sleeps long."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return 1_800_000_000.0 + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self._ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))

    def skip(self, seconds: float) -> None:
        self._ahead += seconds


class Client:
    """One socket, with everything that came on it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.told: list[Json] = []

    async def start(self, **members: Any) -> str:
        """Begin, and give the conversation's id."""
        asked: Json = {"type": "start_request", "insightTypes": ["question", "action_item", "follow_up"]}
        await self.say(asked | members)
        started = await self.until(lambda told: inner(told) == "recognition_started")
        return str(started["message"]["data"]["conversationId"])

    async def say(self, message: Json | str) -> None:
        await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def hear(self, samples: Samples, block: int = 1600) -> None:
        for first in range(0, len(samples), block):
            await self.socket.send_bytes(samples[first : first + block].astype("<i2").tobytes())

    async def next(self) -> Json | None:
        message = await asyncio.wait_for(self.socket.receive(), 10)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return None
        told: Json = json.loads(message.data) if message.data[0] == "{" else {"type": message.data}
        self.told.append(told)
        return told

    async def until(self, wanted: Callable[[Json], bool]) -> Json:
        """The next message that is wanted; fails where the socket closes before."""
        while (told := await self.next()) is not None:
            if wanted(told):
                return told
        raise AssertionError(f"closed with {self.socket.close_code} before it came: {self.told}")

    async def until_closed(self) -> int | None:
        while await self.next() is not None:
            pass
        return self.socket.close_code

    async def said(self, text: str) -> Json:
        """The message of this sentence."""
        return await self.until(lambda told: texts([told]) == [text])


def inner(told: Json) -> str:
    """What kind of message it is."""
    return str(told["message"]["type"] if told["type"] == "message" else told["type"])


def kinds(told: list[Json]) -> list[str]:
    return [inner(message) for message in told]


def texts(told: list[Json]) -> list[str]:
    """The sentences among the messages."""
    responses = [message for message in told if message["type"] == "message_response"]
    return [said["payload"]["content"] for response in responses for said in response["messages"]]


def insights(told: list[Json]) -> list[Json]:
    responses = [message for message in told if message["type"] == "insight_response"]
    return [insight for response in responses for insight in response["insights"]]


@dataclass
class Served:
    """A running engine and the way to it."""

    engine: Engine
    recognizer: Scripted
    clock: FastClock
    http: aiohttp.ClientSession
    url: str
    token: str
    stack: AsyncExitStack

    async def connect(self, name: str = "room", path: str = "/v1/streaming/", **options: Any) -> Client:
        headers = {"X-API-KEY": self.token} | options.pop("headers", {})
        socket = self.http.ws_connect(f"{self.url}{path}{name}", headers=headers, **options)
        return Client(await self.stack.enter_async_context(socket))

    async def get(self, path: str, **query: Any) -> Any:
        return await self.ask("GET", path, params=query)

    async def ask(self, method: str, path: str, *, status: int = 200, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.request(method, f"{self.url}{path}", headers=headers, **options) as response:
            assert response.status == status, await response.text()
            return await response.json()


@asynccontextmanager
async def served(
    *,
    limits: Limits | None = None,
    file: Path | None = None,
    anybody: bool = False,
    free_refusals: int = 10,
    **plan: Any,
) -> AsyncIterator[Served]:
    """Run an engine."""
    plugin, clock = Plugin(), FastClock()
    host = Host(plugins=[("scripted", plugin)])
    host.load()
    apps = {} if anybody else {APP: Secret(SECRET), "garage": Secret("other")}
    tokens = Tokens(apps, anybody=anybody)
    asked: dict[str, Any] = {
        "recognizer": "scripted",
        "detector": "rules",
        "limits": limits or Limits(),
        "file": file,
    } | plan
    wanted = Plan(tokens=tokens, **asked)
    room = alone(logging.getLogger("test"), Path("/nonexistent"), clock)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_engine(wanted, host=host, settings_of=converted({}), room=room))
        doors = Doors(tokens, clock, free_refusals=free_refusals)
        port = await stack.enter_async_context(serving(create_app(engine, doors), Address()))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        token = tokens.issue(APP, SECRET, now=clock.now()).access_token
        yield Served(engine, plugin.recognizer, clock, http, f"http://127.0.0.1:{port}", token, stack)


@pytest.fixture
async def service() -> AsyncIterator[Served]:
    async with served() as running:
        yield running


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
