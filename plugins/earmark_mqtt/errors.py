"""What a broker can refuse, in words that a person can act on."""

from __future__ import annotations

from earmark.errors import EarmarkError

_ADVICE = {
    0x84: "it does not speak this version of MQTT; set protocol",
    0x85: "it refuses the client id; set another client_id",
    0x86: "it refuses the user name or password; see user and password",
    0x87: "it does not let this user in; see user and password, and the broker's list of who may",
    0x88: "it is unavailable just now",
    0x89: "it is busy just now",
    0x8A: "it has banned this client",
    0x8E: "another client came with the same id; give each its own client_id",
    0x97: "its quota is used up",
}
PASSING = frozenset({0x80, 0x83, 0x97})
"""Refusals of a message that may be over soon: unspecified, implementation specific, quota exceeded."""
UNSUPPORTED_VERSION = 0x84


class BrokerError(EarmarkError):
    """The broker, or the way to it, failed; it is tried again."""

    @property
    def too_new(self) -> bool:
        """Whether an older MQTT may be understood."""
        return False


class BrokerAway(BrokerError):
    """The broker cannot be reached, or the line to it was lost."""


class SilentlyClosed(BrokerAway):
    """Something closed the line instead of answering, as old brokers do when spoken to in MQTT 5."""

    @property
    def too_new(self) -> bool:
        """Whether an older MQTT may be understood."""
        return True


class BrokerRefused(BrokerError):
    """The broker answered, and does not let us in."""

    def __init__(self, broker: str, code: int, name: str) -> None:
        super().__init__(f"The broker {broker} refuses: {_ADVICE.get(code, f'it says “{name}”')}")
        self.code = code

    @property
    def too_new(self) -> bool:
        """Whether an older MQTT may be understood."""
        return self.code == UNSUPPORTED_VERSION


def lost(broker: str, code: int, name: str) -> BrokerAway:
    """Why a line that stood is gone."""
    why = _ADVICE.get(code, "" if name == "Unspecified error" else f"“{name}”")
    return BrokerAway(f"The line to the broker {broker} was lost" + (f": {why}" if why else ""))
