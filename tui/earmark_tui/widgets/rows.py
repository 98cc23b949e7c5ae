"""A list that draws only what is seen: a hundred thousand items open at once and scroll as ten do."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

T = TypeVar("T")

_CACHED_ITEMS = 512


class Rows(ScrollView, Generic[T], can_focus=True):
    """Items of one or more rows each, of which one may be chosen."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next", show=False, id="next"),
        Binding("up,k", "move(-1)", "Previous", show=False, id="previous"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="page_up"),
        Binding("home,g", "go_first", "First", show=False, id="first"),
        Binding("end,G", "go_last", "Last", show=False, id="last"),
        Binding("enter", "choose", "Go to", show=False, id="choose"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--chosen", "rows--dim", "rows--faint", "rows--found", "rows--good", "rows--bad", "rows--todo", "rows--ask",
        "rows--strong",
    }  # fmt: skip

    class Chosen(Message):
        """An item was asked for with Enter or a second click."""

        def __init__(self, rows: Rows[Any], item: object) -> None:
            super().__init__()
            self.rows = rows
            self.item = item

        @property
        def control(self) -> Rows[Any]:
            """The list it is in."""
            return self.rows

    def __init__(self, *, id: str | None = None, classes: str | None = None, tail: bool = False) -> None:  # noqa: A002
        """With `tail`, the list follows its end until one scrolls away from it."""
        super().__init__(id=id, classes=classes)
        self.items: Sequence[T] = ()
        self.chosen: int | None = None
        self.following = tail
        self._tail = tail
        self._starts: list[int] = [0]
        self._after: list[Strip] = []
        self._cache: LRUCache[int, list[Strip]] = LRUCache(_CACHED_ITEMS)
        self._columns = 0
        self._looks: dict[str, Style] = {}

    # -- what each kind of list knows -----------------------------------------------------------------------------

    @abstractmethod
    def height_of(self, item: T, width: int) -> int:
        """How many rows an item takes; called for every item, so it must be quick."""

    @abstractmethod
    def draw(self, item: T, width: int) -> list[list[Segment]]:
        """An item's rows."""

    def prepare(self, width: int) -> None:
        """Reckon what depends on the width alone, before items are measured."""

    def draw_after(self, width: int) -> list[list[Segment]]:
        """Rows after the last item, which may change at any time."""
        return []

    # -- content --------------------------------------------------------------------------------------------------

    def set_items(self, items: Sequence[T]) -> None:
        """Show other items."""
        self.items = items
        self.chosen = None if self.chosen is None or not items else min(self.chosen, len(items) - 1)
        self.measure()

    def measure(self) -> None:
        """Lay all items out anew."""
        self._starts = [0]
        self._cache.clear()
        self.grown()

    def grown(self) -> None:
        """Lay out what was added at the end, and draw what comes after it."""
        width = self.row_width
        if width != self._columns:
            self._columns, self._starts = width, [0]
            self._cache.clear()
        self.prepare(width)
        starts, height_of = self._starts, self.height_of
        row = starts[-1]
        for item in self.items[len(starts) - 1 :]:
            row += height_of(item, width)
            starts.append(row)
        self._after = [self._strip(segments, chosen=False) for segments in self.draw_after(width)]
        self._resize()

    def redrawn(self) -> None:
        """Draw everything that is seen anew, where nothing has moved."""
        self._cache.clear()
        self.refresh()

    def _resize(self) -> None:
        size = Size(self._columns, self._starts[-1] + len(self._after))
        if size != self.virtual_size:
            self.virtual_size = size
        if self.following:
            self._to_end()
        self.refresh()

    def _to_end(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)

    @property
    def row_width(self) -> int:
        """How many cells a row has."""
        return max(self.scrollable_content_region.width, 1)

    # -- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One row of what is seen."""
        width = self.size.width
        row = y + round(self.scroll_offset.y)
        strip = self._row(row)
        return strip.adjust_cell_length(width, self.ground).crop(0, width)

    def _row(self, row: int) -> Strip:
        if row >= self._starts[-1]:
            after = row - self._starts[-1]
            return self._after[after] if after < len(self._after) else Strip.blank(self._columns, self.ground)
        index = bisect_right(self._starts, row) - 1
        drawn = self._cache.get(index)
        if drawn is None:
            chosen = index == self.chosen and self.has_focus
            drawn = [self._strip(segments, chosen=chosen) for segments in self.draw(self.items[index], self._columns)]
            self._cache.set(index, drawn)
        within = row - self._starts[index]
        return drawn[within] if within < len(drawn) else Strip.blank(self._columns, self.ground)

    def _strip(self, segments: list[Segment], *, chosen: bool) -> Strip:
        ground = self.look("chosen") if chosen else self.ground
        strip = Strip(Segment(text, _over(ground, style)) for text, style, _ in segments)
        return strip.adjust_cell_length(self._columns, ground)

    @property
    def ground(self) -> Style:
        """The style of what is not styled otherwise; kept, because it is asked for every row."""
        if "" not in self._looks:
            self._looks[""] = self.rich_style
        return self._looks[""]

    def look(self, name: str) -> Style:
        """The style that the style sheet gives a part."""
        if name not in self._looks:
            self._looks[name] = self.get_component_rich_style(f"rows--{name}", partial=name != "chosen")
        return self._looks[name]

    # -- moving ---------------------------------------------------------------------------------------------------

    def choose(self, index: int | None, *, centre: bool = False) -> None:
        """Choose an item and bring it into view."""
        before, self.chosen = self.chosen, index
        for changed in (before, index):
            if changed is not None:
                self._cache.discard(changed)
        self.refresh()
        if index is None:
            return
        top, bottom = self._starts[index], self._starts[index + 1]
        self.following = self._tail and index == len(self.items) - 1
        if centre:
            middle = max(0, (top + bottom - self.size.height) // 2)
            self.scroll_to(y=middle, animate=False, immediate=True)
        else:
            region = Region(0, top, self._columns, bottom - top)
            self.scroll_to_region(region, animate=False, immediate=True, force=True)

    @property
    def chosen_item(self) -> T | None:
        """The item that is chosen."""
        return self.items[self.chosen] if self.chosen is not None and self.chosen < len(self.items) else None

    def action_move(self, by: int) -> None:
        """Choose the next or the previous item; from nowhere, begin where one looks."""
        if not self.items:
            return
        if self.chosen is None:
            last_seen = max(0, bisect_right(self._starts, round(self.scroll_offset.y) + self.size.height - 1) - 1)
            self.choose(min(last_seen, len(self.items) - 1) if self._tail else self._first_seen())
        else:
            self.choose(max(0, min(len(self.items) - 1, self.chosen + by)))

    def _first_seen(self) -> int:
        return min(bisect_right(self._starts, round(self.scroll_offset.y)) - 1, len(self.items) - 1)

    def action_page(self, by: int) -> None:
        """Move by what is seen at once."""
        self.following = False
        height = max(self.size.height - 1, 1)
        self.scroll_to(y=self.scroll_offset.y + by * height, animate=False, immediate=True)
        if self.chosen is not None:
            row = self._starts[self.chosen] + by * height
            self.choose(max(0, min(bisect_right(self._starts, max(row, 0)) - 1, len(self.items) - 1)))
        self.call_after_refresh(self._see_whether_at_end)

    def action_go_first(self) -> None:
        """Go to the first item."""
        if self.items:
            self.choose(0)

    def action_go_last(self) -> None:
        """Go to the end, and follow it from now on."""
        if self.chosen is not None and self.items:
            self.choose(len(self.items) - 1)
        self.following = self._tail
        self._to_end()

    def action_choose(self) -> None:
        """Ask for the chosen item."""
        if (item := self.chosen_item) is not None:
            self.post_message(self.Chosen(self, item))

    # -- the mouse, the focus, the size ---------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked at; a second click asks for it."""
        row = event.y + round(self.scroll_offset.y)
        if row < self._starts[-1]:
            index = bisect_right(self._starts, row) - 1
            again = index == self.chosen and event.chain > 1
            self.choose(index)
            if again:
                self.action_choose()

    def on_focus(self) -> None:
        """Show what is chosen."""
        self._forget_chosen()

    def on_blur(self) -> None:
        """Show that it is chosen no more for the keys."""
        self._forget_chosen()

    def _forget_chosen(self) -> None:
        if self.chosen is not None:
            self._cache.discard(self.chosen)
        self.refresh()

    def on_resize(self) -> None:
        """Break lines anew when the width has changed."""
        if self.row_width != self._columns:
            anchor = None if self.following or not self.items else self._first_seen()
            self.measure()
            if anchor is not None:
                self.scroll_to(y=self._starts[anchor], animate=False, immediate=True)
        elif self.following:
            self._to_end()

    def on_mouse_scroll_up(self) -> None:
        """Follow the end no longer."""
        self.following = False

    def on_mouse_scroll_down(self) -> None:
        """Follow the end once one is there again."""
        self.call_after_refresh(self._see_whether_at_end)

    def on_scroll_to(self) -> None:
        """The bar was drawn: follow the end only if one is there."""
        self.following = False
        self.call_after_refresh(self._see_whether_at_end)

    def _see_whether_at_end(self) -> None:
        if self._tail and self.scroll_offset.y >= self.max_scroll_y:
            self.following = True

    def notify_style_update(self) -> None:
        """Draw in the new colours after a change of theme."""
        super().notify_style_update()
        if self.is_mounted:
            self._cache.clear()
            self._looks.clear()
            self.call_later(self.grown)


def _over(ground: Style, style: Style | None) -> Style:
    return ground if style is None else ground + style
