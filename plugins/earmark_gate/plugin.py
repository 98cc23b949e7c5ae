"""What this plugin offers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from earmark.hookspecs import Filter, Offer, hookimpl
from earmark.room import Room
from earmark_gate.settings import GateSettings

if TYPE_CHECKING:
    from earmark_gate.gate import Gate
    from earmark_gate.model import Detector


class _Opener:
    """Opens gates, and loads the model only for the first."""

    def __init__(self) -> None:
        self._detector: Detector | None = None

    @asynccontextmanager
    async def open(self, settings: GateSettings, room: Room) -> AsyncIterator[Gate]:
        """A gate that has heard nothing yet."""
        from earmark_gate.gate import Gate
        from earmark_gate.model import load_detector

        if self._detector is None:
            self._detector = await load_detector()
        yield Gate(self._detector.fresh(), settings, room)


@hookimpl
def earmark_filters() -> Iterable[Offer[Filter]]:
    """The silence gate."""
    yield Offer(
        "gate",
        "Pass sound only while somebody speaks, from a little before to a little after.",
        _Opener().open,
        settings=GateSettings,
        on_failure="pass",
    )
