"""The rooms of the house, where there are several."""

from __future__ import annotations

from rich.segment import Segment

from earmark.events import InsightKind, State
from earmark_tui.room import RoomView
from earmark_tui.widgets.rows import Rows
from earmark_tui.wording import STATES, clean, fitted


class Rooms(Rows[RoomView]):
    """One room a line: how it is, and how much is to do there."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = "Rooms"
        self.present: RoomView | None = None

    def show(self, rooms: list[RoomView], present: RoomView | None) -> None:
        """Show the rooms as they are now, with the one that is looked at."""
        self.present = present
        if rooms != self.items or len(rooms) != len(self.items):
            self.set_items(rooms)
        else:
            self.redrawn()

    def height_of(self, item: RoomView, width: int) -> int:
        """Two rows and a breath."""
        return 2

    def draw(self, item: RoomView, width: int) -> list[list[Segment]]:
        """The name, and under it the state and what is to do."""
        name = fitted(clean(item.name), width - 3)
        here = item is self.present
        style = self.look("strong") if here else None
        sign, words, tone = state_of(item)
        todo = item.open_marks(InsightKind.ACTION_ITEM)
        rest = f" · {todo} to do" if todo else ""
        return [
            [Segment("▸ " if here else "  ", self.look("todo")), Segment(name, style)],
            [Segment(f"  {sign} ", self.look(tone)), Segment(fitted(f"{words}{rest}", width - 5), self.look("dim"))],
        ]


def state_of(room: RoomView) -> tuple[str, str, str]:
    """A room's sign, its state in a word, and the colour of it."""
    if not room.line.attached:
        return "✕", "away", "bad"
    if room.status is None:
        return "◌", "attached", "dim"
    sign, words = STATES[room.status.state]
    if room.status.problems:
        return "!", words, "bad"
    tone = {State.LISTENING: "good", State.MUTED: "bad", State.RECONNECTING: "bad", State.STOPPED: "dim"}
    return sign, words, tone.get(room.status.state, "dim")
