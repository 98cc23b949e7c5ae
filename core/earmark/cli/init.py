"""`earmark init`: a configuration file with every setting explained."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import msgspec

from earmark._version import __version__
from earmark.cli.context import App, pass_app
from earmark.config import FILE_NAME, Settings
from earmark.describe import Setting, settings_of
from earmark.errors import EarmarkError, SettingsError
from earmark.host import Host, Offered
from earmark.tables import nearest

_WIDTH = 110
_USUAL = ("mic", "gate", "engine", "console")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Explain everything that is installed.")
@click.option("-o", "--output", metavar="FILE", default=FILE_NAME, show_default=True, help="Where to write it.")
@click.option("--stdout", is_flag=True, help="Print it instead.")
@pass_app
def init(app: App, names: tuple[str, ...], everything: bool, output: str, stdout: bool) -> None:
    """Write a configuration file with every setting explained.

    NAMES are further stages to explain, such as `mqtt`. Every setting has its default and is commented out: remove the
    sign before those that you change.
    """
    offers = list(_wanted(app.host, None if everything else (*_USUAL, *names), names))
    text = "\n".join(commented(offers)) + "\n"
    if stdout:
        click.echo(text, nl=False)
        return
    _write(Path(output), text)
    click.echo(
        f"Written: {output}. Change what you like; `earmark config` shows what counts, `earmark doctor` checks it."
    )


def commented(offers: Iterable[Offered]) -> Iterator[str]:
    """The lines of a file with the core's settings and those of some offers, all of them commented out."""
    yield f"# Earmark {__version__}. Every setting has its default; remove the # before one that you change."
    yield "# `earmark plugins` lists what is installed, and `earmark config` shows the settings that count."
    yield from _table("", Settings)
    for offered in offers:
        yield f"\n\n# The {offered.kind} {offered.name}. {offered.offer.help}"
        yield f"[{offered.name}]"
        yield from _table(offered.name, offered.offer.settings)


def _table(name: str, struct: type[msgspec.Struct]) -> Iterator[str]:
    settings = list(settings_of(struct))
    top = [setting for setting in settings if "." not in setting.key]
    yield from _settings(top)
    for below in dict.fromkeys(setting.key.rpartition(".")[0] for setting in settings if "." in setting.key):
        yield f"\n\n[{f'{name}.{below}' if name else below}]"
        yield from _settings(setting for setting in settings if setting.key.rpartition(".")[0] == below)


def _settings(settings: Iterable[Setting]) -> Iterator[str]:
    for setting in settings:
        state = ", required" if setting.required else "" if setting.toml else ", not set"
        text = f"{setting.help} ({setting.type}{state})".strip()
        yield ""
        yield textwrap.fill(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")
        key = setting.key.rpartition(".")[2]
        yield f"# {key} = {setting.toml or ''}".rstrip()


def _wanted(host: Host, names: Iterable[str] | None, asked: Iterable[str]) -> Iterator[Offered]:
    by_name: dict[str, Offered] = {}
    for offered in host.all_offers():
        # One table for each name: of several offers of one name, the one with the most to set speaks for it.
        other = by_name.get(offered.name)
        if other is None or len(offered.offer.settings.__struct_fields__) > len(other.offer.settings.__struct_fields__):
            by_name[offered.name] = offered
    for name in asked:
        if name not in by_name:
            raise SettingsError(f'Nothing that is installed is called "{name}"{nearest(name, by_name)}')
    for name in dict.fromkeys(by_name if names is None else names):
        if name in by_name and by_name[name].offer.settings.__struct_fields__:
            yield by_name[name]


def _write(path: Path, text: str) -> None:
    try:
        # It may come to hold secrets, so it is its owner's alone; "x" refuses to overwrite.
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(text, "utf-8")
    except FileExistsError:
        raise EarmarkError(
            f"{path} is there already; name another file with --output, or print it with --stdout"
        ) from None
    except OSError as error:
        raise EarmarkError(f"{path} cannot be written ({error.strerror}); name another file with --output") from None
