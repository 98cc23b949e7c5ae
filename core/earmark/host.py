"""Finds plugins, loads, blocks and lists them, and survives broken ones.

Plugins come through entry points of the group `earmark`, bundled ones like anyone's. Every hook is asked of each plugin
alone, so that one that raises spoils nothing for the others: a plugin that fails anywhere is listed with its reason and
offers nothing at all, which is easier to understand than half of it.
"""

from __future__ import annotations

import difflib
import itertools
import re
import signal
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from types import FrameType
from typing import Any, Literal

import msgspec
import pluggy

from earmark import hookspecs
from earmark.decoding import holds_secret
from earmark.errors import PluginError, SettingsError
from earmark.hookspecs import ENTRY_POINTS, PROJECT, CommandOffer, Offer

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_MOST_OFFERS = 256
_COMMANDS = "earmark_commands"
_PREFIX = "earmark_"


class Kind(StrEnum):
    """What a plugin can offer to the core."""

    SOURCE = "source"
    FILTER = "filter"
    TRANSPORT = "transport"
    ENRICHER = "enricher"
    SINK = "sink"
    SERVICE = "service"
    CHECK = "check"


@dataclass(frozen=True)
class Offered:
    """An offer, what kind of thing it is, and whose it is."""

    offer: Offer[Any]
    kind: str
    """A `Kind`, or what another package's hook asks for, such as `recognizer`."""
    plugin: str
    """The name of the plugin that has it."""
    shared_keys: frozenset[str] = frozenset()
    """Settings of the plugin's other offers of that name, which stand in the same table."""

    @property
    def name(self) -> str:
        """What users call it."""
        return self.offer.name


@dataclass(frozen=True)
class Plugin:
    """A plugin as it was found, and what became of it."""

    name: str
    dist: str | None
    """The distribution that brought it."""
    version: str | None
    origin: str
    """Where it is imported from."""
    state: Literal["loaded", "disabled", "broken"] = "loaded"
    reason: str | None = None
    """Why it is broken or disabled."""
    offers: tuple[Offered, ...] = ()
    commands: tuple[CommandOffer, ...] = ()


