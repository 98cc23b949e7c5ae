"""`earmark config`: the settings that count, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import click
import msgspec

from earmark.cli.context import App, pass_app, print_json
from earmark.config import Config, Settings
from earmark.describe import plain, settings_of, to_toml
from earmark.host import Host, Kind

DEFAULT = "default"


@dataclass(frozen=True)
class Row:
    """A setting as it counts."""

    table: str
    key: str
    value: object
    """A plain value; a secret is not in it."""
    origin: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write it for a program to read.")
@click.option("--set-only", is_flag=True, help="Leave out what has its default.")
@pass_app
def config(app: App, as_json: bool, set_only: bool) -> None:
    """The settings that count, and where each comes from.

    Shown are the room's own settings and those of the stages in use. Secrets are not shown.
    """
    loaded = app.config
    loaded.check(app.host)
    rows = [row for row in effective(loaded, app.host) if row.origin != DEFAULT or not set_only]
    if as_json:
        print_json([{"table": r.table, "key": r.key, "value": r.value, "origin": r.origin} for r in rows])
        return
    click.echo(f"# {loaded.path or 'no configuration file: defaults, the environment and flags'}")
    click.echo("\n".join(_lines(rows)))


def effective(loaded: Config, host: Host) -> Iterator[Row]:
    """Every setting of the room and of the stages in use."""
    yield from _rows("", loaded.settings, Settings, loaded)
    seen: set[str] = set()
    for kind in Kind:
        for chosen in loaded.chosen(host, kind) if kind is not Kind.CHECK else ():
            if chosen.offered.name not in seen:
                seen.add(chosen.offered.name)
                yield from _rows(chosen.offered.name, chosen.settings, chosen.offered.offer.settings, loaded)


def _rows(table: str, values: msgspec.Struct, struct: type[msgspec.Struct], loaded: Config) -> Iterator[Row]:
    names = {spec.encode_name: spec.name for spec in msgspec.structs.fields(struct)}
    for setting in settings_of(struct):
        first, *below = setting.key.split(".")
        value: Any = reduce(getattr, [names[first], *below], values)
        path = (*([table] if table else []), first, *below)
        head = ".".join(path[:-1])
        yield Row(head, path[-1], plain(value), loaded.origins.get(path, DEFAULT))


def _lines(rows: list[Row]) -> Iterator[str]:
    table = ""
    for row in sorted(rows, key=lambda row: row.table != ""):
        if row.table != table:
            table = row.table
            yield f"\n[{table}]"
        line = f"# {row.key} is not set" if row.value is None else f"{row.key} = {to_toml(row.value)}"
        yield f"{line:40}  # {row.origin}" if row.value is not None else line
