"""The hooks, the offers they return, and what each kind of stage must be able to do.

A hook is a plain function that says what a plugin has. An offer names it, says how it is configured, and opens it:
`open(settings, room)` returns an async context manager, so that lifetimes are lexical. Listing offers opens no
device and no socket.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import msgspec
import pluggy

from earmark.audio import Frame, Omitted
from earmark.events import AnyEvent, Word
from earmark.room import Room

if TYPE_CHECKING:
    import click

PROJECT = "earmark"
ENTRY_POINTS = "earmark"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

T_co = TypeVar("T_co", covariant=True)


class NoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For an offer that has nothing to set."""


@dataclass(frozen=True)
class Offer(Generic[T_co]):
    """Something that a plugin has, and how it is opened."""

    name: str
    """What users call it; also the name of its table in `earmark.toml`."""
    help: str
    """One sentence for `earmark plugins`."""
    open: Callable[[Any, Room], AbstractAsyncContextManager[T_co]]
    """Takes the decoded settings and the room."""
    settings: type[msgspec.Struct] = NoSettings
    live: bool = True
    """Sources: whether sound is lost when nobody takes it (a microphone), or waits (a file)."""
    cursor: bool = True
    """Sinks: whether what was delivered is remembered on disk."""
    target: Callable[[Any], str] | None = None
    """Sinks: what the settings deliver to (a file, a broker); each target has a cursor of its own."""
    argument: str = ""
    """The setting that `--source NAME:VALUE` or `--sink NAME:VALUE` fills, such as a path."""
    on_failure: Literal["pass", "block", "withhold"] = "pass"
    """Filters: let sound `pass` or `block` it while they fail. Enrichers: let text `pass` or `withhold` it."""


class Source(AsyncIterable[Frame | Omitted], Protocol):
    """Gives sound at the room's rate; positions count from 0 when opened.

    Ends when there is no more. Raises `SourceError` when it may be there later (a device was unplugged: the host opens
    it again after a pause) and `SourceFailed` when it never will.
    """


class Filter(Protocol):
    """Changes sound on its way, or leaves some out and says so with `Omitted`."""

    async def hear(self, item: Frame | Omitted) -> Iterable[Frame | Omitted]:
        """Take what comes next and give what goes on: nothing yet, itself, or more."""
        ...

    async def finish(self) -> Iterable[Frame | Omitted]:
        """Give what was held back: the sound ends, or the room was muted."""
        ...


class SpeechFilter(Filter, Protocol):
    """A filter that can tell speech; meters show what it says."""

    speech: float
    """How likely it is, from 0 to 1, that somebody speaks."""
    speaking: bool
    """Whether sound passes because somebody does."""


class Axis(StrEnum):
    """Which clock a connection's times are on."""

    SENT = "sent"
    """Seconds of audio sent since the latest `start` of the connection."""
    CAPTURE = "capture"
    """Seconds on the capture clock, as `Frame.start` has it."""


@dataclass(frozen=True)
class Heard:
    """What a peer made of the sound.

    The event is as the peer told it: `id`, `mark`, `utterance` hold the peer's own ids, times are seconds on `axis`,
    and `room`, `conversation` and `at` are filled in by the uplink.
    """

    event: AnyEvent
    axis: Axis = Axis.SENT
    sequence: int | None = None
    """The peer's own count of its results, where it has one."""
    words: tuple[Word, ...] = ()
    """The words of an utterance and their times, where the peer tells them."""


@dataclass(frozen=True)
class Confirmed:
    """The peer has heard everything before a moment, and told all that came of it."""

    until: float
    axis: Axis = Axis.SENT
    sequence: int | None = None


@dataclass(frozen=True)
class Trouble:
    """The peer complains, and the conversation goes on."""

    message: str


FromPeer: TypeAlias = Heard | Confirmed | Trouble


@dataclass(frozen=True)
class Start:
    """What a connection is told when sound begins or goes on."""

    conversation: str
    """Earmark's own id of the conversation."""
    position: int
    """The capture sample that the first frame will begin with, at `rate`."""
    rate: int
    at: float
    """Wall-clock seconds since 1970 of that sample."""
    sequence: int = 0
    """The last of the peer's results that is journaled."""
    keep_seconds: float = 0.0
    """How long the peer should keep the conversation joinable when the line is lost."""


