"""Ids as Symbl's clients know them: decimal strings of sixteen digits that a double holds exactly."""

from __future__ import annotations

import hashlib
import secrets

_LEAST, _MOST = 10**15, 2**53


def new_decimal_id() -> str:
    """An id that nothing else has."""
    return str(_LEAST + secrets.randbelow(_MOST - _LEAST))


def decimal_id(name: str) -> str:
    """The id that is always the same for the same name."""
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
    return str(_LEAST + number % (_MOST - _LEAST))
