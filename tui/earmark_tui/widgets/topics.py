"""What the talk is about, and how it sounds."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip
from textual.widget import Widget

from earmark_tui.room import RoomView
from earmark_tui.widgets.rows import Rows
from earmark_tui.wording import clean, fitted

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_MOST_TOPICS = 100


class Topics(Rows[tuple[str, str]]):
    """Topics, the weightiest first, and tracked phrases that were heard."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = "Topics"
        self._heaviest = 1.0

    def show(self, room: RoomView) -> None:
        """Show a room as it is now."""
        heard = [("tracker", f"{name} ×{count}" if count > 1 else name) for name, count in room.trackers.items()]
        ranked = sorted(room.topics, key=lambda topic: -room.topics[topic])[:_MOST_TOPICS]
        items = [*heard, *(("topic", topic) for topic in ranked)]
        if items != self.items or not items:
            self.set_items(items)

    def height_of(self, item: tuple[str, str], width: int) -> int:
        """One row each."""
        return 1

    def draw(self, item: tuple[str, str], width: int) -> list[list[Segment]]:
        """The sign of its kind, and the words."""
        kind, text = item
        sign = Segment("◆ ", self.look("todo")) if kind == "tracker" else Segment("· ", self.look("dim"))
        return [[sign, Segment(fitted(clean(text), width - 3))]]

    def draw_after(self, width: int) -> list[list[Segment]]:
        """A word where there is nothing."""
        return [] if self.items else [[Segment("No topics yet", self.look("dim"))]]


class Mood(Widget):
    """How the talk sounded over time: bars up where it was good, down where it was not."""

    COMPONENT_CLASSES = {"mood--good", "mood--bad", "mood--line"}  # noqa: RUF012 - Textual's own habit

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = "Mood"
        self._values: list[tuple[float, float]] = []

    def show(self, room: RoomView) -> None:
        """Show a room as it is now."""
        if len(room.mood) != len(self._values) or room.mood[-1:] != self._values[-1:]:
            self._values = list(room.mood)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The upper row rises from the middle, the lower one hangs from it."""
        width = self.content_size.width
        if y > 1 or width < 1:
            return Strip.blank(width, self.rich_style)
        cells = buckets(self._values, width)
        good, bad = self.get_component_rich_style("mood--good"), self.get_component_rich_style("mood--bad")
        if y == 0:
            return Strip([Segment(_EIGHTHS[round(max(0.0, cell or 0.0) * 8)], good) for cell in cells])
        return Strip([self._hanging(cell, bad) for cell in cells])

    def _hanging(self, cell: float | None, bad: Style) -> Segment:
        if cell is None:
            return Segment(" ", bad)
        if cell >= -0.05:
            return Segment("▔", self.get_component_rich_style("mood--line"))
        return Segment("▔" if cell > -0.3 else "▀" if cell > -0.7 else "█", bad)

    def render(self) -> Text:
        """Nothing: rows are drawn one by one."""
        return Text()


def buckets(values: list[tuple[float, float]], count: int) -> list[float | None]:
    """Values over time in so many parts, each the strongest in it; None where nothing was said."""
    if not values or count < 1:
        return [None] * max(count, 0)
    first, last = values[0][0], max(at for at, _ in values)
    per_cell = max((last - first) / count, 2.0)
    cells: list[float | None] = [None] * count
    for at, value in values:
        index = max(0, min(count - 1, int((at - first) / per_cell)))
        held = cells[index]
        if held is None or abs(value) > abs(held):
            cells[index] = max(-1.0, min(1.0, value))
    return cells
