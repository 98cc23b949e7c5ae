"""Typed settings out of tables, flags and the environment, and errors that a person can act on.

For each setting the first of these counts: a flag, the environment, a systemd credential, the file, the default.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from earmark.errors import SettingsError
from earmark.settings import Secret
from earmark.tables import (
    Given,
    Table,
    first_given,
    nearest,
    origin_of,
    place,
    plain,
    readings,
    table_name,
    table_of,
    variable,
)

S = TypeVar("S", bound=msgspec.Struct)


@dataclass
class Decoder:
    """Decodes tables into structs; remembers where each value came from, and which secrets it saw."""

    file: Table
    flags: Table
    environ: Mapping[str, str]
    folder: Path
    """What a relative path in a flag or in the environment is relative to."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables, by the name of the ordinary one."""
    name: str = "settings"
    """What an error about something that is missing names: the file, where there is one."""
    origins: dict[tuple[str, ...], str] = field(default_factory=dict)
    secrets: set[Secret] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    """The environment variables that were looked for."""
    secret_files: set[Path] = field(default_factory=set)
    """The files that secrets were read from."""

    def decode(self, kind: type[S], path: tuple[str, ...], *, also: Collection[str] = (), partial: bool = False) -> S:
        """The struct at a place in the configuration.

        Keys in `also` belong to somebody else. `partial` tries what is given and lets required settings be missing.
        """
        file, flags = self._table(self.file, path), self._table(self.flags, path)
        fields = {f.encode_name: f for f in msgspec.structs.fields(kind)}
        files = {f"{key}_file" for key, spec in fields.items() if holds_secret(spec.type)}
        self._check_keys(fields, path, (file, flags), {*also, *files})
        values: dict[str, Any] = {}
        for key, spec in fields.items():
            found = self._value(spec.type, (*path, key), file, flags)
            if found is not msgspec.UNSET:
                values[spec.name] = found
            elif spec.required and not partial:
                raise SettingsError(
                    f"{place(path, key, self.name)}: this setting is missing; {self._where_to_set(path, key)}"
                )
        if partial and any(f.required and f.name not in values for f in fields.values()):
            return msgspec.UNSET  # type: ignore[return-value]  # nobody asked for a whole one
        return self._build(kind, path, values)

    def _build(self, kind: type[S], path: tuple[str, ...], values: dict[str, Any]) -> S:
        try:
            return kind(**values)
        except (ValueError, TypeError) as error:
            key = str(error).partition(":")[0]
            origin = self.origins.get((*path, key)) or next(
                (where for found, where in self.origins.items() if found[: len(path)] == path), self.name
            )
            raise SettingsError(f"{origin}: {table_name(path)}{self._hide(str(error))}") from None

    def _table(self, root: Table, path: tuple[str, ...]) -> Table:
        table = root
        for depth, key in enumerate(path, 1):
            below = table.get(key, {})
            if isinstance(below, Given):
                raise SettingsError(
                    f'{below.origin}: "{key}" is a table; write [{".".join(path[:depth])}] and its settings below it'
                )
            table = below
        return table

    def _check_keys(
        self, fields: Collection[str], path: tuple[str, ...], tables: Iterable[Table], also: Collection[str]
    ) -> None:
        for table in tables:
            for key, value in table.items():
                if key in fields or key in also:
                    continue
                raise SettingsError(
                    f"{place(path, key, origin_of(value))}: there is no such setting{nearest(key, fields)}"
                )

    # -- one value ------------------------------------------------------------------------------------------------

    def _value(self, kind: Any, path: tuple[str, ...], file: Table, flags: Table) -> Any:
        struct = struct_in(kind)
        if struct:
            self._table(self.file, path), self._table(self.flags, path)
            if path[-1] not in file and path[-1] not in flags and not self._in_environment(path):
                return msgspec.UNSET
            return self.decode(struct, path)
        for given in self._candidates(kind, path, file, flags):
            self.origins[path] = given.origin
            return self._convert(given, kind, path)
        return msgspec.UNSET

    def _in_environment(self, path: tuple[str, ...]) -> bool:
        prefix = variable(path) + "_"
        return any(name.startswith(prefix) for name in self.environ)

    def _candidates(self, kind: Any, path: tuple[str, ...], file: Table, flags: Table) -> Iterator[Given]:
        key = path[-1]
        secret = holds_secret(kind)
        for table in (flags, self._environment(path, secret=secret), file):
            value, by_file = table.get(key), table.get(f"{key}_file") if secret else None
            if value is not None and by_file is not None:
                raise SettingsError(
                    f'{place(path[:-1], key, origin_of(value))}: "{key}" and "{key}_file" are both set; keep one'
                )
            if by_file is not None:
                yield self._read_secret(by_file, path)
            if value is not None:
                if secret and table is file:
                    self.secret_files.add(Path(origin_of(value)))
                yield self._merged(path, file, flags) if isinstance(value, dict) else value

    def _environment(self, path: tuple[str, ...], *, secret: bool) -> Table:
        key, name = path[-1], variable(path)
        table: Table = {}
        self.variables |= {name, self.aliases.get(name, name), f"{name}_FILE"}
        for spelled in (name, self.aliases.get(name, name)):
            if spelled in self.environ:
                table[key] = Given(self.environ[spelled], spelled, self.folder, text=True)
        if secret and f"{name}_FILE" in self.environ:
            table[f"{key}_file"] = Given(self.environ[f"{name}_FILE"], f"{name}_FILE", self.folder)
        if secret and not table and (given := self._credential(path)):
            table[key] = given
        return table

    def _credential(self, path: tuple[str, ...]) -> Given | None:
        if not self.environ.get("CREDENTIALS_DIRECTORY"):
            return None
        file = Path(self.environ["CREDENTIALS_DIRECTORY"]) / ".".join(path)
        return self._secret_in(file, f"credential {'.'.join(path)}") if file.is_file() else None

    def _read_secret(self, given: Given | Table, path: tuple[str, ...]) -> Given:
        key = f"{path[-1]}_file"
        if not isinstance(given, Given) or not isinstance(given.value, str):
            raise SettingsError(f"{place(path[:-1], key, origin_of(given))}: expected the path of a file")
        try:
            file = _path(given.value, given.folder)
            return self._secret_in(file, given.origin)
        except (SettingsError, ValueError) as error:
            raise SettingsError(f"{place(path[:-1], key, given.origin)}: {error}") from None

    def _secret_in(self, file: Path, origin: str) -> Given:
        self.secret_files.add(file)
        try:
            return Given(file.read_text("utf-8").strip("\r\n"), origin, file.parent)
        except (OSError, ValueError) as error:
            problem = error.strerror if isinstance(error, OSError) else "this is not text"
            raise SettingsError(f"{file} cannot be read ({problem}); check that it is there and yours") from None

    def _merged(self, path: tuple[str, ...], file: Table, flags: Table) -> Given:
        key = path[-1]
        below, above = ({**found} if isinstance(found := table.get(key), dict) else {} for table in (file, flags))
        first = first_given(above) or first_given(below)
        values = {**plain(below), **plain(above)}
        return Given(values, first.origin if first else "settings", first.folder if first else self.folder)

    def _convert(self, given: Given, kind: Any, path: tuple[str, ...]) -> Any:
        problem = ""
        for value in [given.value] if holds_secret(kind) else readings(given):
            try:
                return msgspec.convert(value, kind, dec_hook=lambda k, v: self._custom(k, v, given.folder))
            except msgspec.ValidationError as error:
                problem = problem or self._explain(error, kind)
        raise SettingsError(f"{place(path[:-1], path[-1], given.origin)}: {problem}")

    def _custom(self, kind: type, value: object, folder: Path) -> Any:
        if isinstance(value, kind):
            return value
        if kind is Path or kind is Secret:
            if not isinstance(value, str) or (kind is Path and (not value or "\0" in value)):
                raise ValueError("expected text" if kind is Secret else "expected a path")
            if kind is Path:
                return _path(value, folder)
            self.secrets.add(secret := Secret(value))
            return secret
        try:
            return kind(value)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise ValueError(str(error) or f"this is no {kind.__name__}") from None

    def _explain(self, error: msgspec.ValidationError, kind: Any) -> str:
        message, _, where = str(error).partition(" - at `$")
        options = ", ".join(f'"{option}"' for option in options_of(kind))
        if options and not where:
            message = f"expected one of {options}"
        message = _UNKNOWN.sub(r'there is no such setting as "\1"', _MISSING.sub(r'"\1" is missing', message))
        for name, words in _WORDS.items():
            message = message.replace(f"`{name}`", words)
        where = "" if where.startswith("[...]") else where.rstrip("`").lstrip(".")
        return self._hide((f"{where}: " if where else "") + message[:1].lower() + message[1:])

    def _hide(self, text: str) -> str:
        for secret in self.secrets:
            if secret:
                text = text.replace(secret.reveal(), str(secret))
        return text

    def _where_to_set(self, path: tuple[str, ...], key: str) -> str:
        return f"set it in earmark.toml, with {variable((*path, key))}, or with --set {'.'.join((*path, key))}=…"


