"""The encryption of the line to a broker."""

from __future__ import annotations

import hashlib
import ssl
from typing import Any

from earmark.errors import SettingsError
from earmark_mqtt.settings import MqttSettings


def context_of(settings: MqttSettings) -> ssl.SSLContext:
    """What certificates are asked for and shown; raises `SettingsError` where a file is none."""
    context = ssl.create_default_context()
    if settings.fingerprint is not None:
        context.sslsocket_class = _pinned(settings.fingerprint)
        if settings.ca_file is None:
            # The fingerprint says more than a signature would.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    try:
        if settings.ca_file is not None:
            context.load_verify_locations(settings.ca_file.expanduser())
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"[mqtt] ca_file: {settings.ca_file} holds no certificate ({error})") from None
    _show_own(context, settings)
    return context


def _show_own(context: ssl.SSLContext, settings: MqttSettings) -> None:
    if settings.certificate_file is None:
        return
    key = settings.key_file.expanduser() if settings.key_file else None
    # Without a password for it, OpenSSL would ask for one on the terminal.
    password = settings.key_password.reveal() if settings.key_password else ""
    try:
        context.load_cert_chain(settings.certificate_file.expanduser(), key, lambda: password)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"[mqtt] certificate_file: {settings.certificate_file} and its key cannot be used ({error});"
            " see key_file and key_password"
        ) from None


def _pinned(fingerprint: str) -> type[ssl.SSLSocket]:
    """A socket that speaks only to who has a certificate: it looks before anything secret is sent."""
    wanted = fingerprint.replace(":", "").lower()

    class Pinned(ssl.SSLSocket):
        def do_handshake(self, *args: Any, **kwargs: Any) -> None:
            super().do_handshake(*args, **kwargs)
            shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if shown != wanted:
                raise ssl.SSLCertVerificationError(
                    f"the broker's certificate has the fingerprint {shown}, and not the one that is set"
                )

    return Pinned
