"""The settings of the sink `mqtt`: which broker, what is told, and how Home Assistant sees the room."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from earmark.settings import Duration, Secret

Kind = Literal[
    "action_item",
    "question",
    "follow_up",
    "topic",
    "utterance",
    "gap",
    "mark_changed",
    "conversation_started",
    "conversation_ended",
    "sentiment",
    "tracker_hit",
    "entity",
]
"""What is published under a topic of its own."""

_Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
_Window = Annotated[int, msgspec.Meta(ge=1, le=1000)]
_Level = Annotated[str, msgspec.Meta(pattern=r"^[^+#/\x00]+(/[^+#/\x00]+)*$", max_length=200)]
_Fingerprint = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}$")]


class MqttSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which broker, what is told, and how Home Assistant sees the room."""

    host: str = "localhost"
    """The broker's name or address; `homeassistant.local` where Home Assistant runs it."""
    port: _Port | None = None
    """Its port; if left out 1883, or 8883 with `tls`, or 80 and 443 over websockets."""
    unix_socket: Path | None = None
    """The broker's Unix socket, in place of a host and port."""
    transport: Literal["tcp", "websockets"] = "tcp"
    """How the broker is reached."""
    websocket_path: str = "/mqtt"
    """The path of the broker's websocket."""
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """The version of MQTT; `auto` is 5, and 3.1.1 with a broker that has no 5. Only 5 tells what a broker refuses."""
    user: str | None = None
    """Who logs in."""
    password: Secret | None = None
    """Its password."""
    client_id: str | None = None
    """What this client is called at the broker; one that is drawn once and kept, if left out."""
    tls: bool = False
    """Whether the line is encrypted."""
    ca_file: Path | None = None
    """The certificate of who signed the broker's; the system's list if left out."""
    certificate_file: Path | None = None
    """A certificate that this client shows."""
    key_file: Path | None = None
    """The key of that certificate, where it is in a file of its own."""
    key_password: Secret | None = None
    """The password of that key."""
    fingerprint: _Fingerprint | None = None
    """SHA-256 of the broker's own certificate, in hex: no other is spoken to, whoever signed it."""
    keepalive: Duration = Duration("30 s")
    """How often a silent line is tried, from 1 s; a dead one is noticed after one and a half times that."""
    connect_timeout: Duration = Duration("10 s")
    """How long connecting may take."""
    in_flight: _Window = 20
    """How many messages may be on their way unacknowledged; fewer if the broker asks for it."""
    prefix: _Level = "earmark"
    """What every topic begins with."""
    kinds: tuple[Kind, ...] = (
        "action_item",
        "question",
        "follow_up",
        "topic",
        "gap",
        "mark_changed",
        "conversation_started",
        "conversation_ended",
        "tracker_hit",
    )
    """Which kinds of events are published; what was said word by word (`utterance`) is not, unless you add it."""
    retain: tuple[Kind, ...] = ()
    """Of which kinds the broker keeps the last one for later subscribers."""
    text: bool = True
    """Whether what was said leaves the room; without, events go out with empty texts and `withheld`."""
    level: bool = False
    """Whether the loudness goes out a few times a second, on `mic/level`."""
    status_every: Duration = Duration("30 s")
    """How often figures such as minutes heard go out; a change of state goes out at once."""
    commands: bool = True
    """Whether the room can be muted and controlled over the broker."""
    command_age: Duration = Duration("30 s")
    """A command that tells when it was given (`at`) is ignored when it is older than this."""
    discovery: Literal["device", "components", "off"] = "device"
    """How the room shows itself to Home Assistant: as a `device` (2024.12 and newer), or by its single `components`
    (any version)."""
    discovery_prefix: _Level = "homeassistant"
    """Where Home Assistant looks for devices."""
    birth_jitter: Duration = Duration("3 s")
    """When Home Assistant starts, each room shows itself anew after a random time of at most this."""
    name: str | None = None
    """What Home Assistant calls the device; “Earmark” and the room's name, if left out."""
    area: str | None = None
    """The area that Home Assistant is asked to put the device in."""
    microphones: tuple[str, ...] = ()
    """Microphones to choose from in Home Assistant, as `earmark devices` lists them; none, and there is no choice."""
    from_: Literal["now", "start"] = msgspec.field(default="now", name="from")
    """Where a broker that is new begins: `now` is with the present conversation, `start` with all that is kept."""

    def __post_init__(self) -> None:
        if not 1 <= self.keepalive <= 65535:
            raise ValueError("keepalive: from 1 s to 65535 s")
        if self.certificate_file is None and (self.key_file or self.key_password):
            raise ValueError("certificate_file: a key needs the certificate that it belongs to")
        tls_only = (self.ca_file, self.certificate_file, self.fingerprint)
        if not self.tls and any(value is not None for value in tls_only):
            raise ValueError("tls: set it to true, or leave out ca_file, certificate_file and fingerprint")
        if self.unix_socket is not None and self.transport != "tcp":
            raise ValueError("transport: a Unix socket is spoken to plainly; leave out websockets")

    @property
    def port_number(self) -> int:
        """The port that counts."""
        if self.port is not None:
            return self.port
        if self.transport == "websockets":
            return 443 if self.tls else 80
        return 8883 if self.tls else 1883

    @property
    def broker(self) -> str:
        """What messages call the broker."""
        if self.unix_socket is not None:
            return str(self.unix_socket)
        return f"{self.host}:{self.port_number}"

    @property
    def target(self) -> str:
        """What the cursor of this sink belongs to."""
        return f"{self.broker}/{self.prefix}"
