"""The systemd unit that keeps a room listened to: hardened as far as a microphone allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_WATCHDOG_SECONDS = 60
_STOP_SECONDS = 60

_HARDENING = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
UMask=0077
"""
"""What any service manager can do, the user's own included."""

_SYSTEM_FOLDERS = """\
StateDirectory=earmark
StateDirectoryMode=0700
RuntimeDirectory=earmark
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=restart
"""
"""Where a service of the machine keeps things; a user's own keeps to the folders that the user's commands look in."""

_SYSTEM_HARDENING = """\
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateUsers=no
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
DevicePolicy=closed
DeviceAllow=char-alsa rw
"""
"""What takes the machine's service manager."""


@dataclass(frozen=True)
class Unit:
    """What a unit is made of."""

    program: Path
    config: Path | None
    room: str
    system: bool
    user: str = "earmark"
    credentials: Sequence[tuple[str, Path]] = ()
    """Secrets that systemd hands to the service: the setting, as `table.key`, and the file."""

    @property
    def name(self) -> str:
        """What systemd calls it."""
        return f"earmark-{self.room}.service"

    def text(self) -> str:
        """The unit file."""
        return "\n".join([*self._head(), *self._service(), *self._install()]) + "\n"

    def _head(self) -> list[str]:
        return [
            "[Unit]",
            f"Description=Earmark listens to room {self.room}",
            "After=sound.target network-online.target time-sync.target pipewire.service pulseaudio.service",
            "Wants=network-online.target" if self.system else "Wants=pipewire.service",
            "StartLimitIntervalSec=0",
            "",
        ]

    def _service(self) -> list[str]:
        config = ["--config", str(self.config)] if self.config else []
        command = [str(self.program), "listen", *config, "--room", self.room]
        lines = [
            "[Service]",
            "Type=notify",
            "NotifyAccess=main",
            f"ExecStart={' '.join(_quoted(word) for word in command)}",
            f"WatchdogSec={_WATCHDOG_SECONDS}",
            "Restart=always",
            "RestartSec=2",
            "# Wrong settings and a room that somebody else listens to are not cured by trying again.",
            "RestartPreventExitStatus=2 4",
            f"TimeoutStopSec={_STOP_SECONDS}",
            "KillMode=mixed",
            "Nice=5",
        ]
        lines += [f"LoadCredential={name}:{file}" for name, file in self.credentials]
        if self.system:
            lines += [f"User={self.user}", "SupplementaryGroups=audio", _SYSTEM_FOLDERS.rstrip()]
            lines += [_SYSTEM_HARDENING.rstrip()]
        return [*lines, _HARDENING.rstrip(), ""]

    def _install(self) -> list[str]:
        return ["[Install]", f"WantedBy={'multi-user.target' if self.system else 'default.target'}"]


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(character in word for character in " \t\"'\\;") else escaped
