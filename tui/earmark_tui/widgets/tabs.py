"""Which panels there are, where only one has room."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget


class Tabs(Widget):
    """One line: the panels' numbers and names."""

    class Picked(Message):
        """A panel was clicked at."""

        def __init__(self, panel: str) -> None:
            super().__init__()
            self.panel = panel

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.titles: tuple[tuple[str, str], ...] = ()
        self.present = ""

    def show(self, titles: tuple[tuple[str, str], ...], present: str) -> None:
        """Show panels, each by its id and title, and which one is seen."""
        if (titles, present) != (self.titles, self.present):
            self.titles, self.present = titles, present
            self.refresh()

    def _parts(self) -> list[tuple[str, str]]:
        return [(panel, f"{number} {title}") for number, (panel, title) in enumerate(self.titles, 1)]

    def render(self) -> Text:
        """The line."""
        line = Text()
        for panel, words in self._parts():
            line.append(words, "bold underline" if panel == self.present else "")
            line.append("   ")
        return line

    def on_click(self, event: events.Click) -> None:
        """Pick what was clicked at."""
        at = event.x - 1
        for panel, words in self._parts():
            if 0 <= at < len(words) + 3:
                self.post_message(self.Picked(panel))
                return
            at -= len(words) + 3
