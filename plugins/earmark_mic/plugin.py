"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from earmark.hookspecs import Check, CommandOffer, Offer, Source, hookimpl
from earmark.room import Room
from earmark_mic.settings import MicSettings
from earmark_mic.source import Microphones

if TYPE_CHECKING:
    import click


def _open_check(settings: MicSettings, room: Room) -> AbstractAsyncContextManager[Check]:
    from earmark_mic.check import open_check

    return open_check(settings, room)


def _load_devices() -> click.Command:
    from earmark_mic.command import devices

    return devices


@hookimpl
def earmark_sources() -> Iterable[Offer[Source]]:
    """The microphone."""
    yield Offer(
        "mic",
        "Hear a microphone, through losses and changes of devices.",
        Microphones().open,
        settings=MicSettings,
        argument="device",
    )


@hookimpl
def earmark_checks() -> Iterable[Offer[Check]]:
    """Whether a microphone is heard."""
    yield Offer("mic", "Whether a microphone is there, opens, and hears something.", _open_check, settings=MicSettings)


@hookimpl
def earmark_commands() -> Iterable[CommandOffer]:
    """`earmark devices`."""
    yield CommandOffer("devices", "Microphones, and a live meter to pick the right one.", _load_devices)
