"""What commands are handed: the configuration and the host, each loaded when it is first asked for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    import logging

    from earmark.config import Config
    from earmark.host import Host
    from earmark.paths import RoomFolders

_LEVELS = ("error", "warning", "info", "debug")


class App:
    """One run of `earmark`: what was given on the command line, and what follows from it."""

    def __init__(
        self,
        *,
        config_path: Path | None = None,
        assignments: tuple[str, ...] = (),
        verbosity: int = 0,
        commands: Collection[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.config_path = config_path
        self.assignments = list(assignments)
        self.verbosity = verbosity
        self._commands = commands
        self.environ = os.environ if environ is None else environ
        self._handler: logging.Handler | None = None

    @cached_property
    def config(self) -> Config:
        """The configuration; raises `SettingsError`."""
        from earmark.config import Config

        config = Config.load(self.config_path, environ=self.environ, assignments=self.assignments)
        self._log(config, "warning")
        return config

    def forget_config(self) -> None:
        """Read the configuration anew: a plugin's command is found by it before its own options are known."""
        self.__dict__.pop("config", None)

    @cached_property
    def host(self) -> Host:
        """The host with every plugin loaded that is not disabled."""
        from earmark.config import CORE_KEYS
        from earmark.host import Host

        host = Host(disabled=self._disabled(), reserved=CORE_KEYS, reserved_commands=self._commands)
        host.load()
        return host

    @property
    def folders(self) -> RoomFolders:
        """The folders of the configured room; nothing is made."""
        from earmark.paths import room_folders

        return room_folders(self.config.settings.room, self.config.settings, self.environ)

    def start_logging(self, stream: TextIO | None = None) -> None:
        """Log as the configuration asks, for commands that run until they are stopped; others log warnings only."""
        self._log(self.config, self.config.settings.log_level, stream)

    def close(self) -> None:
        """Stop logging."""
        if self._handler:
            from earmark import logs

            logs.end(self._handler)
            self._handler = None

    def _log(self, config: Config, level: str, stream: TextIO | None = None) -> None:
        from earmark import logs

        self.close()
        level = _LEVELS[min(_LEVELS.index(level) + self.verbosity, len(_LEVELS) - 1)]
        self._handler = logs.begin(
            level=level,
            form=config.settings.log_format,
            secrets=lambda: config.secrets,
            stream=stream or sys.stderr,
            environ=self.environ,
        )

    def _disabled(self) -> tuple[str, ...]:
        """What is switched off, even where the configuration cannot be read: plugins can still be listed then."""
        from earmark.errors import SettingsError

        try:
            return self.config.settings.disable_plugins
        except SettingsError:
            return tuple(name.strip() for name in self.environ.get("EARMARK_DISABLE_PLUGINS", "").split(","))


pass_app = click.make_pass_decorator(App, ensure=True)
"""Hands a command the `App` of its run."""


def print_json(value: object) -> None:
    """Write something for a program to read."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
