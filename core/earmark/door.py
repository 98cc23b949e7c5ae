"""The room's door: a private Unix socket through which a running listener is watched and controlled.

Each line is one JSON object. Whoever knocks sends requests; each is answered in order by an `Answer`, except `Watch`,
after which events come (`Told`) until the line is closed. Whoever can open the socket may do everything.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from earmark.errors import EarmarkError, NobodyListens
from earmark.events import AnyEvent, Change, Hearing, Level, Speaker, Status
from earmark.forgetting import Forgotten, Selection
from earmark.journal import Journal
from earmark.room import Controls
from earmark.room import Watch as WatchLive
from earmark.stages import describe

NAME = "door"
_MOST_LINE_BYTES = 4 * 1024 * 1024
_BATCH = 500
_MOST_SOCKET_PATH_BYTES = 107


class _Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag=str.lower, forbid_unknown_fields=True):
    """What may be asked."""

    by: str = "door"
    """Who asks: `cli`, `tui` …"""


class Watch(_Request, frozen=True, kw_only=True):
    """Tell events: journaled ones after a place, or from now on, and live ones if asked for."""

    after: int | None = None
    live: bool = True


class GetStatus(_Request, frozen=True, kw_only=True, tag="status"):
    """Tell how the room is."""


class Mute(_Request, frozen=True, kw_only=True):
    """Close the ears."""

    seconds: float | None = None


class Unmute(_Request, frozen=True, kw_only=True):
    """Open them."""


class End(_Request, frozen=True, kw_only=True):
    """End the conversation."""


class Device(_Request, frozen=True, kw_only=True):
    """Listen to another microphone."""

    name: str | None = None


class ChangeMark(_Request, frozen=True, kw_only=True, tag="mark"):
    """Tick off, reopen, answer, dismiss or amend a mark."""

    mark: str
    change: Change
    text: str | None = None
    assignee: Speaker | None = None
    due: datetime | None = None


class Tune(_Request, frozen=True, kw_only=True):
    """Turn a knob."""

    stage: str
    key: str
    value: float


class Restart(_Request, frozen=True, kw_only=True):
    """Close a stage and open it anew."""

    stage: str


class Forget(_Request, frozen=True, kw_only=True):
    """Delete what was heard."""

    selection: Selection


Request: TypeAlias = Watch | GetStatus | Mute | Unmute | End | Device | ChangeMark | Tune | Restart | Forget


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event; `seq` is its place in the journal, and absent from live ones."""

    event: AnyEvent
    seq: int | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a request."""

    error: str | None = None
    status: Status | None = None
    forgotten: Forgotten | None = None


_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_told: msgspec.json.Decoder[Told] = msgspec.json.Decoder(Told)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
_encode = msgspec.json.Encoder().encode


# -- inside ---------------------------------------------------------------------------------------------------------


class Doorkeeper:
    """Answers the door of one room."""

    def __init__(
        self,
        controls: Controls,
        journal: Journal,
        watch: WatchLive,
        forget: Callable[[Selection], Awaitable[Forgotten]],
    ) -> None:
        self._controls = controls
        self._journal = journal
        self._watch = watch
        self._forget = forget
        self._visits: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self, folder: Path) -> AsyncIterator[None]:
        """Let people in at the door in the room's runtime folder, until left."""
        with _reachable(folder / NAME) as path:
            path.unlink(missing_ok=True)
            server = await asyncio.start_unix_server(self._welcome, path, limit=_MOST_LINE_BYTES)
            path.chmod(0o600)
        try:
            yield
        finally:
            server.close()
            for visit in self._visits:
                visit.cancel()
            await asyncio.gather(*self._visits, return_exceptions=True)
            (folder / NAME).unlink(missing_ok=True)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        try:
            with suppress(ConnectionError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._visits.discard(visit)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                await _say(writer, Answer(error="The request is too long."))
                return
            if not line:
                return
            try:
                request = _requests.decode(line)
            except msgspec.MsgspecError as error:
                await _say(writer, Answer(error=f"This is no request: {error}"))
                continue
            if isinstance(request, Watch):
                await self._tell(request, reader, writer)
                return
            await _say(writer, await self._answer(request))

    async def _answer(self, request: Request) -> Answer:
        try:
            if isinstance(request, GetStatus):
                return Answer(status=self._controls.status())
            if isinstance(request, Forget):
                return Answer(forgotten=await self._forget(request.selection))
            await self._control(request)
        except Exception as error:  # whatever goes wrong with one request, the visitor gets an answer
            return Answer(error=describe(error))
        return Answer(status=self._controls.status())

    async def _control(self, request: Request) -> None:
        controls = self._controls
        match request:
            case Mute():
                await controls.mute(seconds=request.seconds, by=request.by)
            case Unmute():
                await controls.unmute(by=request.by)
            case End():
                await controls.end_conversation(by=request.by)
            case Device():
                await controls.choose_device(request.name, by=request.by)
            case Tune():
                await controls.tune(request.stage, request.key, request.value, by=request.by)
            case Restart():
                await controls.restart_stage(request.stage, by=request.by)
            case ChangeMark():
                await controls.change_mark(
                    request.mark,
                    request.change,
                    by=request.by,
                    text=request.text,
                    assignee=request.assignee,
                    due=request.due,
                )

    async def _tell(self, request: Watch, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell events until the visitor leaves."""
        tasks = [asyncio.create_task(self._tell_journaled(request.after, writer)), asyncio.create_task(_gone(reader))]
        if request.live:
            tasks.append(asyncio.create_task(self._tell_live(writer)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell_journaled(self, after: int | None, writer: asyncio.StreamWriter) -> None:
        place = self._journal.last if after is None else after
        while True:
            for entry in await self._journal.following(place, most=_BATCH):
                await _say(writer, Told(event=entry.event, seq=entry.seq))
                place = entry.seq

    async def _tell_live(self, writer: asyncio.StreamWriter) -> None:
        async for event in self._watch(Status, Hearing, Level):
            await _say(writer, Told(event=event))


async def _gone(reader: asyncio.StreamReader) -> None:
    """Return when the visitor has left; whatever is said meanwhile is not listened to."""
    while await reader.read(65536):
        pass


async def _say(writer: asyncio.StreamWriter, words: msgspec.Struct) -> None:
    writer.write(_encode(words) + b"\n")
    await writer.drain()


# -- outside --------------------------------------------------------------------------------------------------------


class Door:
    """A visitor's end of the line to a running listener."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: Request) -> Answer:
        """Ask for something; raises `EarmarkError` with the listener's reason if it cannot be."""
        await _say(self._writer, request)
        line = await self._reader.readline()
        if not line:
            raise EarmarkError("The listener has stopped.")
        answer = _answers.decode(line)
        if answer.error is not None:
            raise EarmarkError(answer.error)
        return answer

    async def watch(self, after: int | None = None, *, live: bool = True) -> AsyncIterator[Told]:
        """The room's events, until the listener stops; nothing else can be asked on this line."""
        await _say(self._writer, Watch(after=after, live=live))
        while line := await self._reader.readline():
            yield _told.decode(line)


@asynccontextmanager
async def knock(folder: Path, room: str) -> AsyncIterator[Door]:
    """Open the door of a room by its runtime folder; raises `NobodyListens` if no listener runs."""
    try:
        with _reachable(folder / NAME) as path:
            reader, writer = await asyncio.open_unix_connection(path, limit=_MOST_LINE_BYTES)
    except PermissionError:
        raise EarmarkError(f"The listener of room {room!r} belongs to another user.") from None
    except (FileNotFoundError, ConnectionError):
        raise NobodyListens(f"Nobody listens to room {room!r}: start it with `earmark listen`.") from None
    try:
        yield Door(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@contextmanager
def _reachable(path: Path) -> Iterator[Path]:
    """A way to a socket that fits into the 107 bytes that a socket's path may have."""
    if len(os.fsencode(path)) <= _MOST_SOCKET_PATH_BYTES:
        yield path
        return
    handle = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{handle}") / path.name
    finally:
        os.close(handle)
