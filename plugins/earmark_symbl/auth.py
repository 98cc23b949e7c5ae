"""Tokens: a given one, or one that is fetched for an application, renewed before it expires and once when refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import aiohttp
import msgspec

from earmark_symbl.address import Address
from earmark_symbl.http import decoded, exchange

TOKEN_PATH = "/oauth2/token:generate"  # noqa: S105 # a path, no secret
_MARGIN_SECONDS = 300.0


class Grant(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the token endpoint gives."""

    access_token: str
    expires_in: float = 0.0
    """Seconds that the token still lives."""


class Tokens(Protocol):
    """Where tokens come from."""

    async def get(self) -> str:
        """A token that should be good."""
        ...

    async def renew(self, refused: str) -> str | None:
        """Another token than the one that was refused, or None where there is no other."""
        ...


@dataclass(frozen=True)
class GivenToken:
    """A token that somebody else takes care of."""

    token: str

    async def get(self) -> str:
        """The token."""
        return self.token

    async def renew(self, refused: str) -> str | None:
        """There is no other."""
        return None


class AppTokens:
    """Fetches tokens for an application and keeps one until shortly before it expires."""

    def __init__(self, fetch: Callable[[], Awaitable[Grant]], monotonic: Callable[[], float]) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._token = ""
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """The token, fetched where there is none or it expires soon."""
        async with self._lock:
            if not self._token or self._monotonic() >= self._renew_at:
                await self._take()
            return self._token

    async def renew(self, refused: str) -> str | None:
        """A fresh token, unless somebody has just fetched one."""
        async with self._lock:
            if self._token == refused:
                await self._take()
            return self._token

    async def _take(self) -> None:
        grant = await self._fetch()
        self._token = grant.access_token
        self._renew_at = self._monotonic() + grant.expires_in - min(_MARGIN_SECONDS, grant.expires_in / 10)


async def generate(http: aiohttp.ClientSession, address: Address, *, app_id: str, app_secret: str) -> Grant:
    """Ask the service for a token."""
    body = {"type": "application", "appId": app_id, "appSecret": app_secret}
    content = await exchange(http, "POST", address.rest(TOKEN_PATH), host=address.host, body=body)
    return decoded(content, Grant, host=address.host)
