"""What this plugin offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from earmark.hookspecs import CommandOffer, hookimpl

if TYPE_CHECKING:
    import click


def _load_tui() -> click.Command:
    from earmark_tui.command import tui

    return tui


@hookimpl
def earmark_commands() -> Iterable[CommandOffer]:
    """`earmark tui`."""
    yield CommandOffer("tui", "Watch a listener, a house of them, or a past conversation.", _load_tui)
