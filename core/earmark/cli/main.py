"""The frame of `earmark`: its own options, its commands, and how failures are told.

Exit codes: 0 it worked; 1 it failed; 2 the command line or the configuration is wrong; 3 the service refuses;
4 another listener holds the room; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from earmark._version import __version__
from earmark.cli.context import App
from earmark.errors import AlreadyListening, EarmarkError, PeerRefused, SettingsError, TokenRefused

COMMANDS = {
    "listen": ("listen", "Hear a room and mark what matters, until told to stop."),
    "demo": ("demo", "Hear a bundled recording: no hardware, nothing to configure."),
    "mute": ("mute", "Close a listener's ears, for good or for a time."),
    "unmute": ("mute", "Open them again."),
    "end": ("mute", "End the conversation; the next word begins another."),
    "status": ("mute", "How a listener is doing."),
    "mark": ("mute", "Tick off an action item, or change another mark."),
    "tune": ("mute", "Turn a stage's knob while it runs."),
    "restart": ("mute", "Open a stage of a running listener anew."),
    "history": ("history", "What was heard: conversations, newest first."),
    "search": ("search", "Find what was said."),
    "export": ("export", "Write a conversation as minutes, subtitles or JSON lines."),
    "forget": ("forget", "Delete what was heard, for good."),
    "plugins": ("plugins", "What is installed, what it offers, and how it is set."),
    "config": ("config", "The settings that count, and where each comes from."),
    "init": ("init", "Write a configuration file with every setting explained."),
    "install-service": ("install_service", "Listen from the start of the machine, as a service of systemd."),
    "doctor": ("doctor", "Check everything, and say what to do about what fails."),
    "new-plugin": ("new_plugin", "Write a plugin project with its tests, to begin from."),
    "install": ("install", "Put a plugin into Earmark's own environment."),
    "uninstall": ("install", "Take a plugin out of it again."),
    "reference": ("reference", "Write the reference of everything that can be named."),
    "completion": ("completion", "Complete commands in bash, zsh or fish."),
}
"""Each core command's file and its line in the help, so that neither needs to be loaded for the other."""


class Commands(click.Group):
    """The core's commands, loaded one by one, and those of plugins, looked for only when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, the core's first."""
        return [*COMMANDS, *(command.name for command in _app(ctx).host.commands())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; plugins are loaded only where the core has none."""
        if cmd_name in COMMANDS:
            module = import_module(f"earmark.cli.{COMMANDS[cmd_name][0]}")
            return _with_shared_options(getattr(module, cmd_name.replace("-", "_")))
        for offered in _app(ctx).host.commands():
            if offered.name == cmd_name:
                return _with_shared_options(_load(offered))
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was typed; where there is none, what is near and which plugins are missing."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from earmark.tables import nearest

            hint = nearest(args[0], self.list_commands(ctx)) or "."
            absences = _app(ctx).host.absences(args[0])
            raise click.UsageError(f'There is no command "{args[0]}"{hint} {absences}'.strip(), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])
        if rows := [(c.name, c.help) for c in _app(ctx).host.commands()]:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(rows)


def _load(offered: Any) -> click.Command:
    from earmark.errors import PluginError

    try:
        command = offered.load()
    except Exception as error:
        raise PluginError(f'The command "{offered.name}" cannot be loaded: {type(error).__name__}: {error}') from error
    if not isinstance(command, click.Command):
        raise PluginError(f'The command "{offered.name}" is no click command, so its plugin needs mending.')
    return command


# -- options --------------------------------------------------------------------------------------------------------


def _app(ctx: click.Context) -> App:
    return ctx.ensure_object(App)


def _set_config(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value:
        _app(ctx).config_path = Path(value)
        _app(ctx).forget_config()


def _set_values(ctx: click.Context, _: click.Parameter, value: tuple[str, ...]) -> None:
    if value:
        _app(ctx).assignments += value
        _app(ctx).forget_config()


def _set_room(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        import json

        _app(ctx).assignments.append(f"room={json.dumps(value, ensure_ascii=False)}")
        _app(ctx).forget_config()


def _set_verbosity(ctx: click.Context, _: click.Parameter, value: int) -> None:
    _app(ctx).verbosity += value


def _shared_options(*, hidden: bool) -> list[click.Option]:
    common: dict[str, Any] = {"expose_value": False, "hidden": hidden}
    return [
        click.Option(["--config"], callback=_set_config, metavar="FILE", help="The configuration file.", **common),
        click.Option(
            ["--set"], callback=_set_values, multiple=True, metavar="KEY=VALUE", help="Set table.key=value.", **common
        ),
        click.Option(["--room"], callback=_set_room, metavar="NAME", help="Which room.", **common),
        click.Option(
            ["-v", "--verbose"], callback=_set_verbosity, count=True, help="Say more; twice for all.", **common
        ),
    ]


def _with_shared_options(command: click.Command) -> click.Command:
    """The same command, which also understands the options of `earmark` itself where it has none of that name."""
    taken = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    for option in _shared_options(hidden=True):
        if taken.isdisjoint(option.opts) and option.name not in {param.name for param in command.params}:
            command.params.append(option)
    return command


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=_shared_options(hidden=False),
    epilog="These options may also follow a command.",
)
@click.version_option(__version__, "--version", message="earmark %(version)s")
def cli() -> None:
    """Hear a room and mark what matters: what was said, who asked what, who will do what."""


# -- failures -------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit code."""
    app = App(commands=COMMANDS)
    try:
        answer = cli.main(args=arguments, prog_name="earmark", obj=app, standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:
        if app.environ.get("EARMARK_DEBUG") and not isinstance(error, click.exceptions.Exit):
            raise
        return _told(error)
    finally:
        app.close()
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else 0


def _told(error: BaseException) -> int:
    """Tell a failure in a line, and give the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        _let_go_of_stdout()
        return 0
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return 130 if _interrupted(error) else 1
    failures = list(_leaves(error))
    for message in dict.fromkeys(_sentence(failure) for failure in failures):
        click.echo(f"earmark: {message}", err=True)
    return exit_code(failures[0])


def exit_code(error: BaseException) -> int:
    """The exit code of a failure."""
    codes = ((SettingsError, 2), (TokenRefused, 3), (PeerRefused, 3), (AlreadyListening, 4))
    return next((code for kind, code in codes if isinstance(error, kind)), 1)


def _interrupted(error: BaseException) -> bool:
    return isinstance(error, KeyboardInterrupt) or isinstance(error.__cause__, KeyboardInterrupt)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    # What a person can act on comes first: the rest is mostly what it led to.
    found = [leaf for part in error.exceptions for leaf in _leaves(part)]
    yield from [leaf for leaf in found if isinstance(leaf, EarmarkError)] or found


def _sentence(error: BaseException) -> str:
    if isinstance(error, EarmarkError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    kind = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"this is a mistake in Earmark or in a plugin: {kind} (EARMARK_DEBUG=1 shows where)"


def _let_go_of_stdout() -> None:
    """Whoever read our output has gone; without this Python would complain of it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
