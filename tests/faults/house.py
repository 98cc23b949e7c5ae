"""A room's uplink that talks to a real engine over real sockets, with a proxy in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earmark.clock import Clock, SystemClock
from earmark.events import Durable, Utterance
from earmark.hookspecs import Transport
from earmark.host import Host
from earmark.settings import Duration, Secret
from earmark_engine.doors import Doors
from earmark_engine.engine import Engine, Limits
from earmark_engine.opening import Plan, alone, converted, open_engine
from earmark_engine.server import Address, create_app, serving
from earmark_engine.tokens import Tokens
from earmark_symbl.api import SymblSettings, open_symbl
from tests.core.rooms import Room as Kitchen
from tests.core.rooms import room
from tests.faults.numbered import RATE, Plugin, Reader, Span, spans
from tests.faults.proxy import Proxy

APP, SECRET = "house", "s3cret"
QUICK = {
    "connect_timeout": Duration(0.5),
    "start_timeout": Duration(0.5),
    "stop_timeout": Duration(1),
    "heartbeat": Duration(0.15),
}


@dataclass
class Served:
    """A running engine."""

    engine: Engine
    port: int
    plugin: Plugin
    tokens: Tokens

    @property
    def streams(self) -> list[Reader]:
        """Every stream that the recogniser has read."""
        return self.plugin.recognizer.streams

    @property
    def token(self) -> str:
        """A token that it takes."""
        return self.tokens.issue(APP, SECRET, now=self.engine.clock.now()).access_token


@asynccontextmanager
async def engine(
    *, port: int = 0, tokens: Tokens | None = None, clock: Clock | None = None, limits: Limits | None = None
) -> AsyncIterator[Served]:
    """Run an engine that reads numbered sound; it keeps its record in memory."""
    plugin, clock = Plugin(), clock or SystemClock()
    host = Host(plugins=[("numbered", plugin)], discover=False)
    host.load()
    tokens = tokens or Tokens({APP: Secret(SECRET)})
    plan = Plan(tokens=tokens, recognizer="numbered", detector="rules", limits=limits or Limits())
    place = alone(logging.getLogger("engine"), Path("/nonexistent"), clock)
    async with (
        open_engine(plan, host=host, settings_of=converted({}), room=place) as running,
        serving(create_app(running, Doors(tokens, clock)), Address(port=port)) as taken,
    ):
        yield Served(running, taken, plugin, tokens)


@asynccontextmanager
async def client(port: int, token: str | None = None, **settings: Any) -> AsyncIterator[Transport]:
    """The client's transport, quick to lose patience."""
    told: dict[str, Any] = {"url": f"ws://127.0.0.1:{port}", "sentiment": False, **QUICK, **settings}
    if token is None:
        told |= {"app_id": APP, "app_secret": Secret(SECRET)}
    else:
        told["token"] = Secret(token)
    async with open_symbl(SymblSettings(**told), alone(logging.getLogger("house"), Path("/nonexistent"))) as transport:
        yield transport


@dataclass
class House:
    """All of it."""

    served: Served
    proxy: Proxy
    kitchen: Kitchen
    states: list[str] = field(default_factory=list)

    async def said(self) -> list[Utterance]:
        """The utterances in the journal."""
        return [event for event in await self.kitchen.events() if isinstance(event, Utterance)]

    async def told(self) -> list[Span]:
        """The pieces in the journal."""
        return spans(event.text for event in await self.said())

    async def lost(self) -> list[Span]:
        """The samples that gaps tell as lost, and that no later one tells as recovered."""
        lost: set[int] = set()
        for gap in await self.kitchen.gaps():
            samples = range(round(gap.start * RATE), round((gap.start + gap.seconds) * RATE))
            assert gap.outcome == "lost" or lost.issuperset(samples)
            lost = lost.union(samples) if gap.outcome == "lost" else lost.difference(samples)
        edges = sorted(lost ^ {sample + 1 for sample in lost})
        return list(zip(edges[::2], edges[1::2], strict=True))


@asynccontextmanager
async def house(folder: Path, served: Served, **options: Any) -> AsyncIterator[House]:
    """A room that talks to an engine through a proxy."""
    proxy = Proxy(served.port)
    proxy.plan.extend(options.pop("plan", ()))
    async with (
        proxy.serving(),
        client(proxy.port, served.token, **options.pop("settings", {})) as transport,
        room(folder, transport, **options) as kitchen,
    ):
        yield House(served, proxy, kitchen)


def misplaced(said: list[Utterance], began: float) -> list[Utterance]:
    """Utterances whose times are not those of the samples that they name."""
    wrong = []
    for event in said:
        pieces = spans([event.text])
        start, end = pieces[0][0] / RATE, pieces[-1][1] / RATE
        if max(abs(event.start - start), abs(event.end - end), abs(event.at.timestamp() - began - start)) > 0.0011:
            wrong.append(event)
    return wrong


def durable_ids(events: list[Durable]) -> list[str]:
    """The ids of what is in the journal, for finding doubles."""
    return [event.id for event in events]


async def until(condition: Any, seconds: float = 10) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
