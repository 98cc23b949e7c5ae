"""The settings of the service `http`: where it listens, whom it lets in, and its limits."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from earmark.settings import Duration, Secret

LEAST_TOKEN = 16
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[\w.-]+)(:\d{1,5})?", re.ASCII)
_HOST = re.compile(r"[\w.-]+", re.ASCII)
_Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the local API listens, whom it lets in, and its limits."""

    host: str = "127.0.0.1"
    """The address it listens on; `0.0.0.0` (or `::` for IPv6) lets the whole network ask, always with the token."""
    port: _Port = 8788
    """Its port; 0 takes any that is free."""
    token: Secret | None = None
    """What every caller must show, of 16 characters or more; one is drawn and kept in the state folder, if not set."""
    allowed_hosts: tuple[str, ...] = ()
    """Names by which callers may reach it, besides addresses, `localhost` and this machine's own name."""
    allowed_origins: tuple[str, ...] = ()
    """Web pages that may use it from a browser, such as `https://home.example`; none, if not set."""
    certificate_file: Path | None = None
    """A certificate to encrypt the line with; it then speaks HTTPS only."""
    key_file: Path | None = None
    """The key of that certificate, where it is in a file of its own."""
    metrics: Literal["token", "loopback"] = "token"
    """Who may read `/metrics`: callers with the `token`, or also whoever is on this machine (`loopback`)."""
    connections: _Count = 64
    """At most so many connections at once."""
    watchers: _Count = 32
    """At most so many of them that watch events."""
    patience: Duration = Duration("15 s")
    """So long a caller may take to send a request, and an idle connection is kept."""
    slow_after: Duration = Duration("10 s")
    """A watcher that takes nothing for so long is cut loose."""

    def __post_init__(self) -> None:
        if not self.host:
            raise ValueError("host: name an address; 0.0.0.0 listens on every one")
        if self.token is not None and len(self.token.reveal()) < LEAST_TOKEN:
            raise ValueError(f"token: it must have {LEAST_TOKEN} characters or more; `openssl rand -hex 32` draws one")
        if self.token is not None and not re.fullmatch(r"[\x21-\x7e]+", self.token.reveal()):
            raise ValueError("token: only letters, digits and signs without spaces can be sent in a header")
        if self.key_file is not None and self.certificate_file is None:
            raise ValueError("certificate_file: a key needs the certificate that it belongs to")
        for host in self.allowed_hosts:
            if not _HOST.fullmatch(host):
                raise ValueError(f"allowed_hosts: {host!r} is not a name such as kitchen.example, without a port")
        for origin in self.allowed_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"allowed_origins: {origin!r} is not an origin such as https://home.example")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a name or address means the machine itself."""
    try:
        return host == "localhost" or ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
