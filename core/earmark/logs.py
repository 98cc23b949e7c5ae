"""What the log looks like, for people, for journald and for programs; no secret ever gets into it."""

from __future__ import annotations

import json
import logging
import os
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TextIO
from urllib.parse import quote

from earmark.settings import Secret

HIDDEN = "••••"
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_TOKENS = (
    re.compile(r"(?i)((?:access_token|x-api-key|api_key)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',}]+"),
    re.compile(r"(?i)(\bbearer\s+)[\w.~+/=-]{8,}"),
    re.compile(r"()\beyJ[\w-]+\.[\w-]+\.[\w-]*"),
)


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """The text without these secrets, and without anything that looks like a token."""
    # The longest first, so that a secret that is part of another leaves nothing of it behind.
    for value in sorted({secret.reveal() for secret in list(secrets) if secret}, key=len, reverse=True):
        for form in (value, quote(value, safe=""), json.dumps(value)[1:-1]):
            text = text.replace(form, HIDDEN)
    for pattern in _TOKENS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


class Formatter(logging.Formatter):
    """Writes records by a layout, then takes out what is secret."""

    def __init__(self, layout: Callable[[logging.LogRecord], str], secrets: Callable[[], Iterable[Secret]]) -> None:
        super().__init__()
        self._layout, self._secrets = layout, secrets

    def format(self, record: logging.LogRecord) -> str:
        """The record as it is written."""
        return redact(self._layout(record), self._secrets())


def text_layout(record: logging.LogRecord) -> str:
    """A line for a person: time, level where it matters, what happened."""
    at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
    level = f" {record.levelname.lower()}:" if record.levelno >= logging.WARNING else ""
    return f"{at}{level} {_message(record)}"


def journald_layout(record: logging.LogRecord) -> str:
    """A line for journald, which knows the time itself: `<priority>logger: what happened`."""
    priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
    return "\n".join(f"<{priority}>{record.name}: {line}" for line in _message(record).splitlines() or [""])


def json_layout(record: logging.LogRecord) -> str:
    """One JSON object a line."""
    line = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
    }
    if record.exc_info:
        line["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return json.dumps(line, ensure_ascii=False)


class _OursOrSerious(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.name.startswith("earmark") or record.levelno >= logging.WARNING


def begin(
    *,
    level: str,
    form: str,
    secrets: Callable[[], Iterable[Secret]],
    stream: TextIO,
    environ: Mapping[str, str],
) -> logging.Handler:
    """Send the log to a stream in the form asked for; taken back by `end`."""
    handler = logging.StreamHandler(stream)
    layout = json_layout if form == "json" else journald_layout if _is_journal(stream, environ) else text_layout
    handler.setFormatter(Formatter(layout, secrets))
    handler.addFilter(_OursOrSerious())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    return handler


def end(handler: logging.Handler) -> None:
    """Stop sending the log there."""
    logging.getLogger().removeHandler(handler)
    handler.close()


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return text


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream leads to journald: a terminal that a service started inherits the variable too."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