class Host:
    """The plugins of one process; nothing happens before `load`."""

    def __init__(
        self,
        *,
        disabled: Collection[str] = (),
        plugins: Iterable[tuple[str, object]] = (),
        reserved: Collection[str] = (),
        reserved_commands: Collection[str] = (),
        discover: bool = True,
        patience_seconds: float = 30.0,
    ) -> None:
        """`reserved` names are the core's own, so that no offer may have them; `discover=False` keeps to `plugins`.

        A plugin whose import and hooks take longer than `patience_seconds` is broken.
        """
        self.disabled = frozenset(disabled)
        self._given = tuple(plugins)
        self._reserved = frozenset(reserved)
        self._reserved_commands = frozenset(reserved_commands)
        self._discover = discover
        self._patience = patience_seconds
        self.plugins: list[Plugin] = []
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)

    def load(self) -> None:
        """Find and load every plugin; never raises for a plugin's fault."""
        for entry in sorted(_entry_points() if self._discover else (), key=_bundled_first):
            plugin = Plugin(
                name=entry.name,
                dist=entry.dist.name if entry.dist else None,
                version=entry.dist.version if entry.dist else None,
                origin=entry.value,
            )
            self._add(plugin, entry.load)
        for name, given in self._given:
            origin = getattr(given, "__name__", type(given).__name__)
            self._add(Plugin(name=name, dist=None, version=None, origin=origin), lambda given=given: given)  # type: ignore[misc]

    def offers(self, kind: str) -> list[Offered]:
        """Everything of a kind that loaded plugins offer."""
        return [offered for plugin in self.plugins for offered in plugin.offers if offered.kind == kind]

    def all_offers(self) -> list[Offered]:
        """Everything that loaded plugins offer, of every kind."""
        return [offered for plugin in self.plugins for offered in plugin.offers]

    def commands(self) -> list[CommandOffer]:
        """The further subcommands of `earmark`."""
        return [command for plugin in self.plugins for command in plugin.commands]

    def find(self, kind: str, name: str) -> Offered:
        """The offer of that name; raises `SettingsError` with what there is instead."""
        offers = {offered.name: offered for offered in self.offers(kind)}
        if name in offers:
            return offers[name]
        near = difflib.get_close_matches(name, offers, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else "."
        raise SettingsError(
            f'There is no {kind} called "{name}"{hint} {self.absences(name)}"earmark plugins" lists what there is.'
        )

    def absences(self, name: str = "") -> str:
        """Which plugins are disabled or broken, as sentences; of the plugin of that name also why."""
        absent = [plugin for plugin in self.plugins if plugin.state != "loaded"]
        if named := [plugin for plugin in absent if plugin.name == name]:
            return "".join(f'The plugin "{p.name}" is {p.state}: {(p.reason or "").rstrip(".")}. ' for p in named)
        if not absent:
            return ""
        return f"Not loaded: {', '.join(f'{p.name} ({p.state})' for p in absent)}. "

    # -- one plugin -----------------------------------------------------------------------------------------------

    def _add(self, plugin: Plugin, load: Callable[[], object]) -> None:
        if plugin.name in self.disabled:
            self.plugins.append(replace(plugin, state="disabled", reason="switched off by disable_plugins"))
            return
        try:
            with in_time(self._patience):
                self.plugins.append(self._register(plugin, load()))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise anything, SystemExit included
            self.plugins.append(replace(plugin, state="broken", reason=_reason(error)))

    def _register(self, plugin: Plugin, namespace: object) -> Plugin:
        if any(other.name == plugin.name for other in self.plugins):
            raise PluginError(f'another plugin is called "{plugin.name}" already')
        if self.manager.is_registered(namespace):
            raise PluginError(f'"{self.manager.get_name(namespace)}" is the same plugin')
        try:
            self.manager.register(namespace, name=plugin.name)
            return self._ask(plugin, namespace)
        except BaseException:
            if self.manager.is_registered(namespace):
                self.manager.unregister(namespace)
            raise

    def _ask(self, plugin: Plugin, namespace: object) -> Plugin:
        offers: list[Offered] = []
        commands: list[CommandOffer] = []
        for caller in self.manager.get_hookcallers(namespace) or ():
            for hook in (h for h in caller.get_hookimpls() if h.plugin is namespace and not h.argnames):
                _check_hook_name(caller.name)
                for item in _listed(caller.name, hook.function()):
                    if caller.name == _COMMANDS:
                        commands.append(self._checked_command(item, commands))
                    elif isinstance(item, Offer) or caller.name in _KINDS:
                        offers.append(self._checked_offer(plugin, caller.name, item, offers))
        if not self.manager.get_hookcallers(namespace):
            raise PluginError('it has no hooks; mark functions such as "earmark_sinks" with @earmark.hookimpl')
        return replace(plugin, offers=tuple(_sharing(offered, offers) for offered in offers), commands=tuple(commands))

    def _checked_offer(self, plugin: Plugin, hook: str, item: object, earlier: list[Offered]) -> Offered:
        if not isinstance(item, Offer):
            raise PluginError(f"{hook} gave a {type(item).__name__} where an earmark.Offer was expected")
        _check_offer(hook, item)
        if item.name in self._reserved:
            raise PluginError(f'{hook}: "{item.name}" is a name of the core\'s own; choose another one')
        kind = _KINDS.get(hook) or hook.removeprefix(_PREFIX).removesuffix("s")
        if any(other.name == item.name and other.kind == kind for other in earlier):
            raise PluginError(f'{hook} offers "{item.name}" twice')
        for other in self.all_offers():
            if other.name == item.name:
                raise PluginError(
                    f'{hook}: the name "{item.name}" is taken by the plugin "{other.plugin}"; '
                    "choose another one, or disable that plugin"
                )
        return Offered(offer=item, kind=kind, plugin=plugin.name)

    def _checked_command(self, item: Any, earlier: list[CommandOffer]) -> CommandOffer:
        if not isinstance(item, CommandOffer):
            raise PluginError(f"{_COMMANDS} gave a {type(item).__name__} where an earmark.CommandOffer was expected")
        name: object = item.name
        if not isinstance(name, str) or not _NAME.fullmatch(name) or not callable(item.load):
            raise PluginError(f"{_COMMANDS}: {item.name!r} is no name for a command, or it cannot be loaded")
        if name in self._reserved_commands or any(other.name == name for other in [*self.commands(), *earlier]):
            raise PluginError(f'{_COMMANDS}: there is a command "{item.name}" already; choose another name')
        return item


_KINDS: dict[str, Kind] = {f"{_PREFIX}{kind}s": kind for kind in Kind}


def _entry_points() -> Iterable[EntryPoint]:
    return entry_points(group=ENTRY_POINTS)


def _bundled_first(entry: EntryPoint) -> tuple[bool, str, str]:
    dist = entry.dist.name if entry.dist else ""
    return dist != PROJECT, entry.name, dist


def _sharing(offered: Offered, offers: list[Offered]) -> Offered:
    keys: set[str] = set()
    for other in (other for other in offers if other.name == offered.name):
        for spec in msgspec.structs.fields(other.offer.settings):
            keys |= {spec.encode_name, f"{spec.encode_name}_file"} if holds_secret(spec.type) else {spec.encode_name}
    return replace(offered, shared_keys=frozenset(keys))


def _check_hook_name(name: str) -> None:
    known = [*_KINDS, _COMMANDS]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.92)
    if near and name not in known:
        raise PluginError(f'there is no hook "{name}"; did you mean "{near[0]}"?')


