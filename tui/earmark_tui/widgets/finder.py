"""The line in which one writes what to find, or what to filter by; the list follows every letter."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label


class Finder(Horizontal):
    """Asks for words, and tells of each change."""

    class Changed(Message):
        """Other words were written."""

        def __init__(self, text: str, *, filtering: bool, final: bool) -> None:
            super().__init__()
            self.text = text
            self.filtering = filtering
            self.final = final
            """Whether Enter ended the writing."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.filtering = False

    def compose(self) -> ComposeResult:
        """What is asked, and the line."""
        yield Label("Find")
        line = Input(placeholder='words, or "words in a row"', select_on_focus=True)
        line.cursor_blink = False
        yield line

    def open(self, text: str, *, filtering: bool) -> None:
        """Ask for words."""
        self.filtering = filtering
        self.query_one(Label).update("Only lines with" if filtering else "Find")
        line = self.query_one(Input)
        with line.prevent(Input.Changed):
            line.value = text
        self.add_class("-on")
        # At once: the first letters may be here already.
        self.screen.set_focus(line)

    def close(self) -> None:
        """Ask no more."""
        self.remove_class("-on")

    @property
    def is_open(self) -> bool:
        """Whether it asks."""
        return self.has_class("-on")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell of a letter."""
        event.stop()
        self.post_message(self.Changed(event.value, filtering=self.filtering, final=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tell that it is complete."""
        event.stop()
        self.close()
        self.post_message(self.Changed(event.value, filtering=self.filtering, final=True))
