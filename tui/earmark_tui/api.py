"""What plugins may import: the panels that they can add to the viewer, and the room that a panel shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from earmark_tui.room import RoomView, TalkItem

if TYPE_CHECKING:
    from textual.widget import Widget

__all__ = ["Panel", "PanelOffer", "RoomView", "TalkItem"]


class Panel(Protocol):
    """What a panel's widget can do besides being one of Textual's."""

    def show(self, room: RoomView) -> None:
        """Show a room as it is now; called at most 20 times a second, and only when something has happened."""
        ...


@dataclass(frozen=True)
class PanelOffer:
    """A panel that a plugin has; its widget is made when the viewer opens, and only then."""

    name: str
    """How settings and keys call it: small letters, digits, - and _."""
    title: str
    """What stands over it."""
    make: Callable[[], Widget]
    """Makes the widget, which is a `Panel` too."""