def decode_values(kind: type[S], values: Mapping[str, Any], *, table: str, origin: str, folder: Path) -> S:
    """A struct out of plain values, such as a table within a plugin's own settings; raises `SettingsError`.

    `origin` is what errors name as the file, and `folder` what relative paths are relative to.
    """
    path = tuple(table.split("."))
    below = table_of(values, origin, folder)
    for key in reversed(path):
        below = {key: below}
    return Decoder(file=below, flags={}, environ={}, folder=folder, name=origin).decode(kind, path)


_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "datetime": "a date and time",
    "date": "a date",
    "time": "a time of day",
}


def struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that a setting is a table of, if it is one."""
    for option in _options(kind):
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return option
    return None


def holds_secret(kind: Any) -> bool:
    """Whether a setting is a secret."""
    return Secret in _options(kind)


def options_of(kind: Any) -> list[object]:
    """The values that a setting may have, where they are few."""
    if typing.get_origin(kind) is typing.Literal:
        return list(typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [member.value for member in kind]
    return [value for part in typing.get_args(kind) for value in options_of(part)]


def _path(text: str, folder: Path) -> Path:
    try:
        # A dash is standard input or output by an old custom, not a file.
        return Path(text) if text == "-" else folder / Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(str(error)) from None


def _options(kind: Any) -> tuple[Any, ...]:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return typing.get_args(kind)
    return (kind,)
