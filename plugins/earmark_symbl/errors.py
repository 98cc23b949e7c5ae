"""What can go wrong with a Symbl-compatible peer, as a tree below Earmark's own.

PeerError (earmark.errors)
└── SymblError                  has `status` and `host`, where there was an answer
    ├── ProtocolError
    │   ├── LocalProtocolError  we were about to say what we must not: our bug
    │   └── RemoteProtocolError the peer said what it must not, or what is no message at all
    ├── TokenWasRefused         401; also a TokenRefused
    ├── Forbidden               403; also a PeerRefused
    ├── NotFound                404; also a PeerRefused
    ├── RequestRefused          any other 4xx, a refused start; also a PeerRefused
    ├── CertificateRefused      TLS; also a PeerRefused
    ├── RateLimited             429; also a ConnectionFailed, with `retry_after_seconds`
    ├── ServerFailed            5xx; also a ConnectionFailed
    ├── Unreachable             no such host, or nobody there; also a ConnectionFailed
    ├── TimedOut                no answer in time; also a ConnectionFailed
    └── ConnectionLost          the socket closed; also a ConnectionFailed
"""

from __future__ import annotations

from earmark.errors import ConnectionFailed, PeerError, PeerRefused, TokenRefused


class SymblError(PeerError):
    """A Symbl-compatible peer, or the way to it, failed."""

    status: int | None = None
    """The HTTP status of its answer, where there was one."""
    host: str = ""
    """Which host it was, without any query."""

    def located(self, host: str, status: int | None = None) -> SymblError:
        """The same error, knowing where it happened."""
        self.host, self.status = host, status
        return self


class ProtocolError(SymblError):
    """A message that does not belong where it was said."""


class LocalProtocolError(ProtocolError):
    """We were about to say what the protocol does not allow here; nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer said what the protocol does not allow here; the session is as it was before."""


class TokenWasRefused(SymblError, TokenRefused):
    """The peer does not accept the token, or the application's id and secret."""


class Forbidden(SymblError, PeerRefused):
    """The token is good, but not for this."""


class NotFound(SymblError, PeerRefused):
    """There is no such thing at the peer."""


class RequestRefused(SymblError, PeerRefused):
    """The peer understood and does not want to."""


class CertificateRefused(SymblError, PeerRefused):
    """The peer could not prove who it is."""


class RateLimited(SymblError, ConnectionFailed):
    """The peer has more to do than it takes on; `retry_after_seconds` says when to ask again, if it said so."""


class ServerFailed(SymblError, ConnectionFailed):
    """The peer broke down over the request."""


class Unreachable(SymblError, ConnectionFailed):
    """The host has no address, or nobody answers there."""


class TimedOut(SymblError, ConnectionFailed):
    """The peer did not answer in time."""


class ConnectionLost(SymblError, ConnectionFailed):
    """The socket closed before the conversation was over."""
