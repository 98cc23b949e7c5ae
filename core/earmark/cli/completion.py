"""`earmark completion`: what a shell needs to complete commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_EARMARK_COMPLETE"


_HOW = """\b
bash: add to ~/.bashrc    eval "$(earmark completion bash)"
zsh:  add to ~/.zshrc     eval "$(earmark completion zsh)"
fish: write it to a file  earmark completion fish > ~/.config/fish/completions/earmark.fish
"""


@click.command(epilog=_HOW)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what a shell needs to complete commands."""
    kind = get_completion_class(shell)
    assert kind is not None
    # `source` would look for the shell itself, which need not be installed where this runs.
    script = kind(ctx.find_root().command, {}, "earmark", VARIABLE)
    click.echo(script.source_template % script.source_vars())
