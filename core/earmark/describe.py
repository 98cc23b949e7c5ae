"""Settings in words: name, type, default and what each means, read from the structs that hold them."""

from __future__ import annotations

import ast
import inspect
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from earmark.decoding import holds_secret, options_of, struct_in
from earmark.settings import Duration, Secret


@dataclass(frozen=True)
class Setting:
    """One setting, for people."""

    key: str
    """With a dot for each table that it is in, below the offer's own."""
    type: str
    default: object
    """A plain value, None where nothing is set."""
    required: bool
    secret: bool
    help: str

    @property
    def toml(self) -> str | None:
        """The default as it would stand in the file; None where there is none."""
        return None if self.default is None else to_toml(self.default)


def settings_of(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[Setting]:
    """Every setting of a struct, those of tables in it included."""
    helps = field_docs(struct)
    for spec in msgspec.structs.fields(struct):
        key = prefix + spec.encode_name
        if below := struct_in(spec.type):
            yield from settings_of(below, f"{key}.")
            continue
        default = spec.default if spec.default is not msgspec.NODEFAULT else _made(spec.default_factory)
        yield Setting(
            key=key,
            type=in_words(spec.type),
            default=plain(default),
            required=spec.required,
            secret=holds_secret(spec.type),
            help=helps.get(spec.name, ""),
        )


@cache
def field_docs(struct: type) -> dict[str, str]:
    """The sentence after each field of a class and of those that it inherits from."""
    docs: dict[str, str] = {}
    for kind in reversed(struct.__mro__):
        if kind.__module__ not in ("builtins", "msgspec", "msgspec._core"):
            docs.update(_own_docs(kind))
    return docs


def in_words(kind: Any) -> str:
    """A type as a person would say it."""
    if typing.get_origin(kind) is typing.Annotated:
        base, *metas = typing.get_args(kind)
        return in_words(base) + "".join(_limits(meta) for meta in metas if isinstance(meta, msgspec.Meta))
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return " or ".join(in_words(part) for part in typing.get_args(kind) if part is not type(None))
    if typing.get_origin(kind) in _CONTAINERS:
        return _container(kind)
    if options := options_of(kind):
        return "one of " + ", ".join(to_toml(option) for option in options)
    return _WORDS.get(kind, getattr(kind, "__name__", str(kind)))


def plain(value: object) -> Any:
    """A default as it would be given."""
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, Duration):
        return str(value) if value else 0
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): plain(below) for key, below in value.items()}
    if isinstance(value, msgspec.Struct):
        return plain(msgspec.structs.asdict(value))
    return value if isinstance(value, float | datetime | date | time) else str(value)


def to_toml(value: object) -> str:
    """A plain value as it stands in TOML, on one line."""
    if isinstance(value, dict):
        pairs = (f"{_key(key)} = {to_toml(below)}" for key, below in value.items() if below is not None)
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(to_toml(part) for part in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, int | float):
        return str(value)
    # JSON's strings are TOML's basic strings, but for one character that JSON leaves as it is.
    return msgspec.json.encode(str(value)).decode().replace("\x7f", "\\u007f")


_CONTAINERS = (list, tuple, set, frozenset, dict)
_WORDS: dict[Any, str] = {
    dict: "table",
    list: "list",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Duration: "duration",
    Secret: "secret",
    Path: "path",
    datetime: "date and time",
    date: "date",
    time: "time of day",
    Any: "anything",
    object: "anything",
}


def _key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else to_toml(key)


def _made(factory: Any) -> Any:
    return None if factory is msgspec.NODEFAULT else factory()


def _container(kind: Any) -> str:
    parts = [part for part in typing.get_args(kind) if part is not Ellipsis]
    if typing.get_origin(kind) is dict:
        return f"table of {in_words(parts[1])}" if len(parts) == 2 else "table"
    if parts and (below := struct_in(parts[0])):
        keys = ", ".join(spec.encode_name for spec in msgspec.structs.fields(below))
        return f"list of tables with {keys}"
    return f"list of {in_words(parts[0])}" if parts else "list"


def _limits(meta: msgspec.Meta) -> str:
    limits = (("≥", meta.ge), (">", meta.gt), ("≤", meta.le), ("<", meta.lt))
    words = " and ".join(f"{sign} {value:g}" for sign, value in limits if value is not None)
    return f" {words}" if words else ""


def _own_docs(kind: type) -> dict[str, str]:
    try:
        tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind)))
    except (OSError, TypeError, SyntaxError):
        return {}
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    docs = {}
    for field, after in zip(found.body, found.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and (text := _literal(after)):
            docs[field.target.id] = " ".join(text.split())
    return docs


def _literal(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return None
