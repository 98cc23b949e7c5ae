"""Sheets that ask: a line of text, yes or no, a file to write."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from earmark.exports import FORMATS


class AskText(ModalScreen[str | None]):
    """Asks for a line of text; None if nothing is wanted after all."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Never mind")]

    def __init__(self, title: str, text: str, hint: str) -> None:
        super().__init__()
        self._words = title
        self._text = text
        self._hint = hint

    def compose(self) -> ComposeResult:
        """The line, and what it is for."""
        with Vertical(classes="sheet") as sheet:
            sheet.border_title = self._words
            sheet.border_subtitle = "enter · esc"
            line = Input(self._text, select_on_focus=False)
            line.cursor_blink = False
            yield line
            yield Static(self._hint, classes="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give what was written."""
        self.dismiss(event.value.strip() or None)


class AskFile(AskText):
    """Asks where a conversation is written to; how follows from the name."""

    def __init__(self, suggested: Path) -> None:
        endings = ", ".join(f".{form.suffix}" for form in FORMATS.values())
        super().__init__("Write the conversation", str(suggested), f"The ending says how: {endings}")


class AskYes(ModalScreen[bool]):
    """Asks for yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "Yes"),
        Binding("n,escape,q", "answer(False)", "No"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical(classes="sheet"):
            yield Static(self._question, markup=False)
            yield Static("y yes · n no", classes="hint")

    def action_answer(self, yes: bool) -> None:
        """Give the answer."""
        self.dismiss(yes)
