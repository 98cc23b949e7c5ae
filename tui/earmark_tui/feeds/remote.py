"""Listeners elsewhere, each through the local API of its machine: an address and a token."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from earmark.clock import Clock
from earmark.door import ChangeMark, End, Mute, Told, Unmute
from earmark.errors import EarmarkError
from earmark.events import Change, Insight, Status
from earmark.journal_rows import Entry, Mark, Summary
from earmark_tui.feeds import Asked, Begun, Gone, Inbox, LineChanged, News, OlderMarks, Tiding
from earmark_tui.feeds.following import Follower, first_shown, utc_now
from earmark_tui.room import Line

T = TypeVar("T")

_LONGEST_DELAY_SECONDS = 15.0
_ASK_SECONDS = 10.0
_HEARTBEAT_SECONDS = 20.0
_MOST_MESSAGE_BYTES = 4 * 1024 * 1024
_SLOW = 4008


class _Conversations(msgspec.Struct, frozen=True):
    conversations: list[Summary]


class _Conversation(msgspec.Struct, frozen=True):
    events: list[Entry]


class _Shown(msgspec.Struct, frozen=True):
    insight: Insight
    state: Change = Change.OPEN


class _Marks(msgspec.Struct, frozen=True):
    marks: list[_Shown]


class _Refusal(msgspec.Struct, frozen=True):
    message: str = ""


_told: msgspec.json.Decoder[Told] = msgspec.json.Decoder(Told)


@dataclass(frozen=True)
class Address:
    """Where a listener's local API is."""

    url: str
    token: str

    @classmethod
    def parse(cls, text: str, token: str) -> Address:
        """An address as a person types it: `kitchen.local`, `kitchen.local:8788`, `https://…`."""
        url = text if "://" in text else f"http://{text}"
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        if scheme not in ("http", "https") or not host or path:
            raise EarmarkError(f"{text!r} is no address; write it as kitchen.local:8788 or https://kitchen.example")
        port = "" if ":" in host.rpartition("]")[2] or scheme == "https" else ":8788"
        return cls(f"{scheme}://{host}{port}", token)


