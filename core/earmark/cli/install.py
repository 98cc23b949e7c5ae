"""`earmark install` and `uninstall`: plugins in Earmark's own environment, wherever that is."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import click

from earmark.errors import EarmarkError


@click.command()
@click.argument("packages", nargs=-1, required=True)
@click.option("--upgrade", "-U", is_flag=True, help="Take the newest version.")
@click.option("--editable", "-e", is_flag=True, help="Use a folder as it is, for whoever works on the plugin.")
@click.option("--no-deps", is_flag=True, help="Leave out what the plugin depends on.")
@click.option("--no-index", is_flag=True, help="Ask no package index: everything is here already.")
def install(packages: tuple[str, ...], *, upgrade: bool, editable: bool, no_deps: bool, no_index: bool) -> int:
    """Put plugins into the environment that Earmark itself runs in: packages by name, files, or folders.

    Where Earmark was installed with pipx or uv, a plain `pip install` lands elsewhere and is never found.
    """
    flags = [("--upgrade", upgrade), ("--no-deps", no_deps), ("--no-index", no_index)]
    words = [flag for flag, wanted in flags if wanted]
    for package in packages:
        words += ["--editable", package] if editable else [_place(package)]
    # A folder is built with what is here already, where nothing may be fetched.
    words += ["--no-build-isolation"] if no_index else []
    before = _plugins()
    _pip("install", *words)
    return _told(before, _plugins(), "now has")


@click.command()
@click.argument("packages", nargs=-1, required=True)
def uninstall(packages: tuple[str, ...]) -> int:
    """Take plugins out of Earmark's own environment."""
    if any(package.lower() == "earmark" for package in packages):
        raise EarmarkError("That is Earmark itself; remove it the way it was installed (pipx, uv, pip or your system).")
    before = _plugins()
    _pip("uninstall", "--yes", *packages)
    return _told(_plugins(), before, "no longer has")


def _place(package: str) -> str:
    return str(Path(package).resolve()) if Path(package).exists() else package


def _pip(*words: str) -> None:
    if importlib.util.find_spec("pip") is None:
        raise EarmarkError(
            f"The environment of {sys.executable} has no pip; with uv: uv tool install earmark --with PACKAGE"
        )
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 - pip, with the words that were given
        raise EarmarkError(f"pip could not do it; its reasons are above (environment: {sys.prefix})")


def _plugins() -> dict[str, str]:
    """The plugins that a fresh process finds, and where each comes from."""
    code = (
        "from importlib.metadata import entry_points as e;"
        "[print(p.name, p.dist.name, p.dist.version) for p in e(group='earmark')]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return {line.split(" ")[0]: line for line in done.stdout.splitlines()}


def _told(without: dict[str, str], with_it: dict[str, str], verb: str) -> int:
    changed = sorted(line for name, line in with_it.items() if without.get(name) != line)
    if not changed:
        click.echo("Nothing has changed: no plugin of Earmark was in it.", err=True)
        return 1
    for line in changed:
        name, dist, version = line.split(" ")
        click.echo(f"Earmark {verb} the plugin {name} (from {dist} {version}).")
    return 0
