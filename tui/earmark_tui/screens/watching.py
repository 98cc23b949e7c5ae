"""The viewer's one screen: what is said, and beside it what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from earmark.events import InsightKind, Utterance
from earmark.journal_rows import Mark
from earmark_tui import empty
from earmark_tui.api import PanelOffer
from earmark_tui.feeds.replay import ReplayFeed
from earmark_tui.finding import Needle
from earmark_tui.keys import bindings
from earmark_tui.room import RoomView
from earmark_tui.screens.marking import Marking
from earmark_tui.widgets.bars import Problems, ReplayBar, StatusBar, TopBar
from earmark_tui.widgets.finder import Finder
from earmark_tui.widgets.guests import Guest
from earmark_tui.widgets.marks import Marks
from earmark_tui.widgets.rooms import Rooms
from earmark_tui.widgets.rows import Rows
from earmark_tui.widgets.tabs import Tabs
from earmark_tui.widgets.talk import Talk
from earmark_tui.widgets.topics import Mood, Topics

if TYPE_CHECKING:
    from earmark_tui.app import Viewer

_PANELS = ("talk", "todo", "asked", "topics")
_REPLAY_HINT = "space holds · , . ten seconds · [ ] speed · esc leaves"


class Watching(Marking, Screen[None]):
    """A room, with panels that give way as the terminal gets smaller."""

    AUTO_FOCUS = "#talk"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual's own habit
        (0, "-narrow"),
        (76, "-normal"),
        (110, "-wide"),
        (180, "-wall"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (28, "-high"), (38, "-tall")]  # noqa: RUF012 - Textual's own habit

    def __init__(self, panels: Sequence[PanelOffer] = ()) -> None:
        super().__init__()
        self._offers = panels
        self._seen = "talk"
        self._complete = False
        self.shown: RoomView | None = None
        """The room as it was last drawn."""
        self._version = -1

    @property
    def viewer(self) -> Viewer:
        """The app."""
        return cast("Viewer", self.app)

    def compose(self) -> ComposeResult:
        """Everything there can be; the style sheet says what is seen."""
        now, steady = self.viewer.now, self.viewer.clock.monotonic
        yield TopBar(now=now, steady=steady, id="top")
        problems = Problems(id="problems")
        problems.display = False
        yield problems
        with Horizontal(id="body"):
            yield Rooms(id="rooms")
            with Vertical(id="empty"):
                yield Static(id="empty-words")
            yield Talk(id="talk")
            with Vertical(id="side"):
                yield Marks(InsightKind.ACTION_ITEM, InsightKind.FOLLOW_UP, title="To do", now=now, id="todo")
                yield Marks(InsightKind.QUESTION, title="Questions", now=now, id="asked")
                yield Topics(id="topics")
                yield Mood(id="mood")
                yield from (Guest(offer) for offer in self._offers)
        yield Finder(id="finder")
        yield Tabs(id="tabs")
        yield ReplayBar(id="replay")
        yield StatusBar(id="figures")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Look as one left it."""
        self.set_class(not self.viewer.memory.side, "-sideless")
        for marks in self.query(Marks):
            marks.open_only = self.viewer.memory.open_only
        self._see("talk")
        self._complete = True

    @property
    def ready(self) -> bool:
        """Whether everything is there to be shown on: not yet while it is made, and no more while it is left."""
        return self._complete and bool(self.query(Talk)) and bool(self.query(StatusBar))

    # -- showing --------------------------------------------------------------------------------------------------

    @property
    def talk(self) -> Talk:
        """What is said."""
        return self.query_one(Talk)

    @property
    def room(self) -> RoomView | None:
        """The room that is looked at."""
        return self.viewer.room

    def show(self, rooms: list[RoomView], room: RoomView) -> None:
        """Show the house as it is now."""
        self.set_class(len(rooms) > 1, "-many")
        nobody = not self.viewer.past and not room.line.attached and not room.talk
        self.set_class(nobody, "-nobody")
        if nobody:
            words = empty.words(room, self.viewer.chosen_keys, local=self.viewer.local)
            self.query_one("#empty-words", Static).update(words)
        if len(rooms) > 1:
            self.query_one(Rooms).show(rooms, room)
        if not self.up_to_date(room):
            self.shown, self._version = room, room.version
            self.talk.show(room)
            for marks in self.query(Marks):
                marks.show(room)
            self.query_one(Topics).show(room)
            self.query_one(Mood).show(room)
            for guest in self.query(Guest):
                guest.show(room)
        self.show_bars(room)

    def up_to_date(self, room: RoomView) -> bool:
        """Whether a room is shown as it is now."""
        return room is self.shown and room.version == self._version

    def show_bars(self, room: RoomView) -> None:
        """Show what changes with time alone."""
        top = self.query_one(TopBar)
        top.past = self.viewer.past
        top.show(room)
        self.query_one(Problems).show(room, told_already=self.has_class("-nobody"))
        self.query_one(StatusBar).show(room, self._doing())
        titles = tuple((name, str(self.query_one(f"#{name}").border_title or "Talk")) for name in _PANELS)
        self.query_one(Tabs).show(titles, self._seen)
        if isinstance(feed := self.viewer.feed, ReplayFeed):
            at = feed.position
            self.query_one(ReplayBar).show(
                at_seconds=at.at_seconds, of_seconds=at.of_seconds, speed=at.speed, playing=at.playing
            )

    def _doing(self) -> str:
        talk = self.talk
        if talk.needle:
            at, count = talk.matches()
            return f'"{talk.needle.text}": {f"{at} of " if at else ""}{count or "nothing"} found'
        if talk.filter:
            return f'{len(talk.items)} lines with "{talk.filter.text}"'
        if talk.frozen:
            return f"held, {talk.waiting} new" if talk.waiting else "held"
        if not talk.following and talk.max_scroll_y > 0:
            return "scrolled back: G follows again"
        return _REPLAY_HINT if self.viewer.past else ""

    # -- panels ---------------------------------------------------------------------------------------------------

    def _see(self, panel: str) -> None:
        """Show a panel where only one has room."""
        self._seen = panel
        self.set_class(panel != "talk", "-on-side")
        for widget in self.query(".panel"):
            widget.set_class(widget.id == panel, "-on")

    def action_panel(self, panel: str) -> None:
        """Go to a panel."""
        self._see(panel)
        if panel != "talk" and self.has_class("-sideless"):
            self.action_side()
        # At once: the next key may be here already.
        self.set_focus(self.query_one(f"#{panel}", Widget))
        if self.room:
            self.show_bars(self.room)

    def on_tabs_picked(self, event: Tabs.Picked) -> None:
        """Go to the panel that was clicked at."""
        self.action_panel(event.panel)

    def action_side(self) -> None:
        """Show the panels beside the talk, or hide them."""
        self.toggle_class("-sideless")
        self.viewer.memory.side = not self.has_class("-sideless")
        if self.has_class("-sideless") and not self.talk.has_focus:
            self.set_focus(self.talk)

    def action_open_only(self) -> None:
        """Hide marks that are done, or show them."""
        self.viewer.memory.open_only = not self.viewer.memory.open_only
        for marks in self.query(Marks):
            marks.open_only = self.viewer.memory.open_only
            marks.again()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """From a mark to its words, from words to their mark, to another room."""
        item = event.item
        if isinstance(item, Mark):
            self._go_to_words(item)
        elif isinstance(item, Utterance):
            self._go_to_mark(item)
        elif isinstance(item, RoomView):
            self.viewer.look_at(item.name)
        elif isinstance(item, tuple) and self.room:
            names = self.room.topic_words.get(str(item[1]), ())
            self._go_to(names[0] if names else None, "the words of this topic")

    def _go_to_words(self, mark: Mark) -> None:
        self._go_to(mark.insight.utterance, "the words that this came from")

    def _go_to(self, utterance: str | None, what: str) -> None:
        if self.talk.filter and utterance and self.talk.index_of(utterance) is None:
            self.set_filter(Needle())
        index = self.talk.index_of(utterance) if utterance else None
        if index is None:
            self.notify(f"{what.capitalize()} are not among what is shown.", severity="warning")
            return
        self.action_panel("talk")
        self.call_after_refresh(self.talk.choose, index, centre=True)

    def _go_to_mark(self, said: Utterance) -> None:
        names = self.room.marks_of.get(said.id, ()) if self.room else ()
        for marks in self.query(Marks):
            for name in names:
                if (index := marks.index_of(name)) is not None:
                    self.action_panel(marks.id or "todo")
                    self.call_after_refresh(marks.choose, index, centre=True)
                    return

    # -- finding --------------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Ask what to find."""
        self._see("talk")
        self.query_one(Finder).open(self.talk.needle.text, filtering=False)

    def action_filter(self) -> None:
        """Ask what lines must hold."""
        self._see("talk")
        self.query_one(Finder).open(self.talk.filter.text, filtering=True)

    def on_finder_changed(self, event: Finder.Changed) -> None:
        """Find or filter while one writes."""
        needle = Needle(event.text)
        if event.filtering:
            self.set_filter(needle)
        else:
            self.talk.needle = needle
            self.talk.redrawn()
            if needle and not event.final:
                self.talk.choose(None)
                self.talk.find(-1)
            if event.final and needle and self.talk.chosen is None:
                self.notify(f'"{event.text}" is not among what is shown.')
        if event.final:
            self.set_focus(self.talk)
        if self.room:
            self.show_bars(self.room)

    def set_filter(self, needle: Needle) -> None:
        """Show only lines that hold some words, or all of them."""
        self.talk.filter = needle
        if self.talk.room:
            self.talk.refill()

    def action_find_again(self, by: int) -> None:
        """Go to the next or the previous line that was found."""
        if not self.talk.needle:
            self.action_find()
            return
        self.talk.find(by)
        if self.room:
            self.show_bars(self.room)

    def action_clear(self) -> None:
        """Stop what one began last; with nothing left to stop, leave a replay for the room."""
        talk, finder = self.talk, self.query_one(Finder)
        busy = finder.is_open or bool(talk.needle) or bool(talk.filter) or talk.frozen
        busy = busy or talk.chosen is not None or not talk.following
        finder.close()
        if talk.needle or talk.filter:
            talk.needle = Needle()
            self.set_filter(Needle())
        talk.frozen = False
        talk.choose(None)
        self.set_focus(talk)
        self._see("talk")
        talk.action_go_last()
        if not busy:
            self.viewer.back_to_room()
        if self.room:
            talk.show(self.room)
            self.show_bars(self.room)

    def action_hold(self) -> None:
        """Hold the talk still, or let it go on; a replay is played or held."""
        if isinstance(feed := self.viewer.feed, ReplayFeed):
            feed.toggle()
        else:
            self.talk.frozen = not self.talk.frozen
        if self.room:
            self.talk.show(self.room)
            self.show_bars(self.room)

    def on_click(self, event: object) -> None:
        """A click on the replay's line goes there."""
        bar = self.query_one(ReplayBar)
        widget, x = getattr(event, "widget", None), getattr(event, "x", 0)
        if widget is bar and isinstance(feed := self.viewer.feed, ReplayFeed):
            begin, cells = bar.track()
            feed.seek((x - begin) / max(cells - 1, 1) * feed.of_seconds)
