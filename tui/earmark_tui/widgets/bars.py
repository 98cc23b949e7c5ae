"""The lines above and below the panels: the state of the room, and the truth about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from earmark.events import Level, State, Status
from earmark.minutes import length
from earmark_tui.room import RoomView
from earmark_tui.wording import STATES, clean, countdown, fitted, span

_QUIET_DBFS = -60.0
_HOT_DBFS = -3.0
_FRESH_SECONDS = 2.0
_METER_CELLS = 12
_TROUBLED = (State.RECONNECTING, State.MUTED, State.STOPPED)


class TopBar(Widget):
    """Which room, what it does, for how long, and how loud it is."""

    COMPONENT_CLASSES = {"bar--name", "bar--good", "bar--bad", "bar--wait", "bar--dim"}  # noqa: RUF012 - Textual's habit

    def __init__(self, *, now: Callable[[], datetime], steady: Callable[[], float], id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.room: RoomView | None = None
        self.past = False
        """Whether what is shown is over, so that there is no state to tell."""
        self._now = now
        self._steady = steady
        self._level: Level | None = None
        self._level_at = 0.0

    def show(self, room: RoomView) -> None:
        """Show a room as it is now."""
        self.room = room
        if room.level is not self._level:
            self._level, self._level_at = room.level, self._steady()
        self.refresh()

    def render(self) -> Text:
        """The line."""
        if self.room is None:
            return Text(" earmark", self._look("name"))
        width = self.size.width
        left = Text.assemble(" ", (clean(self.room.name), self._look("name")), "  ", *self._state())
        if time := self._time():
            left.append(f"  {time}", self._look("dim"))
        meter = self._meter() if width >= 48 else Text()
        left.truncate(max(width - meter.cell_len - 2, 8), overflow="ellipsis")
        gap = max(1, width - left.cell_len - meter.cell_len - 1)
        return Text.assemble(left, " " * gap, meter)

    def _look(self, name: str) -> Style:
        return self.get_component_rich_style(f"bar--{name}", partial=True)

    def _state(self) -> list[tuple[str, Style]]:
        room = self.room
        assert room is not None
        if self.past:
            return [("replay", self._look("wait"))]
        if not room.line.attached:
            wait = max(0.0, (room.line.retry_at or 0.0) - self._steady())
            again = f", again in {wait:.0f} s" if wait >= 0.5 else ""
            return [(f"✕ not attached{again}", self._look("bad"))]
        if room.status is None:
            return [("◌ attached", self._look("wait"))]
        return [(words_for(room.status, self._now()), self._look(tone_of(room.status)))]

    def _time(self) -> str:
        room = self.room
        assert room is not None
        if self.past or room.began is None or room.ended is not None or not room.line.attached:
            return ""
        lasted = (self._now() - room.began).total_seconds()
        return span(lasted) if 0 <= lasted < 86_400 and room.status and room.status.conversation else ""

    def _meter(self) -> Text:
        level = self._level
        if level is None or (self._steady() - self._level_at > _FRESH_SECONDS and not self.past):
            return Text()
        lit = round((1 - max(_QUIET_DBFS, min(0.0, level.rms_dbfs)) / _QUIET_DBFS) * _METER_CELLS)
        peak = round((1 - max(_QUIET_DBFS, min(0.0, level.peak_dbfs)) / _QUIET_DBFS) * _METER_CELLS)
        hot = self._look("bad" if level.peak_dbfs > _HOT_DBFS else "good")
        bar = Text("▮" * lit, hot)
        bar.append("▯" * max(0, min(peak, _METER_CELLS) - lit), hot)
        bar.append("·" * (_METER_CELLS - max(lit, min(peak, _METER_CELLS))), self._look("dim"))
        figure = f"{max(level.rms_dbfs, -99.0):4.0f} dB "
        return Text.assemble((figure, self._look("dim")), bar)


def words_for(status: Status, now: datetime) -> str:
    """The state of a room, with what a person would ask next: until when, and why."""
    sign, words = STATES[status.state]
    said = f"{sign} {words}"
    if status.state is State.RECONNECTING and (left := countdown(status.next_attempt_at, now)):
        said += f", again in {left}"
    if status.state is State.MUTED and status.muted_until:
        left = countdown(status.muted_until, now)
        said += f" for {left}" if left else ""
    return said


def tone_of(status: Status) -> str:
    """Which colour says it: all is well, wait, or look here."""
    if status.state in _TROUBLED:
        return "bad"
    return "good" if status.state is State.LISTENING else "wait"


class Problems(Widget):
    """What is wrong just now, each a sentence; not there when all is well."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sentences: tuple[str, ...] = ()

    def show(self, room: RoomView, *, told_already: bool) -> None:
        """Show a room as it is now, unless the screen tells it at large."""
        sentences = () if told_already else problems_of(room)
        if sentences != self.sentences:
            self.sentences = sentences
            self.display = bool(sentences)
            self.refresh(layout=True)

    def render(self) -> Text:
        """One line each; the last says how many more there are."""
        most = max(1, min(3, len(self.sentences)))
        lines = [fitted(f" ! {clean(sentence)}", max(self.size.width, 10)) for sentence in self.sentences[:most]]
        if len(self.sentences) > most:
            lines[-1] = f" ! and {len(self.sentences) - most + 1} more: press i"
        return Text("\n".join(lines))

    def get_content_height(self, container, viewport, width: int) -> int:  # type: ignore[no-untyped-def]
        """As many lines as there are sentences, three at most."""
        return max(1, min(3, len(self.sentences)))


