"""`earmark plugins`: what is installed, what it offers, how it is set, what is broken and why."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import click
import msgspec

from earmark.cli.context import App, pass_app, print_json
from earmark.describe import Setting, settings_of
from earmark.errors import EarmarkError, SettingsError
from earmark.events import StageStatus
from earmark.host import Host, Offered, Plugin
from earmark.tables import nearest, variable

_WIDTH = 100
Stages: TypeAlias = Mapping[tuple[str, str], StageStatus]


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Write it for a program to read.")
@pass_app
def plugins(app: App, name: str | None, as_json: bool) -> int:
    """What is installed, what it offers, and how it is set.

    With the NAME of a plugin, or of something that one offers: every setting with its type and default.
    """
    host = app.host
    stages = _running(app)
    if not name:
        shown: list[dict[str, Any]] = [_facts(plugin, stages) for plugin in host.plugins]
        print_json(shown) if as_json else click.echo("\n".join(_listing(host, stages)))
        return 0
    found = _named(host, name)
    if as_json:
        print_json([{**_facts(plugin, stages), "settings": [_settings(o) for o in offers]} for plugin, offers in found])
    else:
        click.echo("\n".join(line for plugin, offers in found for line in _details(plugin, offers)))
    return 1 if any(plugin.state == "broken" for plugin, _ in found) else 0


def _named(host: Host, name: str) -> list[tuple[Plugin, list[Offered]]]:
    for plugin in host.plugins:
        if plugin.name == name:
            return [(plugin, list(plugin.offers))]
    found = [(plugin, [o for o in plugin.offers if o.name == name]) for plugin in host.plugins]
    found = [(plugin, offers) for plugin, offers in found if offers]
    if not found:
        known = {plugin.name for plugin in host.plugins} | {offered.name for offered in host.all_offers()}
        raise SettingsError(
            f'There is no plugin and no offer called "{name}"{nearest(name, known)} ({", ".join(known)})'
        )
    return found


def _running(app: App) -> dict[tuple[str, str], StageStatus]:
    """How the stages of the room's listener are doing; empty where nobody listens."""
    from earmark import door
    from earmark.cli.mute import ask

    try:
        status = ask(app, door.GetStatus(by="cli"))
    except EarmarkError:
        return {}
    return {(stage.kind, stage.name): stage for stage in status.stages}


def _in_words(stage: StageStatus) -> str:
    """How a running stage is doing, in a line."""
    counted = {"failures": stage.failures, "refused": stage.refused, "delivered": stage.delivered, **stage.counters}
    told = [stage.state, *(f"{value:g} {name}" for name, value in counted.items() if value)]
    return ", ".join(told) + (f": {stage.reason}" if stage.reason else "")


def _listing(host: Host, stages: Stages) -> Iterator[str]:
    width = max((len(plugin.name) for plugin in host.plugins), default=0)
    for plugin in host.plugins:
        source = f"{plugin.dist} {plugin.version}" if plugin.dist else "not installed"
        yield f"{plugin.name:{width}}  {plugin.state:8}  {source} ({plugin.origin})"
        indent = " " * (width + 2)
        if plugin.reason:
            yield textwrap.fill(plugin.reason, _WIDTH, initial_indent=indent, subsequent_indent=indent)
        for offered in plugin.offers:
            yield f"{indent}{offered.kind:10}  {offered.name:12}  {offered.offer.help}"
            if stage := stages.get((offered.kind, offered.name)):
                yield f"{indent}{'':10}  {'':12}  now {_in_words(stage)}"
        for command in plugin.commands:
            yield f"{indent}{'command':10}  {command.name:12}  {command.help}"
    if not host.plugins:
        yield "No plugins are installed."


def _details(plugin: Plugin, offers: list[Offered]) -> Iterator[str]:
    yield f"{plugin.name}: {plugin.state}" + (f" ({plugin.reason})" if plugin.reason else "")
    if plugin.dist:
        yield f"from {plugin.dist} {plugin.version}, {plugin.origin}"
    for offered in offers:
        yield ""
        yield f"{offered.kind} {offered.name}: {offered.offer.help}"
        if offered.offer.argument:
            yield f"  {offered.name}:VALUE sets {offered.offer.argument}"
        settings = list(settings_of(offered.offer.settings))
        yield f"  [{offered.name}]" if settings else "  nothing to set"
        for setting in settings:
            yield from _setting_lines(setting)
    for command in plugin.commands:
        yield ""
        yield f"earmark {command.name}: {command.help}"


def _setting_lines(setting: Setting) -> Iterator[str]:
    default = "required" if setting.required else f"default {setting.toml}" if setting.toml else "not set"
    yield f"  {setting.key}: {setting.type}, {default}"
    if setting.help:
        yield textwrap.fill(setting.help, _WIDTH, initial_indent="      ", subsequent_indent="      ")


def _facts(plugin: Plugin, stages: Stages) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "state": plugin.state,
        "reason": plugin.reason,
        "distribution": plugin.dist,
        "version": plugin.version,
        "origin": plugin.origin,
        "offers": [
            {
                "kind": o.kind,
                "name": o.name,
                "help": o.offer.help,
                "running": msgspec.to_builtins(stages[o.kind, o.name]) if (o.kind, o.name) in stages else None,
            }
            for o in plugin.offers
        ],
        "commands": [{"name": command.name, "help": command.help} for command in plugin.commands],
    }


def _settings(offered: Offered) -> dict[str, Any]:
    return {
        "offer": offered.name,
        "kind": offered.kind,
        "argument": offered.offer.argument or None,
        "keys": [
            {
                "key": setting.key,
                "type": setting.type,
                "default": setting.default,
                "required": setting.required,
                "secret": setting.secret,
                "variable": variable((offered.name, *setting.key.split("."))),
                "help": setting.help,
            }
            for setting in settings_of(offered.offer.settings)
        ],
    }
