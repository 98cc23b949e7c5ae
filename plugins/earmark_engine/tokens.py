"""Tokens: JSON Web Tokens signed with HMAC-SHA256, one key an application, nothing kept on disk.

An application's key is made from its secret, so a token outlives a restart of the engine and dies with the secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from earmark.errors import EarmarkError
from earmark.settings import Secret

LIFE_SECONDS = 86_400
_RENEW_BEFORE_SECONDS = 600
_HEADER = {"alg": "HS256", "typ": "JWT"}
_SHAPE = re.compile(r"[\w-]{1,200}\.[\w-]{1,2000}\.[\w-]{1,200}")


class Denied(EarmarkError):
    """The credentials or the token are not good."""


class Token(msgspec.Struct, frozen=True, rename="camel"):
    """What the token endpoint answers."""

    access_token: str
    expires_in: int


class Claims(msgspec.Struct, frozen=True):
    """What a token says."""

    sub: str
    iat: int
    exp: int
    jti: str = ""


class Tokens:
    """Gives tokens to applications and tells whose a token is."""

    def __init__(self, apps: Mapping[str, Secret], *, anybody: bool = False, life_seconds: int = LIFE_SECONDS) -> None:
        self.anybody = anybody
        """Whether any id and secret are good, and a request without a token is let in."""
        self._life_seconds = life_seconds
        self._secrets = {app: secret.reveal().encode() for app, secret in apps.items()}
        self._keys = {app: _key(secret) for app, secret in self._secrets.items()}
        self._open_key = secrets.token_bytes(32)
        self._given: dict[str, tuple[str, int]] = {}

    def issue(self, app: str, secret: str, *, now: float) -> Token:
        """A token for an application: the one it has, while that still lives a while; raises `Denied`."""
        known = self._secrets.get(app)
        # An unknown application costs the same comparison, so that time tells nothing.
        good = hmac.compare_digest(_key(known or self._open_key), _key(secret.encode()))
        if not self.anybody and not (good and known is not None):
            raise Denied("Combination of appId and appSecret is not valid.")
        token, expires = self._given.get(app, ("", 0))
        if expires - now < min(_RENEW_BEFORE_SECONDS, self._life_seconds / 2):
            token, expires = self._sign(app, now)
            self._given = {app: (token, expires)} if self.anybody else self._given | {app: (token, expires)}
        return Token(token, int(expires - now))

    def check(self, token: str, *, now: float) -> str:
        """The application whose token it is; raises `Denied`."""
        if self.anybody:
            return ""
        try:
            return self._verify(token, now)
        except (ValueError, msgspec.MsgspecError):
            raise Denied("Token validation failed for provided token.") from None

    def _verify(self, token: str, now: float) -> str:
        if not _SHAPE.fullmatch(token):
            raise ValueError
        signed, _, signature = token.rpartition(".")
        header, _, body = signed.partition(".")
        claims = msgspec.json.decode(_unpack(body), type=Claims)
        key = self._keys.get(claims.sub, self._open_key)
        if not hmac.compare_digest(_unpack(signature), _signature(key, signed)) or claims.exp <= now:
            raise ValueError
        if msgspec.json.decode(_unpack(header)) != _HEADER:
            raise ValueError
        return claims.sub

    def _sign(self, app: str, now: float) -> tuple[str, int]:
        claims = Claims(sub=app, iat=int(now), exp=int(now) + self._life_seconds, jti=secrets.token_urlsafe(9))
        signed = f"{_pack(_HEADER)}.{_pack(claims)}"
        key = self._keys.get(app, self._open_key)
        return f"{signed}.{_text(_signature(key, signed))}", claims.exp


def _key(secret: bytes) -> bytes:
    return hmac.digest(secret, b"earmark access token", hashlib.sha256)


def _signature(key: bytes, signed: str) -> bytes:
    return hmac.digest(key, signed.encode(), hashlib.sha256)


def _pack(value: Any) -> str:
    return _text(msgspec.json.encode(value))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