def problems_of(room: RoomView) -> tuple[str, ...]:
    """What a person should know of, the way to the listener first."""
    own = (room.line.reason,) if room.line.reason and not room.line.attached else ()
    status = room.status if room.line.attached else None
    told = status.problems if status else ()
    reason = (status.reason,) if status and status.reason and status.state in _TROUBLED else ()
    return tuple(dict.fromkeys(sentence for sentence in (*own, *reason, *told) if sentence))


class StatusBar(Widget):
    """Figures on the left, what the view does on the right."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._left = ""
        self._right = ""

    def show(self, room: RoomView, doing: str) -> None:
        """Show a room as it is now, and what the view does."""
        left = figures_of(room)
        if (left, doing) != (self._left, self._right):
            self._left, self._right = left, doing
            self.refresh()

    def render(self) -> Text:
        """The line."""
        width = max(self.size.width - 2, 1)
        right = fitted(self._right, width)
        left = fitted(self._left, max(width - cell_len(right) - 2, 0)) if width - cell_len(right) > 4 else ""
        gap = width - cell_len(left) - cell_len(right)
        return Text(f" {left}{' ' * gap}{right} ")


def figures_of(room: RoomView) -> str:
    """How far behind, what was lost, what was left out: only what is not nothing."""
    status = room.status
    if status is None:
        return ""
    parts = [f"{length(status.heard_seconds)} heard"] if status.heard_seconds >= 1 else []
    if status.backlog_seconds >= 0.05:
        parts.append(f"{_short(status.backlog_seconds)} behind")
    if status.gaps:
        lost = f", {_short(status.lost_seconds)} lost" if status.lost_seconds >= 0.05 else ""
        parts.append(f"{status.gaps} gap{'s' if status.gaps > 1 else ''}{lost}")
    if status.not_sent_seconds >= 1:
        parts.append(f"{length(status.not_sent_seconds)} not sent")
    if status.reconnects:
        parts.append(f"{status.reconnects} reconnect{'s' if status.reconnects > 1 else ''}")
    return " · ".join(parts)


def _short(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else length(seconds)


class ReplayBar(Widget):
    """Where a replay stands; a click on it goes there."""

    COMPONENT_CLASSES = {"replay--done", "replay--left"}  # noqa: RUF012 - Textual's own habit

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.at_seconds = 0.0
        self.of_seconds = 0.0
        self.speed = 1.0
        self.playing = True

    def show(self, *, at_seconds: float, of_seconds: float, speed: float, playing: bool) -> None:
        """Show where the replay stands."""
        self.at_seconds, self.of_seconds, self.speed, self.playing = at_seconds, of_seconds, speed, playing
        self.refresh()

    def _words(self) -> tuple[str, str]:
        sign = "▶" if self.playing else "Ⅱ"
        return f" {sign} {span(self.at_seconds)} ", f" {span(self.of_seconds)}  {self.speed:g}× "

    def track(self) -> tuple[int, int]:
        """From which column the track begins, and how long it is."""
        left, right = self._words()
        return cell_len(left), max(4, self.size.width - cell_len(left) - cell_len(right))

    def render(self) -> Text:
        """The line."""
        left, right = self._words()
        _, cells = self.track()
        share = self.at_seconds / self.of_seconds if self.of_seconds else 1.0
        done = round(max(0.0, min(1.0, share)) * cells)
        look = self.get_component_rich_style
        return Text.assemble(
            left, ("━" * done, look("replay--done")), ("─" * (cells - done), look("replay--left")), right
        )
