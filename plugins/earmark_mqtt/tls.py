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
    context.sslsocket_class = _socket_class(settings.fingerprint)
    if settings.fingerprint is not None and settings.ca_file is None:
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


def _socket_class(fingerprint: str | None) -> type[ssl.SSLSocket]:
    """A socket that closes itself where no trust comes about, and looks for a fingerprint before a secret is sent."""
    wanted = fingerprint.replace(":", "").lower() if fingerprint else None

    class Careful(ssl.SSLSocket):
        def do_handshake(self, *args: Any, **kwargs: Any) -> None:
            try:
                super().do_handshake(*args, **kwargs)
                self._compare()
            except BaseException:
                self.close()
                raise

        def _compare(self) -> None:
            shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if wanted is not None and shown != wanted:
                raise ssl.SSLCertVerificationError(
                    f"its certificate has the fingerprint {shown}, and not the one that is set"
                )

    return Careful
