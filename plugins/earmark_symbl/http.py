"""Requests to a service, and what their failures mean: aiohttp's exceptions and statuses become our own errors.

No error, and no chain of errors, holds a url with its query, for a token may stand there.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar

import aiohttp
import msgspec
from yarl import URL

from earmark.errors import PeerError
from earmark_symbl.errors import (
    CertificateRefused,
    ConnectionLost,
    Forbidden,
    NotFound,
    RateLimited,
    RequestRefused,
    ServerFailed,
    SymblError,
    TimedOut,
    TokenWasRefused,
    Unreachable,
)
from earmark_symbl.messages import without_nulls

T = TypeVar("T")
REQUEST_SECONDS = 30.0
_MOST_SHOWN = 200


@asynccontextmanager
async def open_http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that follows no redirect: it would carry the token to another host."""
    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(_refuse_redirect)
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trace_configs=[tracing]) as http:
        yield http


async def _refuse_redirect(_http: object, _context: object, params: aiohttp.TraceRequestRedirectParams) -> NoReturn:
    host = params.url.authority
    raise RequestRefused(
        f"{host} sends us elsewhere (HTTP {params.response.status}), which Earmark does not follow because the token "
        "would go there too: put the service's own url into the settings."
    ).located(host, params.response.status)


async def exchange(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    host: str,
    headers: Mapping[str, str] | None = None,
    body: object = None,
) -> bytes:
    """Make a request and give the body of a good answer; raises a `SymblError` for any other."""
    data = None if body is None else msgspec.json.encode(body)
    sent = {"Content-Type": "application/json"} if data is not None else {}
    try:
        async with http.request(
            method, URL(url, encoded=True), data=data, headers={**sent, **(headers or {})}
        ) as answer:
            content = await answer.read()
    except PeerError:
        raise
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise failure(error, host) from None
    if answer.status >= 400:
        raise refusal(answer.status, answer.headers, content, host=host)
    return content


def decoded(content: bytes, shape: type[T], *, host: str, member: str | None = None) -> T:
    """An answer, or a list under a member of it, as typed objects; a null is as good as a member left out."""
    try:
        body = without_nulls(msgspec.json.decode(content))
        if member is not None:
            body = msgspec.convert(body, dict[str, Any]).get(member, [])
        return msgspec.convert(body, shape, strict=False)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ServerFailed(
            f"{host} answers with something that is not what was asked for: {error}. Is it a Symbl-compatible service?"
        ).located(host) from None


def failure(error: BaseException, host: str) -> SymblError:
    """What an exception on the way to a host means."""
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return refusal(error.status, error.headers or {}, b"", host=host)
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ServerFingerprintMismatch | ssl.SSLError):
        return CertificateRefused(
            f"{host} cannot prove that it is {host} (TLS: {_cause(error)}): check the url, the service's certificate "
            "and this machine's clock."
        ).located(host)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable(f"{host} has no address: check the spelling of the url and this machine's network.").located(
            host
        )
    if isinstance(error, TimeoutError):
        return TimedOut(f"{host} does not answer in time: is the service busy, or the network down?").located(host)
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unreachable(
            f"Nobody answers at {host} ({_cause(error)}): is the service running, and is the port right?"
        ).located(host)
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return RequestRefused(f"The url of {host} cannot be read: check its spelling.").located(host)
    return ConnectionLost(f"The connection to {host} broke off ({type(error).__name__}).").located(host)


def refusal(status: int, headers: Mapping[str, str], body: bytes, *, host: str) -> SymblError:
    """What a status means, and what to do about it."""
    said = _message_of(body)
    if status == 401:
        error: SymblError = TokenWasRefused(
            f"{host} does not accept the token, or the app id and secret{said} (HTTP 401): check them."
        )
    elif status == 403:
        error = Forbidden(f"{host} does not allow this with the token given{said} (HTTP 403): use another.")
    elif status == 404:
        error = NotFound(f"{host} does not know what was asked for{said} (HTTP 404): check the url and the id.")
    elif status == 429:
        wait = retry_after_seconds(headers.get("Retry-After"))
        told = f"in {wait:.0f} s" if wait is not None else "later"
        error = RateLimited(
            f"{host} has more conversations than it takes{said} (HTTP 429): try again {told}.", retry_after_seconds=wait
        )
    elif status >= 500:
        wait = retry_after_seconds(headers.get("Retry-After"))
        error = ServerFailed(
            f"{host} failed{said} (HTTP {status}): see the service's own log.", retry_after_seconds=wait
        )
    else:
        error = RequestRefused(f"{host} refuses the request{said} (HTTP {status}): is it a Symbl-compatible service?")
    return error.located(host, status)


def retry_after_seconds(value: str | None, *, now: datetime | None = None) -> float | None:
    """How long a service asks us to wait: seconds or a date."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def _message_of(body: bytes) -> str:
    try:
        message = msgspec.json.decode(body).get("message")
    except (msgspec.MsgspecError, ValueError, AttributeError, RecursionError):
        return ""
    return f" (“{message[:_MOST_SHOWN]}”)" if isinstance(message, str) and message else ""


def _cause(error: BaseException) -> str:
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return inner.verify_message
    reason = getattr(inner, "reason", None) or getattr(inner, "strerror", None)
    return str(reason or type(inner).__name__)
