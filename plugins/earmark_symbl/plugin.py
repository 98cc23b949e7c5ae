"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager

from earmark.hookspecs import Check, Offer, Transport, hookimpl
from earmark.room import Room
from earmark_symbl.settings import SymblSettings


def _open_transport(settings: SymblSettings, room: Room) -> AbstractAsyncContextManager[Transport]:
    from earmark_symbl.transport import open_symbl

    return open_symbl(settings, room)


def _open_check(settings: SymblSettings, room: Room) -> AbstractAsyncContextManager[Check]:
    from earmark_symbl.check import open_check

    return open_check(settings, room)


@hookimpl
def earmark_transports() -> Iterable[Offer[Transport]]:
    """A service that speaks Symbl's protocol."""
    yield Offer(
        "symbl",
        "Be heard by a Symbl-compatible service at a url, such as `earmark serve` on another machine.",
        _open_transport,
        settings=SymblSettings,
        argument="url",
    )


@hookimpl
def earmark_checks() -> Iterable[Offer[Check]]:
    """Whether that service can be reached and takes the token."""
    yield Offer("symbl", "Reach the service, and have it accept the token.", _open_check, settings=SymblSettings)
