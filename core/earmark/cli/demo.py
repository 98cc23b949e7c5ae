"""`earmark demo`: the main job on a bundled recording."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from earmark.cli.context import App
from earmark.cli.listen import chosen, run_room
from earmark.cli.summary import as_text


@click.command()
@click.option("--fast", is_flag=True, help="As fast as this machine can, not at the pace of the talk.")
@click.option("--sink", "sinks", multiple=True, metavar="NAME[:VALUE]", help="Where events go besides the terminal.")
@click.pass_obj
def demo(app: App, *, fast: bool, sinks: tuple[str, ...]) -> None:
    """Hear a bundled recording: no hardware, nothing to configure, and nothing is kept.

    Two people talk in a kitchen. What they say comes up as it is said, then what they ask each other and what they
    promise to do. Everything runs on this machine.
    """
    recording = bundled_recording()
    app.assignments += [f"file.fast={'true' if fast else 'false'}", "room=demo"]
    with tempfile.TemporaryDirectory(prefix="earmark-demo-") as folder:
        app.assignments += [f"state_folder={folder}/state", f"runtime_folder={folder}/runtime"]
        config = chosen(
            app.config,
            source=f"file:{recording}",
            filters=("none",),
            transport="engine",
            sinks=("console", *sinks),
        )
        outcome = run_room(app, config)
    click.echo(as_text(outcome))
    click.echo("\nTo listen to a room of your own: earmark init, then earmark listen.")


def bundled_recording() -> Path:
    """The recording that comes with Earmark."""
    from importlib.util import find_spec

    from earmark.errors import EarmarkError

    spec = find_spec("earmark_file")
    path = Path(spec.origin).parent / "recordings" / "kitchen.flac" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise EarmarkError("The bundled recording is missing: install Earmark again.")
    return path
