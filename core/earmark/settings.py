"""Types for settings: durations that people can read, secrets that nobody sees."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)?\s*")


class Duration(float):
    """Seconds, written as a number of seconds or as `"500 ms"`, `"20 s"`, `"10 min"`, `"1.5 h"` or `"30 d"`."""

    def __new__(cls, value: object) -> Duration:
        """Read a duration; raises `ValueError` on anything else."""
        if isinstance(value, str):
            found = _DURATION.fullmatch(value)
            if not found:
                raise ValueError(f"{value!r} is not a duration such as '20 s', '10 min' or '1.5 h'")
            value = float(found[1]) * _UNITS[found[2] or "s"]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ValueError(f"{value!r} is not a duration such as '20 s', '10 min' or '1.5 h'")
        return super().__new__(cls, value)

    def __str__(self) -> str:
        for unit, seconds in reversed(_UNITS.items()):
            if self >= seconds and (self / seconds).is_integer():
                return f"{self / seconds:g} {unit}"
        return f"{float(self):g} s"

    def __repr__(self) -> str:
        return f"Duration({str(self)!r})"


class Secret:
    """A password or token that no log, error or listing shows; `reveal()` gives it to who must send it.

    In the configuration a key `password` may also be given as `password_file`, or as a systemd credential.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return "••••"

    def __repr__(self) -> str:
        return "Secret('••••')"