@dataclass(frozen=True)
class Started:
    """What a peer answers to `Start`."""

    conversation: str
    """The peer's own id of its conversation; another than before means that the old one is over."""
    heard: int | None = None
    """Capture samples the peer has heard already, where it can tell: sending goes on from there."""
    confirms: bool = False
    """Whether it will send `Confirmed`; otherwise the uplink's own rules release the sound."""


class Connection(Protocol):
    """One line to a peer.

    Iterating gives what the peer tells. The iteration ends when the peer's conversation is over, and raises
    `ConnectionFailed` when the line was lost and the conversation can be joined again.
    """

    async def start(self, start: Start) -> Started:
        """Begin, or go on after `pause`; raises a `PeerError`."""
        ...

    async def send(self, frame: Frame) -> None:
        """Send sound; waits while the line is full.

        A frame at another rate than the one before is the transport's to announce.
        """
        ...

    async def pause(self) -> None:
        """Ask for what is still due and wait for it; the conversation stays joinable, and nothing is charged."""
        ...

    async def finish(self) -> None:
        """End the conversation: ask for what is still due; the iteration ends after it."""
        ...

    def __aiter__(self) -> AsyncIterator[FromPeer]:
        """What the peer tells, in order."""
        ...


class Transport(Protocol):
    """Knows the way to a peer; holds what outlives a connection, such as a token."""

    def connect(self, connection_id: str) -> AbstractAsyncContextManager[Connection]:
        """Open a line under an id: the same id again joins the conversation it had."""
        ...

    def connection_id(self) -> str:
        """An id for a new conversation."""
        ...


class Enricher(Protocol):
    """Changes events before they are stored, live text included."""

    async def enrich(self, event: AnyEvent) -> Sequence[AnyEvent]:
        """What to keep in place of this event: itself, another, more, or nothing."""
        ...


class EventStream(Protocol):
    """A sink's own view of the journal; asking for the next event acknowledges the last one."""

    def __aiter__(self) -> EventStream:
        """Itself."""
        ...

    async def __anext__(self) -> AnyEvent:
        """Acknowledge what was given, then wait for the next; ends when the room shuts down."""
        ...

    def batches(self, most: int) -> AsyncIterator[list[AnyEvent]]:
        """The same in lists of at most `most`; asking for the next list acknowledges the whole last one."""
        ...


class Sink(Protocol):
    """Takes events somewhere."""

    async def run(self, events: EventStream) -> None:
        """Take events until the stream ends; raise, and the host tries again from the event that failed."""
        ...


class Service(Protocol):
    """Runs beside a room, such as a local API."""

    async def run(self) -> None:
        """Serve until cancelled."""
        ...


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Diagnosis:
    """What a check found, and what to do about it."""

    subject: str
    verdict: Verdict
    message: str
    advice: str = ""


class Check(Protocol):
    """What `earmark doctor` asks."""

    async def diagnose(self) -> Iterable[Diagnosis]:
        """Look, and tell; takes seconds at most and leaves nothing behind."""
        ...


@dataclass(frozen=True)
class CommandOffer:
    """A subcommand of `earmark`, loaded only when it is used."""

    name: str
    help: str
    load: Callable[[], click.Command]


@hookspec
def earmark_sources() -> Iterable[Offer[Source]]:  # type: ignore[empty-body]
    """Where sound comes from."""


@hookspec
def earmark_filters() -> Iterable[Offer[Filter]]:  # type: ignore[empty-body]
    """What is done to sound on its way."""


@hookspec
def earmark_transports() -> Iterable[Offer[Transport]]:  # type: ignore[empty-body]
    """Ways to a speech service."""


@hookspec
def earmark_enrichers() -> Iterable[Offer[Enricher]]:  # type: ignore[empty-body]
    """What is done to events before they are stored."""


@hookspec
def earmark_sinks() -> Iterable[Offer[Sink]]:  # type: ignore[empty-body]
    """Where events go."""


@hookspec
def earmark_services() -> Iterable[Offer[Service]]:  # type: ignore[empty-body]
    """What runs beside a room."""


@hookspec
def earmark_checks() -> Iterable[Offer[Check]]:  # type: ignore[empty-body]
    """What `earmark doctor` asks."""


@hookspec
def earmark_commands() -> Iterable[CommandOffer]:  # type: ignore[empty-body]
    """Further subcommands of `earmark`."""
