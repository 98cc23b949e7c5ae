"""What can be set about a room itself: the top level of `earmark.toml`, `[spool]` and `[conversation]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from earmark.events import Durable
from earmark.paths import check_room_name
from earmark.settings import Duration

DURABLE_KINDS = tuple(kind.__struct_config__.tag for kind in Durable.__args__)
_QUIET = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Days = Annotated[int, msgspec.Meta(ge=0)]


class SpoolSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much sound is kept while the line is down."""

    seconds: Duration = Duration("10 min")
    """How much unconfirmed sound is kept; what does not fit becomes a gap."""
    durable: bool = False
    """Whether unconfirmed sound always lies in the state folder, so that a power cut loses at most 200 ms."""
    catch_up: Positive = 2.0
    """How fast sound is sent after the line was down, as a multiple of real time."""
    megabytes: Count = 64
    """How much room the spool may take."""


class ConversationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a conversation pauses, ends, and is joined again."""

    title: str | None = None
    """What conversations are called."""
    idle_after: Duration = Duration(60)
    """After how much silence the conversation is paused, so that silent minutes are not charged."""
    ends_after: Duration = Duration("20 min")
    """After how much silence the conversation ends and the next word begins another."""
    rejoin_within: Duration = Duration(20)
    """How soon a restarted listener joins the conversation that it left."""
    exit_on_silence: Duration | None = None
    """After how much silence the listener stops; never, if not set."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The room, its stages, and where it keeps things."""

    room: str = "room"
    """The room's name: letters, digits, - and _."""
    source: str = "mic"
    """Where sound comes from, such as `mic` or `file:talk.wav`."""
    filters: tuple[str, ...] = ("gate",)
    """What is done to sound on its way, in this order."""
    transport: str = "engine"
    """The way to a speech service: `engine` is the one on this machine."""
    enrichers: tuple[str, ...] = ()
    """What is done to events before they are stored, in this order."""
    sinks: tuple[str, ...] = ("console",)
    """Where events go, such as `console` or `jsonl:events.jsonl`."""
    services: tuple[str, ...] = ()
    """What runs beside the room, such as a local API."""
    disable_plugins: tuple[str, ...] = ()
    """Plugins that are never loaded."""
    rate: Annotated[int, msgspec.Meta(ge=8000, le=48000)] = 16000
    """Samples a second that the room works with."""
    state_folder: Path | None = None
    """Where the journal and what must survive lie; in the user's state folder, if not set."""
    runtime_folder: Path | None = None
    """Where the spool and the room's door lie; in memory-backed storage, if not set."""
    retain_days: Days = 30
    """For how many days events are kept; 0 keeps them for ever."""
    retain: dict[str, Days] = {}
    """Other days for some kinds of events, such as `{ utterance = 7, insight = 365 }`."""
    owner: str | None = None
    """Who "I" is, where one person speaks here."""
    people: tuple[str, ...] = ()
    """Names of people who may be called or spoken of."""
    spool: SpoolSettings = SpoolSettings()
    """How much sound is kept while the line is down."""
    conversation: ConversationSettings = ConversationSettings()
    """When a conversation pauses, ends, and is joined again."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged."""
    log_format: Literal["text", "json"] = "text"
    """Whether the log is for people or for programs."""
    quiet_hours: tuple[str, ...] = ()
    """When the room is muted by itself, such as `"22:30-06:30"`."""

    def __post_init__(self) -> None:
        check_room_name(self.room)
        for hours in self.quiet_hours:
            if not _QUIET.fullmatch(hours):
                raise ValueError(f'quiet_hours: {hours!r} is not a span of the day such as "22:30-06:30"')
        for kind in self.retain:
            if kind not in DURABLE_KINDS:
                raise ValueError(f"retain: {kind!r} is no kind of event; there are {', '.join(DURABLE_KINDS)}")
