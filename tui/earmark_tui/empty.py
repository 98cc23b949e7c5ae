"""What to say where nobody listens."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from earmark_tui.keys import GROUPS, shown
from earmark_tui.room import RoomView
from earmark_tui.wording import clean

_CHOICES = (("demo", "play a recorded conversation"), ("history", "past conversations"), ("quit", "leave"))
_COMMANDS = (("earmark listen", "to begin to listen"), ("earmark listen --tui", "to listen and watch in one"))
_DEFAULTS = {key.name: key.keys for _, keys in GROUPS for key in keys}


def words(room: RoomView, chosen: Mapping[str, str], *, local: bool) -> Text:
    """That nobody listens, that the viewer goes on looking, and what one can do meanwhile."""
    text = Text()
    text.append(
        f"Nobody listens to {clean(room.name)}.\n" if local else f"{clean(room.name)} cannot be reached.\n", "bold"
    )
    if not local and room.line.reason:
        text.append(f"{clean(room.line.reason)}\n")
    text.append("This viewer goes on looking, and attaches by itself.\n\n", "dim")
    for name, what in _CHOICES:
        key = shown(chosen.get(name, _DEFAULTS[name])).split()[0]
        text.append(f"  {key:<3}", "bold")
        text.append(f" {what}\n")
    if local:
        text.append("\nIn another terminal:\n", "dim")
        for command, what in _COMMANDS:
            text.append(f"  {command:<22}", "bold")
            text.append(f"{what}\n")
    text.right_crop(1)
    return text
