"""One service as a client sees it: where it is, which token it takes, how long it may take to answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
from yarl import URL

from earmark.errors import SettingsError, TokenRefused
from earmark_symbl.address import Address, Options
from earmark_symbl.auth import AppTokens, GivenToken, Tokens, generate
from earmark_symbl.http import exchange, failure, open_http

T = TypeVar("T")
Socket = aiohttp.ClientWebSocketResponse
_CLOSE_SECONDS = 3.0


class Peer:
    """Makes requests and opens sockets, with a token; fetches a fresh one once where it is refused."""

    def __init__(self, address: Address, http: aiohttp.ClientSession, tokens: Tokens, options: Options) -> None:
        self.address = address
        self.options = options
        self._http = http
        self._tokens = tokens

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> bytes:
        """The body of the answer; raises a `SymblError`."""
        url = str(URL(self.address.rest(path), encoded=True).with_query(query or {}))

        async def attempt(token: str) -> bytes:
            headers = {"X-API-KEY": token, "Authorization": f"Bearer {token}"}
            return await exchange(self._http, method, url, host=self.address.host, headers=headers, body=body)

        return await self._with_token(attempt)

    async def open_socket(self, connection_id: str) -> Socket:
        """A connected socket on which nothing has been said; raises a `SymblError`."""
        return await self._with_token(lambda token: self._handshake(connection_id, token))

    async def _with_token(self, attempt: Callable[[str], Awaitable[T]]) -> T:
        token = await self._tokens.get()
        try:
            return await attempt(token)
        except TokenRefused:
            fresh = await self._tokens.renew(token)
            if fresh is None:
                raise
        return await attempt(fresh)

    async def _handshake(self, connection_id: str, token: str) -> Socket:
        url = URL(self.address.socket(connection_id), encoded=True)
        in_query = self.options.token_in == "query"  # noqa: S105 # a place, no secret
        try:
            async with asyncio.timeout(self.options.connect_seconds):
                return await self._http.ws_connect(
                    url.update_query(access_token=token) if in_query else url,
                    headers={} if in_query else {"X-API-KEY": token},
                    heartbeat=self.options.heartbeat_seconds,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise failure(error, self.address.host) from None


@asynccontextmanager
async def open_peer(
    url: str,
    *,
    token: str | None = None,
    app_id: str | None = None,
    app_secret: str | None = None,
    options: Options | None = None,
) -> AsyncIterator[Peer]:
    """The service at a url, with a token or with an application's id and secret."""
    options = options or Options()
    address = Address.parse(url, plain_anywhere=options.plain_anywhere)
    async with open_http() as http:
        yield Peer(address, http, tokens_for(http, address, token=token, app_id=app_id, app_secret=app_secret), options)


def tokens_for(
    http: aiohttp.ClientSession,
    address: Address,
    *,
    token: str | None,
    app_id: str | None,
    app_secret: str | None,
) -> Tokens:
    """Where tokens for a service come from; raises `SettingsError` where nothing was given."""
    if token:
        return GivenToken(token)
    if not app_id or not app_secret:
        raise SettingsError(f"{address.host} wants a token: give a `token`, or an `app_id` and an `app_secret`.")
    return AppTokens(lambda: generate(http, address, app_id=app_id, app_secret=app_secret), time.monotonic)
