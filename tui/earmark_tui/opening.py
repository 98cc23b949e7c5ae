"""From a command line to a viewer: which feed, which panels, which keys."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, cast

from earmark.cli.context import App
from earmark.cli.looking import looking, summary_of
from earmark.clock import SystemClock
from earmark.errors import EarmarkError, SettingsError
from earmark.host import Host
from earmark.paths import runtime_folder, state_folder
from earmark_tui import hookspecs
from earmark_tui.api import PanelOffer
from earmark_tui.app import Viewer
from earmark_tui.feeds import Feed
from earmark_tui.feeds.local import LocalFeed
from earmark_tui.feeds.replay import ReplayFeed, demo_recording, read_file
from earmark_tui.keys import NAMES
from earmark_tui.memory import chosen_keys, config_folder, recall

_TOKEN_VARIABLE = "EARMARK_HTTP_TOKEN"  # noqa: S105 - the name of a variable
_MEMORY_FOLDER = "viewer"
_SCREENSHOT_SECONDS = 10.0


def calm_collector() -> None:
    """Have Python look for cycles less often.

    A day of talk is hundreds of thousands of small objects without a cycle; looking through them again and again would
    take longer than loading them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


@dataclass(frozen=True)
class Wanted:
    """What is to be watched, as the command line says it."""

    connect: tuple[str, ...] = ()
    token_file: Path | None = None
    mqtt: bool = False
    replay: str | None = None
    demo: bool = False
    speed: float = 1.0
    at_seconds: float = 0.0


async def watch(app: App, wanted: Wanted, *, screenshot: Path | None, size: tuple[int, int]) -> None:
    """Watch until one leaves, or write a picture of the screen."""
    calm_collector()
    feed = await _feed(app, wanted)
    viewer = viewer_for(app, feed, local=not wanted.connect and not wanted.mqtt)
    if screenshot is not None:
        await _draw(viewer, feed, screenshot, size)
        return
    if not sys.stdout.isatty():
        raise EarmarkError("The viewer needs a terminal; `earmark status` and `earmark history` write plain text")
    await viewer.run_async()
    if viewer.return_code:
        raise EarmarkError("The viewer failed; the listener is not disturbed by it")


def viewer_for(app: App, feed: Feed, *, local: bool = True, stops: bool = False, room: str = "") -> Viewer:
    """A viewer with the user's keys, colours and panels."""
    folder = state_folder(app.config.settings, app.environ) / _MEMORY_FOLDER
    return Viewer(
        feed,
        clock=SystemClock(),
        room=room or app.config.settings.room,
        memory=recall(folder),
        memory_folder=folder,
        panels=panels_of(app.host),
        keys=chosen_keys(config_folder(app.environ), NAMES),
        environ=app.environ,
        local=local,
        stops=stops,
    )


async def _feed(app: App, wanted: Wanted) -> Feed:
    if wanted.connect:
        from earmark_tui.feeds.remote import Address, RemoteFeed

        token = _token(wanted.token_file, app.environ)
        return RemoteFeed([Address.parse(text, token) for text in wanted.connect], clock=SystemClock())
    if wanted.mqtt:
        from earmark_tui.feeds.broker import broker_feed

        return broker_feed(app.config, app.host, clock=SystemClock())
    if wanted.demo:
        return _begun(ReplayFeed("kitchen", demo_recording(), clock=SystemClock(), speed=wanted.speed), wanted)
    local = local_feed(app)
    return _begun(await _replay(app, wanted, local), wanted) if wanted.replay else local


def local_feed(app: App, *, discover: bool = True) -> LocalFeed:
    """The listeners of this machine."""
    settings = app.config.settings
    return LocalFeed(
        state=state_folder(settings, app.environ),
        runtime=runtime_folder(settings, app.environ),
        room=settings.room,
        clock=SystemClock(),
        discover=discover,
    )


async def _replay(app: App, wanted: Wanted, local: LocalFeed) -> ReplayFeed:
    assert wanted.replay is not None
    path = _file(wanted.replay)
    if path is not None:
        entries = read_file(path)
        room = entries[0].event.room if entries else ""
        return ReplayFeed(room or path.stem, entries, clock=SystemClock(), speed=wanted.speed)
    async with looking(app) as journal:
        summary = await summary_of(journal, wanted.replay)
        found = await journal.of_conversation(summary.id)
    return ReplayFeed(app.config.settings.room, found, clock=SystemClock(), speed=wanted.speed, live=local)


def _file(name: str) -> Path | None:
    """The file that is meant, if none of the conversations is."""
    path = Path(name).expanduser()
    return path if path.suffix == ".jsonl" or path.is_file() else None


def _begun(feed: ReplayFeed, wanted: Wanted) -> ReplayFeed:
    if wanted.at_seconds:
        feed.seek(wanted.at_seconds)
    return feed


def _token(path: Path | None, environ: Mapping[str, str]) -> str:
    if path is None:
        return environ.get(_TOKEN_VARIABLE, "")
    try:
        return path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--token-file {path}: the file cannot be read ({error})") from error


def panels_of(host: Host) -> list[PanelOffer]:
    """The panels that plugins add; one that cannot be listed is left out, and told of on its plugin's behalf."""
    if not hasattr(host.manager.hook, "earmark_panels"):
        host.manager.add_hookspecs(hookspecs)
    found: dict[str, PanelOffer] = {}
    for hook in host.manager.hook.earmark_panels.get_hookimpls():
        try:
            listed = cast("Iterable[object]", hook.function())
            offers = [offer for offer in listed if isinstance(offer, PanelOffer)]
        except Exception as error:  # a plugin may raise anything
            offers = [_broken(hook.plugin_name, error)]
        for offer in offers:
            found.setdefault(offer.name, offer)
    return list(found.values())


def _broken(plugin: str, error: Exception) -> PanelOffer:
    def fail() -> NoReturn:
        raise error

    return PanelOffer(name=f"broken-{len(plugin)}", title=plugin, make=fail)


async def _draw(viewer: Viewer, feed: Feed, path: Path, size: tuple[int, int]) -> None:
    """Write what the screen would show, once there is something to be seen."""
    if isinstance(feed, ReplayFeed):
        feed.toggle()
    async with viewer.run_test(size=size) as pilot:
        async with asyncio.timeout(_SCREENSHOT_SECONDS):
            while (shown := viewer.watching.shown) is None or not (shown.line.reason or shown.line.attached):
                await pilot.pause(0.05)
        await pilot.pause(0.3)
        svg = viewer.export_screenshot(title="earmark")
    _write(path, svg)


def _write(path: Path, svg: str) -> None:
    try:
        path.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise EarmarkError(f"{path}: the picture cannot be written ({error.strerror})") from error
