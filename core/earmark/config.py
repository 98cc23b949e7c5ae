"""The configuration: `earmark.toml`, the environment and flags, decoded into typed settings.

Searched in this order: `--config`, `$EARMARK_CONFIG`, `./earmark.toml`, `$XDG_CONFIG_HOME/earmark/earmark.toml`,
`/etc/earmark/earmark.toml`. Over the file go `EARMARK_*` variables, and over those flags (`--set table.key=value`).
Reading it knows no plugin: each plugin's table is decoded when its offer is at hand.
"""

from __future__ import annotations

import difflib
import logging
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from earmark.core_settings import ConversationSettings as ConversationSettings
from earmark.core_settings import Settings as Settings
from earmark.core_settings import SpoolSettings as SpoolSettings
from earmark.decoding import Decoder
from earmark.errors import SettingsError
from earmark.host import Host, Kind, Offered
from earmark.tables import Given, Table, nearest, origin_of, put, table_of

CORE_KEYS = frozenset(Settings.__struct_fields__)
FILE_NAME = "earmark.toml"
_ALIASES = {"EARMARK_STATE_FOLDER": "EARMARK_STATE", "EARMARK_RUNTIME_FOLDER": "EARMARK_RUNTIME"}
_LISTS = {Kind.FILTER: "filters", Kind.ENRICHER: "enrichers", Kind.SINK: "sinks", Kind.SERVICE: "services"}

