"""What is being said: one item an utterance, with the text that is still growing after the last."""

from __future__ import annotations

from bisect import bisect_left

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from earmark.events import Change, ConversationEnded, ConversationStarted, Gap, Hearing, Utterance
from earmark.minutes import name_of
from earmark_tui.finding import Needle
from earmark_tui.room import RoomView, TalkItem
from earmark_tui.widgets.rows import Rows
from earmark_tui.wording import CLOSED, SIGNS, clean, clock, fitted, missing, rows_of, rule_of, spoken, wrapped

_TIME_CELLS = 8
_MOST_NAME_CELLS = 12
_NARROW_CELLS = 44
_WIDEST_TEXT_CELLS = 100
_MOST_GROWING_ROWS = 6


class Talk(Rows[TalkItem]):
    """The transcript of a room."""

    COMPONENT_CLASSES = {f"rows--speaker{number}" for number in range(4)}  # noqa: RUF012 - Textual's own habit

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, tail=True)
        self.room: RoomView | None = None
        self.needle: Needle = Needle()
        """What is looked for; found words are shown as such."""
        self.filter: Needle = Needle()
        """What a line must hold to be shown."""
        self.frozen = False
        self._taken = 0
        self._name_cells = 0
        self._inline = False
        self._margin = 0
        """Cells before the text: the sign, the time, and the name where names are known."""
        self._cells = 1

    # -- content --------------------------------------------------------------------------------------------------

    def show(self, room: RoomView) -> None:
        """Show a room as it is now."""
        if self.frozen and room is self.room:
            return
        cells = _name_cells(room)
        if room is not self.room or cells != self._name_cells:
            if room is not self.room:
                self.chosen, self.following = None, True
            self.room, self._name_cells = room, cells
            self.refill()
            return
        self._take_more(room)

    def refill(self) -> None:
        """Lay the whole talk out anew."""
        assert self.room is not None
        talk = self.room.talk
        self._taken = self.room.dropped + len(talk)
        chosen = self.chosen_item
        self.items = [item for item in talk if self.filter.found_in(_text(item))] if self.filter else list(talk)
        self.chosen = None if chosen is None else self.index_of(chosen.id)
        self.measure()

    def _take_more(self, room: RoomView) -> None:
        fresh = room.dropped + len(room.talk) - self._taken
        assert isinstance(self.items, list)
        if fresh > len(room.talk) or len(self.items) - len(room.talk) > len(room.talk) // 8 + 64:
            self.refill()
            return
        added = room.talk[len(room.talk) - fresh :] if fresh else []
        self._taken += fresh
        self.items += [item for item in added if not self.filter or self.filter.found_in(_text(item))]
        self._cache.clear()
        self.grown()

    @property
    def waiting(self) -> int:
        """How much was said that is not shown while the view is frozen."""
        return self.room.dropped + len(self.room.talk) - self._taken if self.room else 0

    def index_of(self, name: str) -> int | None:
        """Where an utterance stands; the newest are looked through first."""
        items = self.items
        return next((i for i in range(len(items) - 1, -1, -1) if items[i].id == name), None)

    def find(self, by: int) -> bool:
        """Choose the next or the previous line that holds what is looked for."""
        count = len(self.items)
        at = self.chosen if self.chosen is not None else count if by < 0 else -1
        for step in range(1, count + 1):
            index = (at + by * step) % count
            if self.needle.found_in(_text(self.items[index])):
                self.choose(index, centre=True)
                return True
        return False

    def matches(self) -> tuple[int, int]:
        """Which of the found lines is chosen, counted from 1, and how many there are."""
        found = [index for index, item in enumerate(self.items) if self.needle.found_in(_text(item))]
        at = bisect_left(found, self.chosen) if self.chosen is not None else len(found)
        return (at + 1 if at < len(found) and found[at] == self.chosen else 0), len(found)

    # -- drawing --------------------------------------------------------------------------------------------------

    def prepare(self, width: int) -> None:
        """Reckon how wide the text is."""
        self._inline = width < _NARROW_CELLS
        names = self._name_cells + 2 if self._name_cells else 0
        self._margin = 2 if self._inline else 2 + _TIME_CELLS + 2 + names
        self._cells = max(min(width - self._margin - 1, _WIDEST_TEXT_CELLS), 10)

    def height_of(self, item: TalkItem, width: int) -> int:
        """How many rows it takes."""
        if isinstance(item, Utterance):
            return rows_of(self._line(item), self._cells)
        return 2 if isinstance(item, ConversationStarted) else 1

    def _line(self, item: Utterance) -> str:
        name = name_of(item.speaker) if self._inline else None
        return f"{clean(name)}: {spoken(item)}" if name else spoken(item)

    def draw(self, item: TalkItem, width: int) -> list[list[Segment]]:
        """Its rows."""
        if isinstance(item, Utterance):
            return self._drawn_utterance(item, width)
        if isinstance(item, Gap):
            return [[Segment(f"⋯ {fitted(missing(item), width - 3)}", self.look("bad"))]]
        return self._drawn_rule(item, width)

    def _drawn_utterance(self, item: Utterance, width: int) -> list[list[Segment]]:
        lines = wrapped(self._line(item), self._cells)
        style = self.look("dim") if item.withheld else None
        rows: list[list[Segment]] = []
        for number, line in enumerate(lines):
            head = self._head(item) if number == 0 else [Segment(" " * self._margin)]
            rows.append([*head, *self._with_found(line, style)])
        return rows

    def _head(self, item: Utterance) -> list[Segment]:
        sign, style = self._sign(item)
        parts = [Segment(f"{sign} ", style)]
        if not self._inline:
            parts.append(Segment(f"{clock(item.at)}  ", self.look("dim")))
            if self._name_cells:
                parts.append(self._who(item))
        return parts

    def _who(self, item: Utterance | Hearing) -> Segment:
        name = clean(name_of(item.speaker) or "")
        shown = fitted(name, self._name_cells)
        number = self.room.speakers.get(name, 0) % 4 if self.room else 0
        return Segment(shown + " " * (self._name_cells + 2 - cell_len(shown)), self.look(f"speaker{number}"))

    def _sign(self, item: Utterance) -> tuple[str, Style | None]:
        assert self.room is not None
        for name in self.room.marks_of.get(item.id, ()):
            mark = self.room.marks.get(name)
            if mark and mark.state is not Change.DISMISSED:
                if mark.state in CLOSED:
                    return "✓", self.look("good")
                return SIGNS[mark.insight.kind], self.look("ask" if mark.insight.kind == "question" else "todo")
        return " ", None

    def _with_found(self, line: str, style: Style | None) -> list[Segment]:
        needle = self.needle or self.filter
        spans = needle.spans(line) if needle else []
        parts, at = [], 0
        for begin, end in spans:
            parts += [Segment(line[at:begin], style), Segment(line[begin:end], self.look("found"))]
            at = end
        return [*parts, Segment(line[at:], style)]

    def _drawn_rule(self, item: ConversationStarted | ConversationEnded, width: int) -> list[list[Segment]]:
        words = fitted(rule_of(item), width - 8)
        style = self.look("strong" if isinstance(item, ConversationStarted) else "dim")
        faint = self.look("faint")
        dashes = max(0, width - cell_len(words) - 6)
        rule = [Segment("── ", faint), Segment(words, style), Segment(f" {'─' * dashes}", faint)]
        return [[Segment("")], rule] if isinstance(item, ConversationStarted) else [rule]

    def draw_after(self, width: int) -> list[list[Segment]]:
        """The text that is still growing."""
        if self.room is None or self.frozen or self.filter:
            return []
        cells = self._cells
        rows: list[list[Segment]] = []
        for hearing in self.room.pending:
            lines = wrapped(clean(hearing.text), cells)
            ellipsis = "" if hearing.final else " …"
            lines[-1] = fitted(lines[-1] + ellipsis, cells + 2)
            style = self.look("dim") + Style(italic=True)
            head: list[Segment] = [Segment("» ", self.look("good"))]
            if not self._inline:
                head.append(Segment(" " * (_TIME_CELLS + 2)))
                if self._name_cells:
                    head.append(self._who(hearing))
            rows.append([*head, Segment(lines[0], style)])
            rows += [[Segment(" " * self._margin), Segment(line, style)] for line in lines[1:]]
        return rows[-_MOST_GROWING_ROWS:]


def _name_cells(room: RoomView) -> int:
    return min(max((cell_len(clean(name)) for name in room.speakers), default=0), _MOST_NAME_CELLS)


def _text(item: TalkItem) -> str:
    if isinstance(item, Utterance):
        name = name_of(item.speaker)
        return f"{name}: {item.text}" if name else item.text
    return ""
