"""Panels that plugins add; a broken one says so and disturbs nothing."""

from __future__ import annotations

from typing import cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from earmark_tui.api import Panel, PanelOffer
from earmark_tui.room import RoomView


class Guest(Container):
    """The frame around a plugin's panel."""

    def __init__(self, offer: PanelOffer) -> None:
        super().__init__(id=f"panel-{offer.name}", classes="panel guest")
        self.border_title = offer.title
        self._offer = offer
        self._panel: Panel | None = None

    def compose(self) -> ComposeResult:
        """The plugin's widget, or why it is not there."""
        try:
            widget = self._offer.make()
            given: object = widget
            if not isinstance(given, Widget) or not callable(getattr(widget, "show", None)):
                raise TypeError(f"it is a {type(widget).__name__}, not a widget with a method show(room)")
        except Exception as error:  # a plugin may raise anything
            yield Static(_told(error), markup=False)
            return
        self._panel = cast("Panel", widget)
        yield widget

    def show(self, room: RoomView) -> None:
        """Let the plugin's panel show a room; once it has failed, it is not asked again."""
        if self._panel is None:
            return
        try:
            self._panel.show(room)
        except Exception as error:  # a plugin may raise anything
            self._panel = None
            self.remove_children()
            self.mount(Static(_told(error), markup=False))


def _told(error: Exception) -> str:
    return f"This panel failed: {type(error).__name__}: {error}"
