"""Where a service is, one url for its sockets and for its requests, and how it is talked to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote, urlsplit

from earmark.errors import SettingsError

NO_URL: Final = (
    "There is no url: Symbl's own service at api.symbl.ai is gone, so use the engine that comes with Earmark "
    '(transport = "engine"), or give the url of a Symbl-compatible service such as `earmark serve`.'
)
_SCHEMES = {"https": True, "wss": True, "http": False, "ws": False}


@dataclass(frozen=True)
class Options:
    """How a service is talked to."""

    token_in: Literal["header", "query"] = "header"  # noqa: S105 # a place, no secret
    """Where the token goes: the header `X-API-KEY`, or `access_token` in the url."""
    plain_anywhere: bool = False
    """Whether other machines may be talked to without encryption."""
    connect_seconds: float = 10.0
    start_seconds: float = 15.0
    stop_seconds: float = 60.0
    """How long the last results may take."""
    heartbeat_seconds: float = 20.0
    """After how much silence the service is asked whether it is still there; it has half of that to answer."""


@dataclass(frozen=True)
class Address:
    """A service's host, and whether the way to it is encrypted."""

    secure: bool
    authority: str
    """Host and port, as they stand in a url."""
    prefix: str = ""

    @classmethod
    def parse(cls, url: str, *, plain_anywhere: bool = False) -> Address:
        """Read a url; without encryption only this machine may be meant, unless `plain_anywhere`."""
        if not url:
            raise SettingsError(NO_URL)
        parts = urlsplit(url if "//" in url else f"//{url}")
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise SettingsError(f"The url {_shown(url)!r} does not begin with https://, wss://, http:// or ws://.")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise SettingsError(f"The url of {parts.hostname} holds more than a host and a path; tokens go elsewhere.")
        secure = _SCHEMES[parts.scheme]
        if not secure and not plain_anywhere and not is_loopback(parts.hostname):
            raise SettingsError(
                f"{parts.scheme}://{parts.hostname} would send speech and token unencrypted over the network: "
                "use wss://, or allow it with `plain_anywhere = true`."
            )
        return cls(secure=secure, authority=parts.netloc, prefix=parts.path.rstrip("/"))

    @property
    def host(self) -> str:
        """Host and port, for people."""
        return self.authority

    def rest(self, path: str) -> str:
        """The url of a request."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.prefix}{path}"

    def socket(self, connection_id: str) -> str:
        """The url of the streaming socket; any string is an id."""
        if not connection_id.strip("."):
            raise SettingsError(f"{connection_id!r} cannot be a connection id: use letters or digits.")
        scheme = "wss" if self.secure else "ws"
        return f"{scheme}://{self.authority}{self.prefix}/v1/streaming/{quote(connection_id, safe='')}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(url: str) -> str:
    return url.split("?")[0].split("#")[0].rsplit("@", 1)[-1]
