"""The rooms that a viewer knows, kept by what its feed tells. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from earmark_tui.feeds import Begun, Gone, LineChanged, News, OlderMarks, Tiding
from earmark_tui.room import RoomView


class House:
    """Every room that was told of."""

    def __init__(self) -> None:
        self.rooms: dict[str, RoomView] = {}

    def take(self, tidings: Iterable[Tiding]) -> None:
        """Take in what a feed tells."""
        for tiding in tidings:
            if isinstance(tiding, Gone):
                self.rooms.pop(tiding.room, None)
                continue
            room = self.rooms.get(tiding.room) or self._begin(tiding.room)
            match tiding:
                case News():
                    room.take(tiding.entries)
                case LineChanged():
                    room.line = tiding.line
                    room.version += 1
                    if not tiding.line.attached:
                        room.pending.clear()
                case OlderMarks():
                    room.add_marks(tiding.marks)
                case Begun():
                    self._begin(tiding.room, line=room)

    def _begin(self, name: str, *, line: RoomView | None = None) -> RoomView:
        room = RoomView(name)
        if line is not None:
            room.line, room.level, room.status = line.line, line.level, line.status
        self.rooms[name] = room
        return room

    def ordered(self) -> list[RoomView]:
        """The rooms by name."""
        return [self.rooms[name] for name in sorted(self.rooms)]
