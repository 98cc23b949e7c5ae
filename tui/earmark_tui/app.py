"""The viewer: takes what a feed tells, a few times a second, and shows it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker

from earmark.clock import Clock
from earmark.door import End, Mute, Unmute
from earmark.errors import EarmarkError
from earmark.events import State
from earmark.journal_rows import Summary
from earmark_tui import clipboard
from earmark_tui.api import PanelOffer
from earmark_tui.feeds import BY, Asked, Feed, Inbox
from earmark_tui.feeds.replay import ReplayFeed, demo_recording
from earmark_tui.house import House
from earmark_tui.keys import GROUPS
from earmark_tui.memory import KEYS_FILE, Memory, config_folder, remember
from earmark_tui.room import RoomView
from earmark_tui.screens.asking import AskYes
from earmark_tui.screens.history import History
from earmark_tui.screens.sheets import Details, Help
from earmark_tui.screens.watching import Watching
from earmark_tui.themes import CONTRAST, NAMES, PLAIN, THEMES

_DRAWN_EVERY_SECONDS = 0.05
_TICK_SECONDS = 0.5
_CHUNK = 500
_SHOWN_WHILE_CATCHING_UP_SECONDS = 0.25
_MUTES = ((300, "5 minutes"), (900, "15 minutes"), (3600, "an hour"))


class Viewer(App[str]):
    """Watches a house; its answer is `stop` if the listener in the same program is to stop."""

    CSS_PATH = "style.tcss"
    TITLE = "earmark"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "leave", show=False, system=True)]

    def __init__(
        self,
        feed: Feed,
        *,
        clock: Clock,
        room: str,
        memory: Memory | None = None,
        memory_folder: Path | None = None,
        panels: Sequence[PanelOffer] = (),
        keys: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        local: bool = True,
        stops: bool = False,
    ) -> None:
        """With `stops`, a listener runs in the same program and stops when the viewer is left."""
        super().__init__()
        self.feed = feed
        self.clock = clock
        self.local = local
        """Whether a listener could be started on this machine to be watched."""
        self.house = House()
        self.memory = memory or Memory()
        self.chosen_keys = dict(keys or {})
        self._home = feed
        self._looked_at = room
        self._memory_folder = memory_folder
        self._panels = panels
        self._environ = os.environ if environ is None else environ
        self._stops = stops
        self._inbox = Inbox()
        self._feeding: Worker[None] | None = None
        for theme in THEMES:
            self.register_theme(theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colour of what matters less, for themes that are not the viewer's own."""
        return {"dim": "#888c94"}

    # -- life -----------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Look as one left it, and begin to listen to the feed."""
        # Without colour, a terminal shows shades of grey: the strongest contrast is the most legible.
        wanted = CONTRAST if self.no_color else self.memory.theme
        self.theme = wanted if wanted in self.available_themes else NAMES[0]
        self.set_keymap(self.chosen_keys)
        self.push_screen(Watching(self._panels))
        self.set_interval(_TICK_SECONDS, self._show)
        self._start(self.feed)

    def _watch_theme(self, theme_name: str) -> None:
        super()._watch_theme(theme_name)
        # What colour says elsewhere is said by bold, dim and reverse here.
        self.set_class(self.no_color or theme_name == PLAIN, "-plain")

    def _start(self, feed: Feed) -> None:
        if self._feeding is not None:
            self._feeding.cancel()
        self.feed, self.house, self._inbox = feed, House(), Inbox()
        if isinstance(feed, ReplayFeed):
            self._looked_at = feed.room
        self._feeding = self.run_worker(self._run(feed, self._inbox), name="feed", exit_on_error=True)
        self.watching.set_class(feed.past, "-replay")

    async def _run(self, feed: Feed, inbox: Inbox) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(feed.run(inbox))
            group.create_task(self._draw(inbox))

    async def _draw(self, inbox: Inbox) -> None:
        """Take what came and show it, at most twenty times a second; keys are answered in between."""
        while True:
            await inbox.wait()
            shown = self.clock.monotonic()
            while not inbox.empty:
                self.house.take(inbox.take(_CHUNK))
                await asyncio.sleep(0)
                if self.clock.monotonic() - shown > _SHOWN_WHILE_CATCHING_UP_SECONDS:
                    self._show()
                    shown = self.clock.monotonic()
            self._show()
            await asyncio.sleep(_DRAWN_EVERY_SECONDS)

    @property
    def watching(self) -> Watching:
        """The main screen, whatever lies over it."""
        return next(screen for screen in self.screen_stack if isinstance(screen, Watching))

    def _show(self) -> None:
        """Show the house as it is now; countdowns move even when nothing happens, so this is called twice a second."""
        room = self.room
        if room is not None and self.watching.ready:
            self.watching.show(self.house.ordered(), room)
            if isinstance(self.screen, Details):
                self.screen.show(room)

    @property
    def room(self) -> RoomView | None:
        """The room that is looked at."""
        rooms = self.house.rooms
        return rooms.get(self._looked_at) or next(iter(rooms.values()), None)

    @property
    def quiet(self) -> bool:
        """Whether everything that was told is shown."""
        return self._inbox.empty and self.room is not None and self.watching.up_to_date(self.room)

    @property
    def past(self) -> bool:
        """Whether a replay is shown."""
        return self.feed.past

    def now(self) -> datetime:
        """The time; in a replay, the time that it was."""
        if isinstance(self.feed, ReplayFeed):
            return self.feed.now
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def look_at(self, room: str) -> None:
        """Show another room."""
        self._looked_at = room
        self.watching.action_panel("talk")
        self._show()

    # -- asking the room ------------------------------------------------------------------------------------------

    def ask(self, asked: Asked, *, then: Callable[[], None] | None = None, words: str = "") -> None:
        """Ask something of the room that is looked at, and say so if it cannot be."""
        if (room := self.room) is not None:
            self.run_worker(self._ask(room.name, asked, then, words), name="ask", exit_on_error=False)

    async def _ask(self, room: str, asked: Asked, then: Callable[[], None] | None, words: str) -> None:
        try:
            await self.feed.ask(room, asked)
        except EarmarkError as error:
            self.notify(str(error), severity="error")
            return
        if then is not None:
            then()
            self._show()
        if words:
            self.notify(words)

    def action_mute(self) -> None:
        """Close the room's ears, or open them."""
        status = self.room.status if self.room else None
        muted = status is not None and (status.state is State.MUTED or status.muted_until is not None)
        self.ask(Unmute(by=BY) if muted else Mute(by=BY))

    def action_mute_for(self, seconds: int) -> None:
        """Close them for a time."""
        self.ask(Mute(seconds=float(seconds), by=BY))

    def action_end(self) -> None:
        """End the conversation, if that is meant."""

        def answered(yes: bool | None) -> None:
            if yes:
                self.ask(End(by=BY), words="The conversation is over; the next word begins another.")

        self.push_screen(AskYes("End this conversation? The next word begins another."), answered)

    # -- moving between rooms and times ---------------------------------------------------------------------------

    def action_room(self, by: int) -> None:
        """Look at the next or the previous room."""
        rooms = self.house.ordered()
        if self.room in rooms and len(rooms) > 1:
            self.look_at(rooms[(rooms.index(self.room) + by) % len(rooms)].name)

    def action_history(self) -> None:
        """Show past conversations."""
        self.run_worker(self._history(), name="history", exit_on_error=False)

    async def _history(self) -> None:
        room = self.room
        name = room.name if room else self._looked_at
        try:
            summaries = await self.feed.conversations(name)
        except EarmarkError as error:
            self.notify(str(error), severity="warning")
            return

        def chosen(summary: Summary | None) -> None:
            if summary is not None:
                self.run_worker(self._replay(name, summary), name="replay", exit_on_error=False)

        self.push_screen(History(name, summaries, datetime.fromtimestamp(self.clock.now(), UTC)), chosen)

    async def _replay(self, room: str, summary: Summary) -> None:
        try:
            entries = await self.feed.of_conversation(room, summary.id)
            self._start(ReplayFeed(room, entries, clock=self.clock, live=self._home))
        except EarmarkError as error:
            self.notify(str(error), severity="error")

    def action_demo(self) -> None:
        """Play the recorded conversation that comes with Earmark."""
        self._start(ReplayFeed("kitchen", demo_recording(), clock=self.clock))

    def back_to_room(self) -> None:
        """Leave a replay for the room that was watched before."""
        if self.feed is not self._home:
            self._start(self._home)

    def action_speed(self, steps: int) -> None:
        """Play faster or slower."""
        if isinstance(self.feed, ReplayFeed):
            self.feed.faster(steps)
            self._show()

    def action_seek(self, seconds: int) -> None:
        """Go back or on in a replay."""
        if isinstance(self.feed, ReplayFeed):
            self.feed.seek(self.feed.position.at_seconds + seconds)

    def action_seek_to(self, share: int) -> None:
        """Go to the beginning or to the end of a replay."""
        if isinstance(self.feed, ReplayFeed):
            self.feed.seek(share * self.feed.of_seconds)

    # -- the viewer itself ----------------------------------------------------------------------------------------

    def copy(self, text: str, words: str) -> None:
        """Copy to the clipboard of whoever sits before the terminal."""
        self.copy_to_clipboard(text)
        if self._driver is not None and not self.is_headless:
            for sequence in clipboard.sequences(text, self._environ)[1:]:
                self._driver.write(sequence)
        self.run_worker(clipboard.tell_tmux(text, self._environ), name="tmux", exit_on_error=False)
        self.notify(words, timeout=2)

    def action_details(self) -> None:
        """Show how the room and its stages are."""
        if (room := self.room) is not None:
            self.push_screen(Details(room))

    def action_keys(self) -> None:
        """Show every key."""
        self.push_screen(Help(self.chosen_keys, keys_file=str(config_folder(self._environ) / KEYS_FILE)))

    def action_other_theme(self) -> None:
        """Go on to the next colours."""
        at = NAMES.index(self.theme) if self.theme in NAMES else -1
        self.theme = NAMES[(at + 1) % len(NAMES)]
        self.notify(self.theme.removeprefix("earmark-"), timeout=1.5)

    def action_leave(self) -> None:
        """Leave; a listener in the same program stops, if that is meant."""
        if not self._stops:
            self.exit("left")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.exit("stop")

        self.push_screen(AskYes("Stop listening? What was heard is delivered first."), answered)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Everything that keys do, by name, and some more."""
        for title, keys in GROUPS:
            for key in keys:
                yield SystemCommand(f"{title}: {key.help}", f"key {key.name}", self._doer(key.action))
        for seconds, words in _MUTES:
            yield SystemCommand(f"Room: close the ears for {words}", "mute", self._doer(f"app.mute_for({seconds})"))
        yield from super().get_system_commands(screen)

    def _doer(self, action: str) -> Callable[[], None]:
        def act() -> None:
            self.run_worker(self.run_action(action, self.watching), exit_on_error=False)

        return act

    def on_unmount(self) -> None:
        """Remember how it looked."""
        if not self.no_color:
            self.memory.theme = self.theme
        if self._memory_folder is not None:
            remember(self.memory, self._memory_folder)
