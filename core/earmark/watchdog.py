"""Notices that the event loop is held up, and by whom: one plugin that blocks makes the whole room deaf.

A thread looks whether the loop still ticks. When it does not, the innermost frame of the loop's own thread that belongs
to a plugin tells who is to blame. The name is logged while the loop is still held, since it may never come back.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Blocked:
    """Who held up the loop, where, and for how long so far."""

    plugin: str | None
    """None where no plugin's code was at work."""
    place: str
    seconds: float

    @property
    def sentence(self) -> str:
        """The same for people."""
        who = f'The plugin "{self.plugin}"' if self.plugin else "Something"
        return (
            f"{who} held up the whole room for {self.seconds:.1f} s at {self.place}: nothing may block the event loop; "
            "use asyncio, or asyncio.to_thread for what cannot be awaited."
        )


class Watchdog:
    """Watches one event loop."""

    def __init__(
        self,
        packages: Callable[[], Mapping[str, str]],
        tell: Callable[[Blocked], None],
        *,
        limit_seconds: float = 1.0,
    ) -> None:
        """`packages` names the plugin of each package; `tell` is called in the loop once it goes on."""
        self._packages = packages
        self._tell = tell
        self._limit = limit_seconds
        self._ticked = time.monotonic()
        self._found: Blocked | None = None
        self._over = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the running loop."""
        loop = asyncio.get_running_loop()
        self._over.clear()
        self._tick(loop)
        looking = threading.Thread(
            target=self._look, args=(threading.get_ident(),), name="earmark watchdog", daemon=True
        )
        looking.start()
        try:
            yield
        finally:
            self._over.set()
            looking.join(self._limit)
            self._settle()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._settle()
        self._ticked = time.monotonic()
        if not self._over.is_set():
            loop.call_later(self._limit / 5, self._tick, loop)

    def _settle(self) -> None:
        """Tell what was found while the loop was held."""
        found, self._found = self._found, None
        if found is not None:
            self._tell(Blocked(found.plugin, found.place, time.monotonic() - self._ticked))

    def _look(self, thread: int) -> None:
        while not self._over.wait(self._limit / 5):
            since, held = self._ticked, time.monotonic() - self._ticked
            if held < self._limit or (self._found is not None and self._found.plugin):
                continue
            plugin, place = owner(sys._current_frames().get(thread), self._packages())  # noqa: SLF001 - documented
            if since == self._ticked:  # the loop has not gone on while we looked
                known = self._found is not None
                self._found = Blocked(plugin, place, held)
                if plugin or not known:
                    _log.log(logging.WARNING if plugin else logging.INFO, "%s", self._found.sentence)


def owner(frame: FrameType | None, packages: Mapping[str, str]) -> tuple[str | None, str]:
    """The plugin whose code is innermost in a stack, and where in it; else the innermost place of all."""
    innermost = "an unknown place" if frame is None else _place(frame)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        for package, plugin in packages.items():
            if name == package or name.startswith(f"{package}."):
                return plugin, _place(frame)
        frame = frame.f_back
    return None, innermost


def _place(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} ({frame.f_code.co_name})"
