"""Who is let in: tokens in all their places, browsers from known pages only, and patience with the refused."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from earmark.clock import Clock
from earmark_engine.tokens import Denied, Tokens

_WINDOW_SECONDS = 10.0
_HELD_SECONDS = 1.0
_MOST_HELD = 100
_MOST_ADDRESSES = 10_000


def loopback(host: str) -> bool:
    """Whether this names the machine itself."""
    try:
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:
        return False


def token_of(request: web.Request) -> tuple[str, str | None]:
    """The token that a request brings, and the WebSocket subprotocol that must be echoed if it was one."""
    scheme, _, bearer = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip(), _offered(request)
    for token in (request.headers.get("X-API-KEY"), request.query.get("access_token")):
        if token:
            return token, _offered(request)
    offered = _offered(request)
    return offered or "", offered


def _offered(request: web.Request) -> str | None:
    """The first subprotocol on offer: clients that offer one offer their token, and want it back."""
    first = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",")[0].strip()
    return first or None


@dataclass
class Doors:
    """Checks every request before anything else looks at it."""

    tokens: Tokens
    clock: Clock
    origins: tuple[str, ...] = ()
    """Pages of other machines that may use the engine from a browser; `*` is any."""
    free_refusals: int = 10
    """How many refusals in ten seconds an address gets at once; after that each waits."""
    _refused: dict[str, deque[float]] = field(default_factory=dict)
    _held: int = 0

    def app_of(self, request: web.Request) -> str:
        """The application that asks; raises `Denied`."""
        if self.tokens.anybody:
            self._check_page(request)
        return self.tokens.check(token_of(request)[0], now=self.clock.now())

    def allows(self, origin: str, host: str) -> bool:
        """Whether a page from there may use the engine."""
        page = urlsplit(origin)
        same = page.netloc != "" and page.netloc == host
        return same or loopback(page.hostname or "") or origin in self.origins or "*" in self.origins

    def _check_page(self, request: web.Request) -> None:
        """Without tokens, a page from elsewhere must not reach the engine through somebody's browser."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and not self.allows(origin, request.host):
            raise Denied(f"Pages of {origin} may not use this engine; start it with --cors-origin {origin}.")
        if not loopback(urlsplit(f"//{request.host}").hostname or ""):
            raise Denied("Without applications, this engine answers to localhost only.")

    # -- the refused ----------------------------------------------------------------------------------------------

    async def refused(self, request: web.Request) -> bool:
        """Take note of a refusal; whoever is refused again and again waits for his answer. Whether it is too often."""
        often = self._often(request.remote or "")
        if often and self._held < _MOST_HELD:
            self._held += 1
            try:
                await self.clock.sleep(_HELD_SECONDS)
            finally:
                self._held -= 1
        return often

    def _often(self, address: str) -> bool:
        now = self.clock.monotonic()
        times = self._refused.setdefault(address, deque(maxlen=self.free_refusals))
        often = len(times) == self.free_refusals and now - times[0] < _WINDOW_SECONDS
        times.append(now)
        if len(self._refused) > _MOST_ADDRESSES:
            del self._refused[next(iter(self._refused))]
        return often
