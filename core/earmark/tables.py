"""Tables of settings as they were given: in a file, as flags, in the environment; each value knows its origin."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Given:
    """A value as it was given, and where."""

    value: object = field(repr=False)
    origin: str
    """Such as `/etc/earmark/earmark.toml`, `EARMARK_ROOM` or `--set`."""
    folder: Path
    """What a relative path in it is relative to."""
    text: bool = False
    """Whether it came as text (a flag, the environment), which may mean itself or be TOML."""


Table: TypeAlias = "dict[str, Given | Table]"


def table_of(values: Mapping[str, Any], origin: str, folder: Path) -> Table:
    """A table of a file, with its origin at every value."""
    return {
        key: table_of(value, origin, folder) if isinstance(value, dict) else Given(value, origin, folder)
        for key, value in values.items()
    }


def put(table: Table, path: Iterable[str], given: Given) -> None:
    """Set one value deep in a table."""
    *parents, key = path
    for parent in parents:
        below = table.get(parent)
        if not isinstance(below, dict):
            below = table[parent] = {}
        table = below
    table[key] = given


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` where something known is near, else nothing."""
    found = difflib.get_close_matches(name.lower(), sorted(known), n=1, cutoff=0.6)
    return f'; did you mean "{found[0]}"?' if found else ""


def variable(path: Iterable[str]) -> str:
    """The environment variable of a setting: `EARMARK_MQTT_HOST` for `mqtt.host`."""
    return "EARMARK_" + "_".join(path).upper().replace("-", "_")


def place(path: Iterable[str], key: str, origin: str = "settings") -> str:
    """Where a setting stands, for an error: file, table and key."""
    return f"{origin}: {table_name(path)}{key}"


def table_name(path: Iterable[str]) -> str:
    """A table's name as it stands in the file, with a space after it; nothing for the top level."""
    name = ".".join(path)
    return f"[{name}] " if name else ""


def origin_of(node: Given | Table) -> str:
    """Where a value or a table was given."""
    found = first_given(node)
    return found.origin if found else "settings"


def first_given(node: Given | Table) -> Given | None:
    """The first value in a table, or the value itself."""
    if isinstance(node, Given):
        return node
    return next((given for below in node.values() if (given := first_given(below))), None)


def plain(node: Given | Table) -> Any:
    """The values without their origins."""
    return next(readings(node)) if isinstance(node, Given) else {key: plain(below) for key, below in node.items()}


_LIST = re.compile(r"\s*,\s*")


def readings(given: Given) -> Iterator[object]:
    """What a text may mean: TOML, itself, or a list with commas."""
    if not given.text or not isinstance(given.value, str):
        yield given.value
        return
    try:
        parsed = tomllib.loads(f"value = {given.value}")
    except (ValueError, RecursionError):
        parsed = {}
    if set(parsed) == {"value"}:
        yield parsed["value"]
    yield given.value
    yield [part for part in _LIST.split(given.value.strip()) if part]
