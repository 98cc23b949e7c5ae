"""A sink: every event as an HTTP POST, signed, in order, at least once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import msgspec

from earmark import Duration, EarmarkError, Event, EventStream, Offer, Refused, Room, Secret, Sink, hookimpl

if TYPE_CHECKING:
    import aiohttp

_NEVER = (400, 404, 410, 413, 422)
_MOST_WAIT_SECONDS = 300.0

Kind = Literal[
    "conversation_started", "conversation_ended", "utterance", "insight", "mark_changed", "sentiment", "topic",
    "tracker_hit", "entity", "gap",
]  # fmt: skip


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events go."""

    url: str
    """The address that is posted to."""
    secret: Secret | None = None
    """What signs each post, so that the receiver knows who sent it."""
    kinds: tuple[Kind, ...] | None = None
    """Which kinds of events are posted; all of them, if left out."""
    timeout: Duration = Duration("10 s")
    """How long an answer may take."""


class Webhook:
    """Posts one event at a time."""

    def __init__(self, settings: WebhookSettings, room: Room, session: aiohttp.ClientSession) -> None:
        self._settings, self._room, self._session = settings, room, session

    async def run(self, events: EventStream) -> None:
        """Post until the stream ends; asking for the next event acknowledges the last one."""
        async for event in events:
            if self._settings.kinds is None or event.__struct_config__.tag in self._settings.kinds:
                await self._post(event)

    async def _post(self, event: Event) -> None:
        import aiohttp

        body = msgspec.json.encode(event)
        try:
            async with self._session.post(self._settings.url, data=body, headers=self._headers(event, body)) as answer:
                status, after = answer.status, answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EarmarkError(f"{self._settings.url} cannot be reached: {error or 'no answer in time'}") from error
        if status in _NEVER:
            raise Refused(f"{self._settings.url} refuses event {event.id} (HTTP {status})")
        if not 200 <= status < 300:
            await self._wait(after)
            raise EarmarkError(f"{self._settings.url} answers HTTP {status}; the event is posted again")
        self._room.stage.count("posts")

    async def _wait(self, after: str) -> None:
        """Keep to what the receiver asks for."""
        if after.isdigit():
            seconds, clock = min(float(after), _MOST_WAIT_SECONDS), self._room.clock
            self._room.stage.waiting("for the receiver, as it asked", clock.monotonic() + seconds + 1)
            await clock.sleep(seconds)
            self._room.stage.working()

    def _headers(self, event: Event, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": event.id}
        if self._settings.secret:
            now = str(int(self._room.clock.now()))
            headers |= {"Earmark-Timestamp": now, "Earmark-Signature": signature(self._settings.secret, now, body)}
        return headers


def signature(secret: Secret, timestamp: str, body: bytes) -> str:
    """What proves that a post comes from whoever knows the secret."""
    return hmac.new(secret.reveal().encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


@asynccontextmanager
async def open_webhook(settings: WebhookSettings, room: Room) -> AsyncIterator[Sink]:
    """Open a session; connections are kept between posts."""
    import aiohttp

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=settings.timeout)) as session:
        yield Webhook(settings, room, session)


@hookimpl
def earmark_sinks() -> Iterable[Offer[Sink]]:
    """What this plugin offers; each address has a cursor of its own."""
    yield Offer(
        "webhook",
        "Post every event to a web address, signed.",
        open_webhook,
        settings=WebhookSettings,
        target=lambda settings: settings.url,
        argument="url",
    )
