"""The transport `engine`: an engine of the room's own, inside of the listener, on a port that only it knows.

It is spoken to as any other Symbl-compatible service is, over a real WebSocket, so that there is one path and it is
always exercised. It keeps nothing on disk, and nothing in memory of a conversation that is over: the room's journal has
everything, and sound that was not confirmed is sent again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from earmark.room import Room, StageReport
from earmark.settings import Secret

if TYPE_CHECKING:
    from earmark.hookspecs import Transport
    from earmark_engine.engine import Engine

_APP = "listener"
_LOAD_SECONDS = 5.0
_TOKEN_SECONDS = 10 * 365 * 86_400


class TrackerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name, and the phrases to be told of."""

    name: str
    """What the tracker is called."""
    vocabulary: tuple[str, ...]
    """The phrases; similar ones count too."""


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The engine on this machine: who listens, and for what."""

    recognizer: str = "moonshine"
    """What turns sound into words; `earmark plugins` lists what there is."""
    recognizer_settings: dict[str, Any] = {}
    """The recogniser's own settings, such as `{ workers = 1 }`; `earmark plugins engine` lists them."""
    detector: str = "linear"
    """What finds questions, action items and follow-ups."""
    detector_settings: dict[str, Any] = {}
    """The detector's own settings."""
    insight_types: tuple[str, ...] = ("action_item", "question", "follow_up")
    """Which insights are marked."""
    confidence_threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """How sure the engine must be of an insight, from 0 to 1."""
    language_code: str = "en-US"
    """The language that is spoken; the recogniser must know it."""
    timezone_offset: Annotated[int, msgspec.Meta(ge=-840, le=840)] | None = None
    """Minutes from local time to UTC, as browsers count: 480 is California in winter, -60 Berlin; the system's own if
    left out. It says which day "tomorrow" is."""
    speaker: str | None = None
    """Who speaks, where it is always the same person."""
    custom_vocabulary: tuple[str, ...] = ()
    """Words and names to expect, for recognisers that take hints."""
    trackers: tuple[TrackerSettings, ...] = ()
    """Phrases to be told of when they are said."""
    redact: bool = False
    """Whether e-mail addresses and long numbers are taken out of every text."""
    sentiment: bool = True
    """Whether it is told how every sentence sounds."""
    detect_entities: bool = True
    """Whether people, dates, numbers and places that are named are told."""
    interim_results: bool = True
    """Whether text is told while it is being spoken."""


@asynccontextmanager
async def open_engine_transport(settings: EngineSettings, room: Room) -> AsyncIterator[Transport]:
    """Start the engine, and give the way to it."""
    from earmark.host import Host
    from earmark_engine.doors import Doors
    from earmark_engine.opening import Plan, converted, open_engine
    from earmark_engine.server import Address, create_app, serving
    from earmark_engine.tokens import Tokens
    from earmark_symbl.api import open_symbl

    host = Host()
    host.load()
    secret = secrets.token_urlsafe(32)
    tokens = Tokens({_APP: Secret(secret)}, life_seconds=_TOKEN_SECONDS)
    plan = Plan(
        tokens=tokens,
        recognizer=settings.recognizer,
        detector=settings.detector,
        remembered=0,
        people=room.people,
        owner=room.owner,
    )
    own = {settings.recognizer: settings.recognizer_settings, settings.detector: settings.detector_settings}
    async with (
        open_engine(plan, host=host, settings_of=converted(own), room=room) as engine,
        serving(create_app(engine, Doors(tokens, room.clock)), Address()) as port,
    ):
        room.stage.details["recognizer"] = engine.recognizer.name
        token = tokens.issue(_APP, secret, now=room.clock.now()).access_token
        async with (
            _telling_load(engine, room),
            open_symbl(_as_client(settings, f"ws://127.0.0.1:{port}", token), room) as transport,
        ):
            yield transport


@asynccontextmanager
async def _telling_load(engine: Engine, room: Room) -> AsyncIterator[None]:
    """Tell now and then how hard the recogniser is pressed, so that a machine that cannot keep up is noticed."""

    async def tell() -> None:
        while True:
            _tell_load(engine, room.stage)
            await room.clock.sleep(_LOAD_SECONDS)

    telling = asyncio.create_task(tell(), name="earmark engine load")
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        _tell_load(engine, room.stage)


def _tell_load(engine: Engine, report: StageReport) -> None:
    load = engine.recognizer.load
    report.counters["recognition_real_time_factor"] = round(load.real_time_factor, 3)
    report.counters["recognition_busy_ratio"] = round(load.busy, 3)
    report.counters["recognizer_restarts"] = load.restarts


def _as_client(settings: EngineSettings, url: str, token: str) -> Any:
    """The same settings for the client's side of the line."""
    from earmark_symbl.api import SymblSettings

    own = ("insight_types", "confidence_threshold", "language_code", "timezone_offset", "custom_vocabulary")
    flags = ("sentiment", "detect_entities", "interim_results")
    asked: dict[str, Any] = {name: getattr(settings, name) for name in (*own, *flags)}
    asked["speaker"] = {"name": settings.speaker}
    asked["trackers"] = msgspec.to_builtins(settings.trackers)
    asked["redaction"] = {"redaction_string": "*****"} if settings.redact else None
    client = msgspec.convert(asked, SymblSettings)
    return msgspec.structs.replace(client, url=url, token=Secret(token))
