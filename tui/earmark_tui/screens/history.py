"""The past conversations of a room, to be replayed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from earmark.journal_rows import Summary
from earmark_tui.widgets.rows import Rows
from earmark_tui.wording import fitted, line_of


class Past(Rows[Summary]):
    """One conversation a row."""

    def __init__(self, summaries: Sequence[Summary], now: datetime) -> None:
        super().__init__(id="past")
        self.items = summaries
        self._now = now
        self._cells = [0] * 4
        for summary in summaries:
            self._cells = [max(a, len(b)) for a, b in zip(self._cells, line_of(summary, now)[:4], strict=True)]

    def height_of(self, item: Summary, width: int) -> int:
        """One row each."""
        return 1

    def draw(self, item: Summary, width: int) -> list[list[Segment]]:
        """When, how long, how much was said and marked, and what it is called."""
        day, lasted, said, marks, title = line_of(item, self._now)
        cells = self._cells
        figures = f"{lasted:>{cells[1]}}   {said:>{cells[2]}} said   {marks:>{cells[3]}} marked   "
        used = cells[0] + 3 + len(figures) + 1
        return [
            [
                Segment(f" {day:<{cells[0]}}   ", self.look("strong")),
                Segment(figures, self.look("dim")),
                Segment(fitted(title, max(width - used, 1)) if title else ""),
            ]
        ]


class History(ModalScreen[Summary | None]):
    """Lists past conversations; gives the one to replay."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,h", "dismiss", "Close")]

    def __init__(self, room: str, summaries: Sequence[Summary], now: datetime) -> None:
        super().__init__()
        self._room = room
        self._summaries = summaries
        self._now = now

    def compose(self) -> ComposeResult:
        """The list, the newest first."""
        with Vertical(classes="sheet", id="history-sheet") as sheet:
            sheet.border_title = f"What was heard in {self._room}"
            sheet.border_subtitle = "enter replays · esc"
            if self._summaries:
                yield Past(self._summaries, self._now)
            else:
                yield Static("Nothing yet.")

    def on_mount(self) -> None:
        """Choose the newest."""
        if found := self.query(Past):
            past = found.only_one()
            past.focus()
            self.call_after_refresh(past.choose, 0)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Give the one that was asked for."""
        if isinstance(event.item, Summary):
            self.dismiss(event.item)