def _listed(hook: str, answer: object) -> list[object]:
    if answer is None:
        return []
    if not isinstance(answer, Iterable) or isinstance(answer, str):
        raise PluginError(f"{hook} gave a {type(answer).__name__} where a list of offers was expected")
    items = list(itertools.islice(answer, _MOST_OFFERS + 1))
    if len(items) > _MOST_OFFERS:
        raise PluginError(f"{hook} gave more than {_MOST_OFFERS} offers")
    return items


def _check_offer(hook: str, offer: Offer[Any]) -> None:
    name, help_text, settings = vars(offer)["name"], vars(offer)["help"], vars(offer)["settings"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(f"{hook}: {name!r} is no name; use small letters, digits, - and _")
    if not isinstance(help_text, str) or not callable(offer.open):
        raise PluginError(f'{hook}: the offer "{name}" has no help, or cannot be opened')
    if not isinstance(settings, type) or not issubclass(settings, msgspec.Struct):
        raise PluginError(f'{hook}: the settings of "{name}" are no msgspec.Struct')
    if offer.argument and offer.argument not in settings.__struct_fields__:
        raise PluginError(f'{hook}: "{name}" takes "{offer.argument}" as its argument, which is no setting of it')


class _TookTooLong(BaseException):
    """Not an `Exception`, so that a plugin which catches those does not catch this."""


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """Break off what hangs; only the main thread can be broken off, elsewhere there is no limit."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGALRM) is not _UNUSED:
        yield
        return

    def over(_: int, frame: FrameType | None) -> None:
        place = "an unknown place" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
        raise _TookTooLong(f"it hangs while it is loaded: nothing for {seconds:g} s, at {place}")

    signal.signal(signal.SIGALRM, over)
    # Again and again, for whoever catches even that.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, _UNUSED)


_UNUSED = signal.SIG_DFL


def _reason(error: BaseException) -> str:
    if isinstance(error, PluginError | _TookTooLong):
        return str(error)
    if isinstance(error, pluggy.PluginValidationError):
        return " ".join(str(error).split("\n", 1)[-1].split()) or "it does not fit the hooks"
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
