"""Sheets that are read and closed: the keys, and how the room is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from earmark.events import StageStatus
from earmark_tui.keys import GROUPS, LISTS, shown
from earmark_tui.room import RoomView
from earmark_tui.widgets.bars import figures_of, problems_of
from earmark_tui.wording import clean

_CLOSE = Binding("escape,q", "dismiss", "Close")


class Sheet(ModalScreen[None]):
    """Something to be read; any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [_CLOSE]
    title_words = ""

    def compose(self) -> ComposeResult:
        """The sheet."""
        with VerticalScroll(classes="sheet") as sheet:
            sheet.border_title = self.title_words
            sheet.border_subtitle = "esc"
            yield Static(self.content(), id="content")

    def content(self) -> Text | Table:
        """What is to be read."""
        raise NotImplementedError


class Help(Sheet):
    """Every key, as the user has them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,f1", "dismiss", "Close", show=False)]
    title_words = "Keys"

    def __init__(self, chosen: Mapping[str, str], *, keys_file: str) -> None:
        super().__init__()
        self._chosen = chosen
        self._keys_file = keys_file

    def content(self) -> Table:
        """The keys in groups."""
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True, min_width=9)
        table.add_column()
        for title, keys in (*((t, [(k.name, k.keys, k.help) for k in ks]) for t, ks in GROUPS), ("Lists", LISTS)):
            table.add_row("", Text(f"\n{title}" if table.row_count else title, "bold dim"))
            for name, default, words in keys:
                table.add_row(shown(self._chosen.get(name, default)), words)
        table.add_row("", "")
        table.add_row("^p", "all of this and more by name")
        table.add_row("tab", "the next panel; the mouse works everywhere")
        table.add_row("", Text(f"Other keys: put them under [keys] in {self._keys_file}", "dim"))
        return table


class Details(Sheet):
    """How the room and each of its stages is."""

    title_words = "How the room is"

    def __init__(self, room: RoomView) -> None:
        super().__init__()
        self._room = room

    def show(self, room: RoomView) -> None:
        """Show the room as it is now."""
        self._room = room
        if found := self.query("#content"):
            found.only_one(Static).update(self.content())

    def content(self) -> Table:
        """Problems first, then figures, then every stage."""
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        for sentence in problems_of(self._room):
            table.add_row("!", Text(clean(sentence), "bold"))
        if figures := figures_of(self._room):
            table.add_row("figures", figures)
        stages = self._room.status.stages if self._room.status else ()
        if not stages:
            table.add_row("", "Nothing is known of its stages.")
        for stage in stages:
            facts = _facts(stage)
            state = Text.assemble(stage.state, (f"  {facts}" if facts else "", "dim"))
            table.add_row(f"{stage.kind} {clean(stage.name)}", state)
            if stage.reason:
                table.add_row("", Text(clean(stage.reason)))
        return table


def _facts(stage: StageStatus) -> str:
    figures = {"delivered": stage.delivered, "lag": stage.lag, "refused": stage.refused, "failures": stage.failures}
    parts = [f"{name} {value}" for name, value in figures.items() if value]
    parts += [f"{clean(name)} {value:g}" for name, value in stage.counters.items()]
    return ", ".join([*parts, *(f"{clean(name)} {clean(value)}" for name, value in stage.details.items())])
