"""The token of the local API: the configured one, or one that is drawn once and kept."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from earmark.errors import EarmarkError
from earmark.settings import Secret
from earmark_http.settings import LEAST_TOKEN

NAME = "token"


@dataclass(frozen=True)
class Key:
    """A token, and the file it is kept in, unless it was configured."""

    token: Secret
    file: Path | None = None


def key_of(configured: Secret | None, folder: Path) -> Key:
    """The token to ask for; raises `EarmarkError` where the kept one cannot be read or a new one not be written."""
    if configured is not None:
        return Key(configured)
    file = folder / NAME
    try:
        return Key(_kept(file) or _drawn(file), file)
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is no text"
        raise EarmarkError(
            f"The token of the local API cannot be kept in {file} ({problem}); make the folder writable for this "
            "user, or set `token` or `token_file` in the table [http]."
        ) from error


def _kept(file: Path) -> Secret | None:
    """The token that was drawn earlier, unless others could have read it or it is spoilt."""
    if not file.exists():
        return None
    exposed = file.stat().st_mode & 0o077
    token = file.read_text("ascii").strip()
    return None if exposed or len(token) < LEAST_TOKEN or not token.isprintable() else Secret(token)


def _drawn(file: Path) -> Secret:
    token = secrets.token_urlsafe(32)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(f"{token}\n")
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
    return Secret(token)
