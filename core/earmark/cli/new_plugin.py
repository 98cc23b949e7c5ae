"""`earmark new-plugin`: a small, complete, tested project to begin from."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path

import click

from earmark._version import __version__
from earmark.errors import EarmarkError

KINDS = ("source", "filter", "transport", "enricher", "sink", "command", "panel")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What the plugin has.")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), help="The folder that the project is put in.")
def new_plugin(name: str, kind: str, into: Path) -> None:
    """Write a plugin project: code, typed settings, tests that pass, and what publishing needs."""
    folder = write_project(name, kind, into)
    click.echo(f"{folder} is there. Next:\n  cd {folder}\n  pip install --editable . --group dev && pytest")


def write_project(name: str, kind: str, into: Path) -> Path:
    """Write the files of a new project; raises `EarmarkError` where that cannot be."""
    name = name.removeprefix("earmark-")
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise EarmarkError(f'"{name}" cannot be a plugin\'s name; use small letters, digits and single hyphens')
    folder = into / f"earmark-{name}"
    if folder.exists():
        raise EarmarkError(f"{folder} is there already; choose another name, or another folder with --into")
    for path, text in project(name, kind).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


def project(name: str, kind: str) -> dict[str, str]:
    """The texts of a project, by path."""
    module = name.replace("-", "_")
    package = f"earmark_{module}"
    return {
        "pyproject.toml": rendered("pyproject.toml", name, kind),
        "README.md": rendered("README.md", name, kind),
        f"{package}/__init__.py": f'"""A {kind} for Earmark."""\n',
        f"{package}/py.typed": "",
        f"{package}/plugin.py": rendered(f"{kind}.py", name, kind),
        f"tests/test_{module}.py": rendered(f"{kind}_test.py", name, kind),
    }


def rendered(template: str, name: str, kind: str) -> str:
    """A template with a plugin's names in it."""
    text = (files("earmark.cli") / "templates" / f"{template}.txt").read_text("utf-8")
    major, minor, *_ = __version__.split(".")
    module = name.replace("-", "_")
    names = {
        "NAME": name,
        "PROJECT": name,
        "MODULE": module,
        "FUNCTION": module,
        "CLASS": "".join(part.capitalize() for part in name.split("-")),
        "KIND": kind,
        "VERSION": f"{major}.{minor}",
        "NEXT": f"{major}.{int(minor) + 1}" if major == "0" else f"{int(major) + 1}",
    }
    return re.sub("@([A-Z]+)@", lambda found: names[found[1]], text)
