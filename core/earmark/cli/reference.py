"""`earmark reference`: hooks, Protocols, events, settings and commands as one document, read from the code itself."""

from __future__ import annotations

import inspect
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from enum import EnumType
from typing import Any

import click
import msgspec

from earmark import audio, errors, events, hookspecs, room
from earmark.cli.context import App, pass_app
from earmark.core_settings import Settings
from earmark.describe import field_docs, in_words, plain, settings_of, to_toml
from earmark.host import Host, Offered
from earmark.tables import variable

_HEAD = """# Reference

*Written by `earmark reference > REFERENCE.md` from the code itself; a test holds it against the code. The guide is
[PLUGINS.md](PLUGINS.md).*
"""
_OWN_HOOKS = ("earmark_tui.hookspecs", "earmark_engine.hookspecs")


@click.command(hidden=True)
@pass_app
def reference(app: App) -> None:
    """Write the reference of everything that a plugin author or a user can name."""
    click.echo("\n".join(document(app.host)))


def document(host: Host) -> Iterator[str]:
    """The lines of the document."""
    yield _HEAD
    yield from _hooks()
    yield from _protocols()
    yield from _words()
    yield from _events()
    yield from _errors()
    yield from _settings(host)
    yield from _commands(host)


def hook_specifications() -> dict[str, Any]:
    """Every hook there is, the core's and those that bundled packages add."""
    from importlib import import_module

    modules = [hookspecs, *(import_module(name) for name in _OWN_HOOKS)]
    return {
        name: found
        for module in modules
        for name, found in vars(module).items()
        if name.startswith("earmark_") and hasattr(found, "earmark_spec")
    }


def _hooks() -> Iterator[str]:
    yield "## Hooks\n"
    for name, found in hook_specifications().items():
        answer = str(inspect.signature(found).return_annotation)
        yield f"### {name}\n\n```python\n@hookimpl\ndef {name}() -> {answer}: ...\n```\n\n{inspect.getdoc(found)}\n"
    yield from _class(hookspecs.Offer)
    yield from _class(hookspecs.CommandOffer)


def _protocols() -> Iterator[str]:
    yield "## What stages do\n"
    for module in (hookspecs, room):
        for kind in vars(module).values():
            if inspect.isclass(kind) and kind.__module__ == module.__name__ and getattr(kind, "_is_protocol", False):
                yield from _class(kind)
    yield "## What a stage is handed\n"
    yield from _class(room.Room)
    yield from _class(room.StageReport)


def _words() -> Iterator[str]:
    yield "## Sound, and what goes between a room and a service\n"
    for kind in (audio.Frame, audio.Omitted, audio.Cause):
        yield from _class(kind)
    for name in ("Start", "Started", "Heard", "Confirmed", "Trouble", "Axis", "Diagnosis", "Verdict"):
        yield from _class(getattr(hookspecs, name))


def _events() -> Iterator[str]:
    yield "## Events\n"
    yield "As JSON, `type` is the word in brackets. Durable ones are journaled before any sink sees them.\n"
    for group, title in ((events.Durable, "durable"), (events.Live, "live")):
        for kind in typing.get_args(group):
            yield from _class(kind, note=f"`{kind.__struct_config__.tag}`, {title}")
    for kind in (events.Speaker, events.Sentiment, events.Word, events.StageStatus):
        yield from _class(kind)
    for values in (events.InsightKind, events.Change, events.State):
        yield from _class(values)


def _errors() -> Iterator[str]:
    yield "## Errors\n"
    yield f"```text\n{(errors.__doc__ or '').split(chr(10), 2)[-1].strip()}\n```\n"


def _settings(host: Host) -> Iterator[str]:
    yield "## Settings\n"
    yield "Of the room itself, at the top of `earmark.toml`:\n"
    yield from _table(Settings, ())
    for plugin in host.plugins:
        for offered in plugin.offers:
            yield f"### [{offered.name}]: {offered.kind} of the plugin `{plugin.name}`\n"
            yield offered.offer.help + _argument(offered) + "\n"
            yield from _table(offered.offer.settings, (offered.name,))


def _argument(offered: Offered) -> str:
    argument = offered.offer.argument
    return f" `{offered.name}:VALUE` sets `{argument}`." if argument else ""


def _table(struct: type[msgspec.Struct], path: tuple[str, ...]) -> Iterator[str]:
    settings = list(settings_of(struct))
    if not settings:
        yield "Nothing to set.\n"
        return
    yield "| key | type | default | variable | |\n|---|---|---|---|---|"
    for setting in settings:
        default = "**required**" if setting.required else f"`{setting.toml}`" if setting.toml is not None else ""
        name = variable((*path, *setting.key.split(".")))
        yield _row(f"`{setting.key}`", setting.type, default, f"`{name}`", setting.help)
    yield ""


def _commands(host: Host) -> Iterator[str]:
    from earmark.cli.main import COMMANDS

    yield "## Commands\n\n| command | |\n|---|---|"
    for name, (_, words) in COMMANDS.items():
        if name != "reference":
            yield _row(f"`earmark {name}`", words)
    for command in host.commands():
        yield _row(f"`earmark {command.name}`", command.help)
    yield ""


def _class(kind: Any, *, note: str = "") -> Iterator[str]:
    yield f"### {kind.__name__}" + (f" ({note})" if note else "") + "\n"
    yield inspect.cleandoc(kind.__doc__ or "") + "\n"
    rows = list(_values(kind) if isinstance(kind, EnumType) else _fields(kind))
    if rows:
        yield "| | | |\n|---|---|---|"
        yield from rows
        yield ""
    for name, method in vars(kind).items():
        if inspect.isfunction(method) and (not name.startswith("_") or name == "__aiter__") and method.__doc__:
            yield from _method(name, method)
        elif isinstance(method, property) and method.fget is not None:
            yield f"* `{name}`: {_line(inspect.getdoc(method) or '')}"
    yield ""


def _method(name: str, method: Any) -> Iterator[str]:
    signature = str(inspect.signature(method)).replace("(self, ", "(").replace("(self)", "()")
    word = "async " if inspect.iscoroutinefunction(method) else ""
    yield f"* `{word}{name}{signature}`: {_line(inspect.getdoc(method) or '')}"


def _values(kind: EnumType) -> Iterator[str]:
    helps = field_docs(kind)
    for value in kind:  # type: ignore[var-annotated]
        yield _row(f"`{value.value}`", "", helps.get(value.name, ""))


def _fields(kind: Any) -> Iterator[str]:
    helps = field_docs(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for spec in msgspec.structs.fields(kind):
            given = "" if spec.default is msgspec.NODEFAULT else f" = {to_toml(plain(spec.default))}"
            shown = given if spec.default is not None else ""
            yield _row(f"`{spec.encode_name}`", in_words(spec.type) + shown, helps.get(spec.name, ""))
    elif is_dataclass(kind):
        for field in fields_of(kind):
            if not field.name.startswith("_"):
                yield _row(f"`{field.name}`", f"`{field.type}`", helps.get(field.name, ""))


def _row(*cells: str) -> str:
    return "| " + " | ".join(_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _line(text: str) -> str:
    return " ".join(textwrap.dedent(text).split())
