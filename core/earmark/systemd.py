"""Telling systemd how the service is; without systemd, nothing is told."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Notifier:
    """Sends states to the socket that systemd names in `$NOTIFY_SOCKET`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.watchdog_seconds = _watchdog(environ)
        """How often systemd wants a sign of life; None if it does not."""

    def tell(self, **states: str) -> None:
        """Tell states such as `READY="1"`; systemd being away is no reason to fail."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        lines = "\n".join(f"{name}={' '.join(value.split())}" for name, value in states.items())
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.sendto(lines.encode(), address)


def _watchdog(environ: Mapping[str, str]) -> float | None:
    ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    text = environ.get("WATCHDOG_USEC", "")
    return int(text) / 1_000_000 if ours and text.isdigit() and int(text) else None