class RemoteFeed:
    """One or more rooms through the local APIs of their listeners."""

    past = False

    def __init__(self, addresses: Sequence[Address], *, clock: Clock) -> None:
        self._addresses = addresses
        self._clock = clock
        self._at: dict[str, Address] = {}

    async def run(self, inbox: Inbox) -> None:
        """Follow every room; one that was never reached is called by its address until it is."""
        async with asyncio.TaskGroup() as group:
            for address in self._addresses:
                group.create_task(self._follow(address, inbox))

    async def _follow(self, address: Address, inbox: Inbox) -> None:
        room = await self._name_of(address, inbox)

        def attach(after: int | None) -> AsyncIterator[Tiding | None]:
            return self._attach(room, address, after)

        rng = random.Random()  # noqa: S311 - spreads retries, guards nothing
        await Follower(room, attach, clock=self._clock, rng=rng, longest_delay_seconds=_LONGEST_DELAY_SECONDS).run(
            inbox
        )

    async def _name_of(self, address: Address, inbox: Inbox) -> str:
        """The room's name, as soon as its listener can be asked."""
        name = address.url.partition("://")[2]
        wait, named = 1.0, False
        while True:
            try:
                async with self._session(address) as session:
                    room = (await _get(session, address, "/v1/status", Status)).room
                self._at[room] = address
                if named:
                    inbox.put_now(Gone(name))
                return room
            except EarmarkError as error:
                line = Line(attached=False, reason=str(error), retry_at=self._clock.monotonic() + wait)
                inbox.put_now(LineChanged(name, line))
                named = True
            await self._clock.sleep(wait)
            wait = min(wait * 2, _LONGEST_DELAY_SECONDS)

    async def _attach(self, room: str, address: Address, after: int | None) -> AsyncIterator[Tiding | None]:
        async with self._session(address) as session:
            place = after
            if place is None:
                found = await _get(session, address, "/v1/conversations", _Conversations)
                marks = await _get(session, address, "/v1/marks", _Marks)
                place = first_shown(found.conversations, utc_now(self._clock))
                yield Begun(room)
                yield OlderMarks(room, [Mark(mark.insight, mark.state) for mark in reversed(marks.marks)])
            async with (
                _reached(address),
                session.ws_connect(
                    f"{address.url}/v1/events",
                    params={"after": str(place), "live": "1"},
                    heartbeat=_HEARTBEAT_SECONDS,
                    max_msg_size=_MOST_MESSAGE_BYTES,
                ) as socket,
            ):
                yield None
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        yield News(room, (_told.decode(message.data),))
                if socket.close_code == _SLOW:
                    raise EarmarkError("This viewer was too slow; it goes on from where it was.")

    async def ask(self, room: str, asked: Asked) -> None:
        """Ask something of a room's listener."""
        path, body = _request(asked)
        address = self._address(room)
        async with (
            self._session(address) as session,
            _reached(address),
            session.post(f"{address.url}{path}", json=body) as response,
        ):
            await _check(response, address)

    async def conversations(self, room: str) -> list[Summary]:
        """The past conversations of a room, the newest first."""
        address = self._address(room)
        async with self._session(address) as session:
            return (await _get(session, address, "/v1/conversations?most=200", _Conversations)).conversations

    async def of_conversation(self, room: str, conversation: str) -> list[Entry]:
        """All that is known of one of them."""
        address = self._address(room)
        async with self._session(address) as session:
            path = f"/v1/conversations/{quote(conversation, safe='')}"
            return (await _get(session, address, path, _Conversation)).events

    def _address(self, room: str) -> Address:
        if room not in self._at:
            raise EarmarkError(f"{room} was not reached yet")
        return self._at[room]

    @asynccontextmanager
    async def _session(self, address: Address) -> AsyncIterator[aiohttp.ClientSession]:
        headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
        timeout = aiohttp.ClientTimeout(total=None, connect=_ASK_SECONDS, sock_read=None)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            yield session


async def _get(session: aiohttp.ClientSession, address: Address, path: str, kind: type[T]) -> T:
    async with _reached(address), asyncio.timeout(_ASK_SECONDS), session.get(f"{address.url}{path}") as response:
        await _check(response, address)
        return msgspec.json.decode(await response.read(), type=kind)


def _request(asked: Asked) -> tuple[str, dict[str, Any]]:
    """How something is asked for over HTTP."""
    match asked:
        case Mute():
            return "/v1/mute", {} if asked.seconds is None else {"seconds": asked.seconds}
        case Unmute():
            return "/v1/unmute", {}
        case End():
            return "/v1/end", {}
        case ChangeMark():
            body = {"change": asked.change.value} | ({"text": asked.text} if asked.text else {})
            return f"/v1/marks/{quote(asked.mark, safe='')}", body


async def _check(response: aiohttp.ClientResponse, address: Address) -> None:
    if response.status < 400:
        return
    if response.status in (401, 403):
        raise EarmarkError(f"{address.url} does not accept the token; --token-file names another one")
    try:
        told = msgspec.json.decode(await response.read(), type=_Refusal).message
    except msgspec.MsgspecError:
        told = ""
    raise EarmarkError(told or f"{address.url} answered {response.status} {response.reason or ''}".rstrip())


@asynccontextmanager
async def _reached(address: Address) -> AsyncIterator[None]:
    """Say in a sentence why an address cannot be reached."""
    try:
        yield
    except aiohttp.WSServerHandshakeError as error:
        if error.status in (401, 403):
            raise EarmarkError(f"{address.url} does not accept the token; --token-file names another one") from None
        raise EarmarkError(f"{address.url} answered {error.status}") from None
    except aiohttp.ClientConnectorError as error:
        raise EarmarkError(f"{address.url} cannot be reached: {error.os_error.strerror or error}") from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise EarmarkError(f"The line to {address.url} was lost: {str(error) or type(error).__name__}") from None
