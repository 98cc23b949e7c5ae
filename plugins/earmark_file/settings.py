"""The settings of the file plugin's sources and sinks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

DurableKind = Literal[
    "conversation_started",
    "conversation_ended",
    "utterance",
    "insight",
    "mark_changed",
    "sentiment",
    "topic",
    "tracker_hit",
    "entity",
    "gap",
]

_Count = Annotated[int, msgspec.Meta(ge=1, le=64)]
_Rate = Annotated[int, msgspec.Meta(ge=4000, le=384_000)]


class FileSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which recording, and how fast."""

    path: Path
    """The recording; `~` is your home folder."""
    fast: bool = False
    """Whether it is heard as fast as the service takes it, instead of in the time that it lasts."""
    channel: _Count | None = None
    """Which channel is heard, counted from 1; all of them, mixed, if left out."""
    recorded_at: datetime | None = None
    """When the recording began, so that "tomorrow" means the right day; now, if left out."""

    @property
    def file(self) -> Path:
        """The recording's path."""
        return self.path.expanduser()


class StdinSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the bytes on standard input are.

    They are heard at most at the pace at which they would be spoken, whether a microphone's program or a file's bytes
    come in. What the service does not take at once is held, up to ten minutes; what arrives while the room is muted is
    thrown away.
    """

    format: Literal["s16le", "s16be", "s24le", "s32le", "f32le", "u8"] = "s16le"
    """How a sample is written, in the words of arecord and ffmpeg."""
    rate: _Rate = 16_000
    """Samples a second."""
    channels: _Count = 1
    """How many channels alternate; they are mixed."""


class ConsoleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the terminal is written to."""

    interim: bool = True
    """Whether text is shown while it is being recognised; only on a terminal."""
    colour: Literal["auto", "always", "never"] = "auto"
    """Whether colours are used; `auto` means on a terminal, unless NO_COLOR is set."""


class JsonlSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events are written, and which."""

    path: Path
    """The file that lines are appended to; `-` is the standard output."""
    kinds: tuple[DurableKind, ...] | None = None
    """Which kinds of events are written; all of them, if left out."""
    from_: Literal["now", "start"] = msgspec.field(default="now", name="from")
    """Where a file that is new begins: `now` is with the present conversation, `start` with all that is kept."""

    @property
    def target(self) -> str:
        """What the cursor of this sink belongs to: the standard output or an absolute path."""
        return "-" if self.path == Path("-") else str(self.path.expanduser().absolute())
