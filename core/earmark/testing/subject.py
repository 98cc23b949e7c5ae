"""What the conformance checks look at, and the bench that they do it on."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar

import msgspec

from earmark.audio import Frame
from earmark.bus import Bus
from earmark.clock import SystemClock
from earmark.config import CORE_KEYS, Config
from earmark.describe import plain, to_toml
from earmark.hookspecs import Offer
from earmark.host import Host, Kind, Offered
from earmark.journal import Journal
from earmark.room import Room
from earmark.tasks import at_work, left_by, unstoppable
from earmark.testing.rooms import NotedControls, room_for_tests
from earmark.testing.samples import noise
from earmark.watchdog import Blocked, Watchdog

T = TypeVar("T")
Around = Callable[[], AbstractAsyncContextManager[Mapping[str, object]]]


class Sound(Protocol):
    """Makes so many seconds of sound, from a block of a tenth of a second on."""

    def __call__(self, seconds: float, *, first: int = 0, block: int = 1600) -> list[Frame]:
        """The frames."""
        ...


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An offer of a plugin, with settings that it can be opened with."""

    plugin: object
    """The module that the entry point names."""
    offer: str
    settings: Mapping[str, object] = field(default_factory=dict)
    """As they would stand in `earmark.toml`."""
    around: Around | None = None
    """Runs what the offer talks to, such as a server; what it yields is added to the settings."""
    arrived: Callable[[], Collection[str]] | None = None
    """Sinks: the ids of the events that have arrived where the sink takes them."""
    sound: Sound = noise
    """Transports: what is said to the service, as `noise` gives it."""
    seconds: float = 20.0
    """How long a check may take."""


class Bench:
    """Where one check opens the subject, as often as it likes."""

    def __init__(self, subject: Subject, kind: Kind, folder: Path) -> None:
        self.subject = subject
        self.kind = kind
        self.folder = folder
        self.bus = Bus()
        self.controls = NotedControls()
        self.blocked: list[Blocked] = []
        self.host = Host(plugins=[("subject", subject.plugin)], discover=False, reserved=CORE_KEYS)
        self.host.load()
        self._more: Mapping[str, object] = {}

    @property
    def offered(self) -> Offered:
        """The offer as the host has it; raises what a user would be told."""
        broken = [plugin.reason for plugin in self.host.plugins if plugin.state == "broken"]
        assert not broken, f"the plugin is broken: {broken[0]}"
        return self.host.find(self.kind, self.subject.offer)

    @property
    def offer(self) -> Offer[Any]:
        """The offer itself."""
        return self.offered.offer

    def settings(self, **changed: object) -> msgspec.Struct:
        """The settings, decoded as the product decodes them."""
        given = {**self.subject.settings, **self._more, **changed}
        name = self.subject.offer
        file = self.folder / "earmark.toml"
        file.write_text("\n".join([f"[{name}]", *(f"{key} = {to_toml(plain(value))}" for key, value in given.items())]))
        config = Config.load(file, environ={})
        decoded: msgspec.Struct = config.settings_for(self.offered)
        return decoded

    def run(self, check: Callable[[Bench], Awaitable[T]]) -> T:
        """Run a check in a loop of its own, with what the subject talks to beside it."""

        async def main() -> T:
            asyncio.get_running_loop().set_task_factory(unstoppable)
            async with AsyncExitStack() as stack:
                if self.subject.around is not None:
                    self._more = await stack.enter_async_context(self.subject.around())
                self.journal = await stack.enter_async_context(
                    Journal.open(self.folder / "journal.db", clock=SystemClock())
                )
                async with asyncio.timeout(self.subject.seconds):
                    return await check(self)

        return asyncio.run(main())

    def watchdog(self, limit_seconds: float) -> Watchdog:
        """What tells whether the plugin's own code holds up the loop."""
        module = getattr(self.subject.plugin, "__name__", type(self.subject.plugin).__module__)
        package = module.rpartition(".")[0] or module
        return Watchdog(lambda: {package: self.subject.offer}, self.blocked.append, limit_seconds=limit_seconds)

    def room(self) -> Room:
        """A room for one opening."""
        return room_for_tests(
            self.folder,
            self.journal,
            kind=self.kind.value,
            name=self.subject.offer,
            bus=self.bus,
            controls=self.controls,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Any]:
        """The subject, open."""
        with at_work(self):
            context = self.offer.open(self.settings(), self.room())
            opened = await context.__aenter__()
        try:
            yield opened
        except BaseException as error:
            if not await context.__aexit__(type(error), error, error.__traceback__):
                raise
        else:
            await context.__aexit__(None, None, None)

    async def left(self) -> list[str]:
        """The names of tasks that the subject made and that do not end by themselves."""
        left = left_by(self)
        if left:
            await asyncio.wait(left, timeout=1.0)
        return sorted(task.get_name() for task in left if not task.done())


def handles() -> int:
    """How many files and sockets this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not looked at


async def threads_settled(before: int, *, seconds: float = 3.0) -> int:
    """How many threads there are, once those that end have ended; the loop's own helpers do not count."""
    for _ in range(int(seconds / 0.05)):
        if _counted() <= before:
            break
        await asyncio.sleep(0.05)
    return _counted()


def _counted() -> int:
    return sum(not thread.name.startswith(("asyncio_", "earmark")) for thread in threading.enumerate())


def module_name(plugin: object) -> str | None:
    """What can be imported, if the plugin is a module."""
    return plugin.__name__ if isinstance(plugin, ModuleType) else None
