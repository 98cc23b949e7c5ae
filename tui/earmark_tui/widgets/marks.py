"""Lists of marks: what is to do, and what was asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rich.segment import Segment
from rich.style import Style

from earmark.events import InsightKind
from earmark.journal_rows import Mark
from earmark_tui.room import RoomView
from earmark_tui.widgets.rows import Rows
from earmark_tui.wording import CLOSED, box_of, facts_of, overdue, spoken, wrapped

_TEXT_AT = 2


class Marks(Rows[Mark]):
    """The marks of some kinds, the newest first; what was chosen stays chosen as others come."""

    def __init__(self, *kinds: InsightKind, title: str, now: Callable[[], datetime], id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.kinds = kinds
        self.title = title
        self.border_title = title
        self.open_only = False
        self._now = now
        self._shown: tuple[RoomView, int, bool] | None = None

    def show(self, room: RoomView) -> None:
        """Show a room as it is now."""
        if self._shown == (room, room.marks_version, self.open_only) and self._shown[0] is room:
            return
        self._shown = (room, room.marks_version, self.open_only)
        found = [mark for mark in room.of_kind(*self.kinds) if not self.open_only or mark.state not in CLOSED]
        chosen = self.chosen_item
        offset = 0 if chosen is None or self.chosen is None else self._starts[self.chosen] - self.scroll_offset.y
        self.items = found
        self.chosen = None if chosen is None else self.index_of(chosen.insight.mark)
        self.measure()
        if self.chosen is not None and self.scroll_offset.y:
            self.scroll_to(y=self._starts[self.chosen] - offset, animate=False, immediate=True)
        count = room.open_marks(*self.kinds)
        self.border_title = f"{self.title} · {count}" if count else self.title

    def index_of(self, name: str) -> int | None:
        """Where a mark stands."""
        return next((index for index, mark in enumerate(self.items) if mark.insight.mark == name), None)

    def again(self) -> None:
        """Show the same room anew, after a change of what is shown of it."""
        if self._shown:
            room, self._shown = self._shown[0], None
            self.show(room)

    def height_of(self, item: Mark, width: int) -> int:
        """How many rows it takes."""
        lines = len(wrapped(spoken(item.insight), width - _TEXT_AT - 1))
        return lines + bool(self._facts(item))

    def _facts(self, item: Mark) -> str:
        return facts_of(item, self._now())

    def draw(self, item: Mark, width: int) -> list[list[Segment]]:
        """Its rows: the box and the text, then who and by when."""
        closed = item.state in CLOSED
        question = item.insight.kind is InsightKind.QUESTION
        sign_style = self.look("good" if closed else "ask" if question else "todo")
        text_style = self.look("dim") + Style(strike=not question) if closed else None
        lines = wrapped(spoken(item.insight), width - _TEXT_AT - 1)
        rows = [
            [Segment(f"{box_of(item)} " if number == 0 else "  ", sign_style), Segment(line, text_style)]
            for number, line in enumerate(lines)
        ]
        if facts := self._facts(item):
            late = overdue(item, self._now())
            rows.append([Segment("  "), Segment(facts, self.look("bad" if late else "dim"))])
        return rows

    def draw_after(self, width: int) -> list[list[Segment]]:
        """A word where there is nothing."""
        return [] if self.items else [[Segment(_NOTHING[self.kinds[0]], self.look("dim"))]]


_NOTHING = {
    InsightKind.ACTION_ITEM: "Nothing to do yet",
    InsightKind.QUESTION: "No questions yet",
    InsightKind.FOLLOW_UP: "Nothing to follow up",
}
