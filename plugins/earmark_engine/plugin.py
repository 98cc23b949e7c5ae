"""What the engine offers to Earmark: the transport `engine`, the command `serve`, recognisers and detectors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from earmark.hookspecs import Check, CommandOffer, NoSettings, Offer, Transport, hookimpl
from earmark.room import Room
from earmark_engine.check import open_check
from earmark_engine.recognizers.offers import offers
from earmark_engine.recognizers.types import Recognizer
from earmark_engine.transport import EngineSettings, open_engine_transport

if TYPE_CHECKING:
    import click

    from earmark_engine.hookspecs import DetectorMaker


@hookimpl
def earmark_transports() -> Iterable[Offer[Transport]]:
    """The engine of the room's own."""
    yield Offer(
        "engine",
        "Hear with the engine on this machine; nothing leaves it",
        open_engine_transport,
        settings=EngineSettings,
    )


@hookimpl
def earmark_checks() -> Iterable[Offer[Check]]:
    """Whether the engine starts."""
    yield Offer("engine", "Start the engine, and connect to it.", open_check, settings=EngineSettings)


@hookimpl
def earmark_recognizers() -> Iterable[Offer[Recognizer]]:
    """The recognisers that come along."""
    return offers()


@hookimpl
def earmark_detectors() -> Iterable[Offer[DetectorMaker]]:
    """What finds questions, action items and follow-ups."""
    yield Offer("linear", "Find questions, action items and follow-ups with small models", open_linear)


@hookimpl
def earmark_commands() -> Iterable[CommandOffer]:
    """`earmark serve`."""
    yield CommandOffer("serve", "Run the engine for other machines and for Symbl's own SDKs.", load_serve)


@asynccontextmanager
async def open_linear(settings: NoSettings, room: Room) -> AsyncIterator[DetectorMaker]:
    """The detector that comes along."""
    del settings, room
    from earmark_engine.insights.marker import LinearDetector

    yield LinearDetector


def load_serve() -> click.Command:
    """The command `serve`."""
    from earmark_engine.command import serve

    return serve