_OTHER_VARIABLES = {"EARMARK_CONFIG", "EARMARK_DEBUG"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """An offer that the configuration chose, with its settings."""

    offered: Offered
    settings: msgspec.Struct
    argument: str | None = None
    """What followed the name, as in `file:talk.wav`."""


class Config:
    """What the owner set, and where."""

    def __init__(self, path: Path | None, decoder: Decoder) -> None:
        self.path = path
        self._decoder = decoder
        tables = {
            key for table in (decoder.file, decoder.flags) for key, below in table.items() if isinstance(below, dict)
        }
        self.settings = decoder.decode(Settings, (), also=tables - CORE_KEYS)

    @classmethod
    def load(cls, path: Path | None, *, environ: Mapping[str, str], assignments: Sequence[str] = ()) -> Config:
        """Read the configuration; raises `SettingsError`."""
        path = find_file(path, environ)
        file = _read(path) if path else {}
        flags: Table = {}
        for assignment in assignments:
            _assign(flags, assignment)
        return cls(
            path,
            Decoder(
                file=file,
                flags=flags,
                environ=environ,
                folder=Path.cwd(),
                aliases=_ALIASES,
                name=str(path or "settings"),
            ),
        )

    @property
    def origins(self) -> Mapping[tuple[str, ...], str]:
        """Where each setting that was decoded so far came from; what is not in it has its default."""
        return self._decoder.origins

    @property
    def secrets(self) -> set[Any]:
        """Every secret that was decoded so far, for whoever must keep them out of a log."""
        return self._decoder.secrets

    @property
    def secret_files(self) -> set[Path]:
        """The files that secrets were read from."""
        return self._decoder.secret_files

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment that it was read with."""
        return self._decoder.environ

    def settings_for(self, offered: Offered, **overrides: object) -> Any:
        """The settings of an offer, out of the table of its name; raises `SettingsError`."""
        decoder = self._decoder
        if overrides:
            below = decoder.flags.get(offered.name)
            table: Table = {**below} if isinstance(below, dict) else {}
            table.update({key: self._given(value) for key, value in overrides.items()})
            decoder = replace(decoder, flags={**decoder.flags, offered.name: table})
        return decoder.decode(offered.offer.settings, (offered.name,), also=offered.shared_keys)

    def chosen(self, host: Host, kind: Kind) -> list[Chosen]:
        """What the configuration names for a kind of stage, in its order, with decoded settings."""
        names = self._choices(kind)
        for name in names:
            if names.count(name) > 1:
                raise SettingsError(f'{self._origin(kind)}: "{name}" is named twice; name it once')
        return [self.choose(host, kind, name) for name in names]

    def choose(self, host: Host, kind: Kind, text: str) -> Chosen:
        """The offer that a text such as `file:talk.wav` names, with decoded settings."""
        name, separator, argument = text.partition(":")
        offered = host.find(kind, name)
        if not separator:
            return Chosen(offered, self.settings_for(offered))
        if not offered.offer.argument:
            raise SettingsError(
                f'{self._origin(kind)}: the {kind} "{name}" takes nothing after a colon; set [{name}] instead'
            )
        origin = self._origin(kind)
        given = Given(argument, origin, self._folder(origin))
        return Chosen(offered, self.settings_for(offered, **{offered.offer.argument: given}), argument)

    def names(self, kind: Kind) -> list[str]:
        """What is named for a kind of stage, without what follows a colon."""
        return [text.partition(":")[0] for text in self._choices(kind)]

    def with_stage(self, kind: Kind | str, *texts: str) -> Config:
        """The same configuration with other stages of a kind, such as `--source file:talk.wav` names."""
        key = _LISTS.get(Kind(kind), str(kind))
        value: object = list(texts) if key in _LISTS.values() else texts[-1]
        given = Given(value, f"--{kind}", self._decoder.folder)
        return Config(self.path, replace(self._decoder, flags={**self._decoder.flags, key: given}, origins={}))

    def check(self, host: Host) -> None:
        """Look at every table before anything opens; raises `SettingsError` for one that is wrong or nobody's.

        While a plugin is disabled or broken, a table may be its own: then nobody's table is only warned of.
        """
        self._check_tables(host)
        for offered in host.all_offers():
            self._decoder.decode(offered.offer.settings, (offered.name,), also=offered.shared_keys, partial=True)
        self._check_variables()

    def _check_variables(self) -> None:
        known = self._decoder.variables | _OTHER_VARIABLES
        for name in sorted(name for name in self.environ if name.startswith("EARMARK_") and name not in known):
            near = difflib.get_close_matches(name, known, n=1)
            _log.warning("The variable %s sets nothing%s", name, f"; did you mean {near[0]}?" if near else "")

    def _check_tables(self, host: Host) -> None:
        known = {offered.name for offered in host.all_offers()} | {plugin.name for plugin in host.plugins}
        given = {**self._decoder.file, **self._decoder.flags}
        for name in given.keys() - known - CORE_KEYS:
            hint = nearest(name, known | CORE_KEYS)
            message = f"{origin_of(given[name])}: [{name}]: no plugin has such settings{hint}"
            if not (absences := host.absences()):
                raise SettingsError(f'{message} ("earmark plugins" lists what there is)')
            _log.warning("%s %s", message, absences.strip())

    def _given(self, value: object) -> Given:
        if isinstance(value, Given):
            return value
        return Given(value, "command line", self._decoder.folder, text=isinstance(value, str))

    def _choices(self, kind: Kind) -> tuple[str, ...]:
        value = getattr(self.settings, _LISTS.get(kind, str(kind)))
        return (value,) if isinstance(value, str) else tuple(value)

    def _origin(self, kind: Kind) -> str:
        return self.origins.get((_LISTS.get(kind, str(kind)),), self._decoder.name)

    def _folder(self, origin: str) -> Path:
        return self.path.parent.absolute() if self.path and origin == str(self.path) else self._decoder.folder


def find_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file that counts; raises `SettingsError` if one that was named is not there."""
    named = path or (Path(environ["EARMARK_CONFIG"]) if environ.get("EARMARK_CONFIG") else None)
    if named:
        named = named.expanduser()
        if not named.exists():
            by = "--config" if path else "EARMARK_CONFIG"
            raise SettingsError(f'{named}: there is no such file ({by} names it); "earmark init" writes one')
        return named
    return next((candidate for candidate in places(environ) if candidate.is_file()), None)


def places(environ: Mapping[str, str]) -> list[Path]:
    """Where a configuration file is looked for, if none is named."""
    home = Path(environ["XDG_CONFIG_HOME"]) if environ.get("XDG_CONFIG_HOME") else Path("~/.config").expanduser()
    return [Path(FILE_NAME), home / "earmark" / FILE_NAME, Path("/etc/earmark") / FILE_NAME]


def _read(path: Path) -> Table:
    try:
        return table_of(tomllib.loads(path.read_text("utf-8")), str(path), path.parent.absolute())
    except OSError as error:
        raise SettingsError(f"{path}: the file cannot be read ({error.strerror}); check its permissions") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: this is not text in UTF-8; write it anew, or save it as UTF-8") from None
    except RecursionError:
        raise SettingsError(f"{path}: lists or tables are nested too deeply") from None
    except ValueError as error:
        raise SettingsError(f"{path}: this is not TOML: {error}") from None


def _assign(flags: Table, assignment: str) -> None:
    name, separator, value = assignment.partition("=")
    path = [part.strip() for part in name.split(".")]
    if not separator or not all(path):
        raise SettingsError(f"--set {name.split()[0] if name.split() else ''}: write it as --set table.key=value")
    put(flags, path, Given(value.strip(), "--set", Path.cwd(), text=True))
