"""What can go wrong, as a tree.

EarmarkError                 a sentence that a person can act on; never shown with a traceback
├── SettingsError            the configuration is wrong: names the file, the table and the key
├── PluginError              a plugin broke its side of the contract
├── SourceError              sound could not be had just now (a device was unplugged)
│   └── SourceFailed         sound can never be had there (no such file, not a recording)
├── PeerError                the speech service, or the way to it
│   ├── ConnectionFailed     worth trying again: drops, time-outs, 429, 5xx
│   ├── TokenRefused         401: a fresh token is fetched once, then the room stops and says so
│   └── PeerRefused          403, 404, a language it lacks: stop with the reason, try again slowly
├── Refused                  a sink will never take this event: it is counted and the next one comes
├── JournalError             the state folder cannot be written or read
└── AlreadyListening         another listener holds this room
"""

from __future__ import annotations


class EarmarkError(Exception):
    """A failure that a person can act on: what happened, where, and what to do next."""


class SettingsError(EarmarkError):
    """The configuration is wrong."""


class PluginError(EarmarkError):
    """A plugin broke its side of the contract."""


class SourceError(EarmarkError):
    """Sound could not be had; the source is opened again after a pause."""


class SourceFailed(SourceError):
    """Sound can never be had from this source, such as a file that is no recording."""


class PeerError(EarmarkError):
    """The speech service, or the way to it, failed."""


class ConnectionFailed(PeerError):
    """The line failed in a way that is worth another try."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TokenRefused(PeerError):
    """The service does not accept the token."""


class PeerRefused(PeerError):
    """The service refuses in a way that another try at once would not change."""


class Refused(EarmarkError):
    """A sink will never take this event; it is counted and the next one comes."""


class JournalError(EarmarkError):
    """The state folder cannot be written or read."""


class AlreadyListening(EarmarkError):
    """Another listener holds this room."""


class NobodyListens(EarmarkError):
    """A command needs a running listener, and there is none."""
