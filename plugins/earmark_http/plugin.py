"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager

from earmark.hookspecs import Check, Offer, Service, hookimpl
from earmark.room import Room
from earmark_http.settings import HttpSettings


def _open_http(settings: HttpSettings, room: Room) -> AbstractAsyncContextManager[Service]:
    from earmark_http.server import open_http

    return open_http(settings, room)


def _open_check(settings: HttpSettings, room: Room) -> AbstractAsyncContextManager[Check]:
    from earmark_http.check import open_check

    return open_check(settings, room)


@hookimpl
def earmark_services() -> Iterable[Offer[Service]]:
    """The local API."""
    yield Offer(
        "http",
        "Watch and control the listener over HTTP: events, status, search, health and metrics.",
        _open_http,
        settings=HttpSettings,
        argument="port",
    )


@hookimpl
def earmark_checks() -> Iterable[Offer[Check]]:
    """Whether the local API answers, and how safe it is."""
    yield Offer("http", "Whether the local API answers, and how safe it is.", _open_check, settings=HttpSettings)
