"""What one may do with a chosen line or mark: tick it off, put it in other words, copy it, write it down."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen

from earmark.door import ChangeMark
from earmark.errors import EarmarkError
from earmark.events import Change, Durable, InsightKind, Utterance
from earmark.exports import FORMATS
from earmark.journal_rows import Mark
from earmark.minutes import name_of
from earmark_tui.feeds import BY
from earmark_tui.room import RoomView
from earmark_tui.screens.asking import AskFile, AskText
from earmark_tui.widgets.marks import Marks
from earmark_tui.widgets.talk import Talk
from earmark_tui.wording import CLOSED, clock, facts_of, rule_of, spoken

if TYPE_CHECKING:
    from earmark_tui.app import Viewer

    _Base = Screen[None]
else:
    _Base = object


class Marking(_Base):
    """A part of the viewer's screen."""

    @property
    def viewer(self) -> Viewer:
        """The app."""
        raise NotImplementedError

    def chosen_mark(self) -> Mark | None:
        """The mark that is chosen where the keys go, or the one of the chosen line."""
        focused, room = self.focused, self.viewer.room
        if isinstance(focused, Marks):
            return focused.chosen_item
        if isinstance(focused, Talk) and room and focused.chosen_item:
            for name in room.marks_of.get(focused.chosen_item.id, ()):
                return room.marks.get(name)
        return None

    def _change(self, change: Change, text: str | None = None) -> None:
        mark, room = self.chosen_mark(), self.viewer.room
        if mark is None or room is None:
            self.notify("Choose a mark first: 2 or 3, then the arrows.")
            return
        asked = ChangeMark(mark=mark.insight.mark, change=change, text=text, by=BY)
        shown = partial(room.changed_here, mark.insight.mark, change) if change is not Change.AMENDED else None
        self.viewer.ask(asked, then=shown)

    def action_tick(self) -> None:
        """Done, answered, or open again."""
        mark = self.chosen_mark()
        if mark and mark.state in CLOSED:
            self._change(Change.OPEN)
        else:
            answered = mark is not None and mark.insight.kind is InsightKind.QUESTION
            self._change(Change.ANSWERED if answered else Change.DONE)

    def action_drop(self) -> None:
        """Take a mark away that is none."""
        self._change(Change.DISMISSED)

    def action_amend(self) -> None:
        """Put a mark in other words."""
        if (mark := self.chosen_mark()) is None:
            self._change(Change.AMENDED)
            return

        def written(text: str | None) -> None:
            if text and text != mark.insight.text:
                self._change(Change.AMENDED, text)

        self.app.push_screen(
            AskText("In other words", spoken(mark.insight), "The first words stay in the journal."), written
        )

    # -- copying and writing --------------------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy the chosen line or mark; with none chosen, the newest line."""
        text = self._chosen_text()
        if text:
            self.viewer.copy(text, "Copied")

    def _chosen_text(self) -> str:
        if isinstance(self.focused, Marks) and (mark := self.focused.chosen_item):
            facts = facts_of(mark, self.viewer.now())
            return spoken(mark.insight) + (f" ({facts})" if facts else "")
        talk = self.query_one(Talk)
        item = talk.chosen_item or next((i for i in reversed(talk.items) if isinstance(i, Utterance)), None)
        if isinstance(item, Utterance):
            name = name_of(item.speaker)
            return f"{clock(item.at)} {f'{name}: ' if name else ''}{spoken(item)}"
        return rule_of(item) if item is not None and hasattr(item, "room") and not hasattr(item, "cause") else ""

    def action_copy_all(self) -> None:
        """Copy the minutes of the conversation."""
        self.viewer.run_worker(self._copy_all(), name="copy", exit_on_error=False)

    async def _copy_all(self) -> None:
        if events := await self._events():
            self.viewer.copy(FORMATS["markdown"].write(events), "Minutes copied")

    def action_write(self) -> None:
        """Ask where to write the conversation, and write it."""
        room = self.viewer.room
        if room is None or room.began is None:
            self.notify("There is no conversation to be written yet.")
            return
        name = f"{room.name}-{room.began.astimezone():%Y-%m-%d-%H%M}.md"

        def chosen(text: str | None) -> None:
            if text:
                path = Path(text).expanduser()
                self.viewer.run_worker(self._write(path), name="write", exit_on_error=False)

        self.app.push_screen(AskFile(Path(name)), chosen)

    async def _write(self, path: Path) -> None:
        if events := await self._events():
            try:
                self.notify(f"Written to {write_down(events, path)}")
            except EarmarkError as error:
                self.notify(str(error), severity="error")

    async def _events(self) -> list[Durable]:
        """The present conversation, whole where the feed has it, otherwise as far as it is shown."""
        room = self.viewer.room
        if room is None:
            return []
        try:
            entries = await self.viewer.feed.of_conversation(room.name, room.conversation)
            events = [entry.event for entry in entries]
        except EarmarkError:
            events = shown_events(room)
        if not events:
            self.notify("There is no conversation yet.")
        return events


def write_down(events: list[Durable], path: Path) -> Path:
    """Write a conversation in the way that the file's ending says, over nothing that is there already."""
    form = next((form for form in FORMATS.values() if path.suffix == f".{form.suffix}"), None)
    if form is None:
        endings = ", ".join(f".{form.suffix}" for form in FORMATS.values())
        raise EarmarkError(f"{path.name}: the ending must be one of {endings}")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(form.write(events))
    except OSError as error:
        raise EarmarkError(f"{path}: not written ({error.strerror}); choose another name") from error
    return path.absolute()


def shown_events(room: RoomView) -> list[Durable]:
    """The present conversation as far as it is shown."""
    talk: list[Durable] = [item for item in room.talk if item.conversation == room.conversation]
    marks = [mark.insight for mark in room.marks.values() if mark.insight.conversation == room.conversation]
    return [*talk, *marks]
