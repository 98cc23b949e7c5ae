"""Who is let in: by the right name, from no strange web page, with the token, and slowly after wrong ones.

1. `Host` must be an address, `localhost`, this machine's own name or an allowed one: a page whose name was pointed at
   this machine (DNS rebinding) is refused.
2. A request that a web page made (`Origin`, `Sec-Fetch-Site`) is refused unless the page's origin is allowed. For a
   WebSocket this is all that keeps a page out, for browsers do not ask beforehand.
3. The token comes in `Authorization: Bearer …`, or for pages' WebSockets as the subprotocol `bearer.…`; never in an
   address, which ends up in logs. It is compared in constant time.
4. An address that showed ten wrong tokens in a minute waits for the answer to each further one; while four wait, no
   other token from there is even looked at.
"""

from __future__ import annotations

import hmac
import re
import socket
from collections import deque
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp import hdrs, web

from earmark.clock import Clock
from earmark.errors import EarmarkError
from earmark.settings import Secret
from earmark_http.settings import HttpSettings, is_loopback

SUBPROTOCOL = "earmark.events"
_BEARER_SUBPROTOCOL = "bearer."
_WINDOW_SECONDS = 60.0
_FREE_MISTAKES = 10
_HELD_SECONDS = 0.5
_MOST_HELD = 4
_MOST_ADDRESSES = 4096
_HOST = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(?::\d{0,5})?", re.ASCII)
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class Turned(EarmarkError):
    """A request that is not let in, and the status that says so."""

    def __init__(self, status: int, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


@dataclass
class _Caller:
    """What is remembered of an address that showed wrong tokens."""

    mistakes: deque[float] = field(default_factory=lambda: deque(maxlen=_FREE_MISTAKES))
    held: int = 0

    def suspect(self, now: float) -> bool:
        """Whether it has made too many mistakes lately."""
        return len(self.mistakes) == _FREE_MISTAKES and now - self.mistakes[0] < _WINDOW_SECONDS


class Guards:
    """Looks at every request before anything else does."""

    def __init__(self, settings: HttpSettings, token: Secret, clock: Clock) -> None:
        self._settings = settings
        self._token = token.reveal().encode()
        self._clock = clock
        own = socket.gethostname().lower()
        named = {settings.host, *settings.allowed_hosts, own, f"{own.partition('.')[0]}.local", "localhost"}
        self._names = {name.lower().rstrip(".") for name in named}
        self._callers: dict[str, _Caller] = {}

    def check_name(self, request: web.BaseRequest) -> None:
        """Refuse who came by a strange name; raises `Turned`."""
        hosts = request.headers.getall(hdrs.HOST, [])
        name = _name_in(hosts[0]) if len(hosts) == 1 else None
        if name is None:
            raise Turned(400, "The request must name its host once.")
        if not _is_address(name) and name.lower().rstrip(".") not in self._names:
            raise Turned(421, f"This listener is not called {name[:80]!r}; add the name to `allowed_hosts` in [http].")

    def check_page(self, request: web.BaseRequest) -> None:
        """Refuse web pages but those of allowed origins; raises `Turned`."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and origin in self._settings.allowed_origins:
            return
        if origin is not None:
            raise Turned(403, f"Pages of {origin[:80]} may not ask here; see `allowed_origins` in [http].")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Turned(403, "Web pages may not ask here.")

    async def check_token(self, request: web.BaseRequest) -> None:
        """Refuse who has no token or a wrong one; raises `Turned`."""
        shown = token_of(request)
        if shown is None:
            raise Turned(401, "A token is needed: send `Authorization: Bearer TOKEN`.")
        caller = self._callers.get(_address_of(request), _Caller())
        suspect = caller.suspect(self._clock.monotonic())
        if suspect and caller.held >= _MOST_HELD:
            raise self._too_many()
        if hmac.compare_digest(shown.encode(errors="replace"), self._token):
            return
        self._remember(_address_of(request), caller).mistakes.append(self._clock.monotonic())
        if suspect:
            await self._hold(caller)
            raise self._too_many()
        raise Turned(401, "This is not the token of this listener.")

    def may_read_metrics(self, request: web.BaseRequest) -> bool:
        """Whether the numbers are shown without a token: to this machine, where its owner chose so."""
        forwarded = any(name in request.headers for name in _FORWARDED)
        here = is_loopback(request.remote or "") and is_loopback(_name_in(request.headers.get(hdrs.HOST, "")) or "")
        return self._settings.metrics == "loopback" and here and not forwarded

    async def _hold(self, caller: _Caller) -> None:
        caller.held += 1
        try:
            await self._clock.sleep(_HELD_SECONDS)
        finally:
            caller.held -= 1

    def _too_many(self) -> Turned:
        return Turned(429, "Too many wrong tokens came from there.", retry_after_seconds=int(_WINDOW_SECONDS))

    def _remember(self, address: str, caller: _Caller) -> _Caller:
        while len(self._callers) >= _MOST_ADDRESSES and address not in self._callers:
            del self._callers[next(iter(self._callers))]
        return self._callers.setdefault(address, caller)


def token_of(request: web.BaseRequest) -> str | None:
    """The token that a request shows."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    for offered in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(","):
        if offered.strip().startswith(_BEARER_SUBPROTOCOL):
            return offered.strip().removeprefix(_BEARER_SUBPROTOCOL)
    return None


def _name_in(host: str) -> str | None:
    """The name in a `Host` header, without its port."""
    found = _HOST.fullmatch(host)
    return None if found is None else found["address"] or found["name"]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _address_of(request: web.BaseRequest) -> str:
    """Who asks; a whole IPv6 network is one, for its owner has all its addresses."""
    remote = (request.remote or "").partition("%")[0]
    try:
        address = ip_address(remote)
    except ValueError:
        return remote
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return remote
