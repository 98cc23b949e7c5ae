"""What the broker brings for the room to do: read, judged and done."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from earmark.errors import EarmarkError
from earmark.events import Change
from earmark.room import Controls
from earmark_mqtt.line import Incoming
from earmark_mqtt.payloads import CONFIGURED, MOST_MINUTES
from earmark_mqtt.topics import Topics

_BY = "mqtt"
_MOST_BYTES = 16_384
_MOST_AHEAD_SECONDS = 30.0
_PRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\uffff]")


class CommandError(EarmarkError):
    """A command that is not done, and why."""


class Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command as JSON: its value, and when it was given, so that a late one is not obeyed."""

    value: str | float | bool | None = None
    at: datetime | None = None


class MarkGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What has become of a mark."""

    mark: str
    change: Change = Change.DONE
    text: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Command:
    """Something to do."""

    what: str
    do: Callable[[Controls], Any]
    """Gives the coroutine that does it."""


_SWITCH = {"on": True, "off": False, "true": True, "false": False, "1": True, "0": False}


def command_of(message: Incoming, topics: Topics, *, now: float, age_seconds: float) -> Command:
    """What a message asks for; raises `CommandError` if that is nothing, retained or stale."""
    what = message.topic.removeprefix(topics.set(""))
    if what not in _READERS:
        raise CommandError(f"{message.topic}: there is no such command; there are {', '.join(_READERS)}")
    if message.retained:
        raise CommandError(f"{message.topic}: a retained command is ignored; publish it without")
    if len(message.payload) > _MOST_BYTES:
        raise CommandError(f"{message.topic}: a command of {len(message.payload)} bytes is ignored")
    given = _given(message, what)
    if given.at is not None:
        _judge_age(message.topic, given.at, now, age_seconds)
    return _READERS[what](message.topic, given)


def _given(message: Incoming, what: str) -> Any:
    """The payload as JSON, or else as a plain value."""
    kind = MarkGiven if what == "mark" else Given
    if message.payload.lstrip().startswith(b"{"):
        try:
            return msgspec.json.decode(message.payload, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise CommandError(f"{message.topic}: {error}") from None
    try:
        text = message.payload.decode().strip()
    except UnicodeDecodeError:
        raise CommandError(f"{message.topic}: the payload is no text") from None
    return MarkGiven(mark=text) if what == "mark" else Given(value=text)


def _judge_age(topic: str, at: datetime, now: float, age_seconds: float) -> None:
    given = at if at.tzinfo else at.replace(tzinfo=UTC)
    old = now - given.timestamp()
    if old > age_seconds:
        raise CommandError(f"{topic}: a command that is {old:.0f} s old is ignored")
    if old < -_MOST_AHEAD_SECONDS:
        raise CommandError(f"{topic}: a command from {-old:.0f} s in the future is ignored; see the clocks")


def _mute(topic: str, given: Given) -> Command:
    value = _SWITCH.get(str(given.value).lower())
    if value is None:
        raise CommandError(f"{topic}: {_shown(given.value)} is neither ON nor OFF")
    if value:
        return Command("mute", lambda controls: controls.mute(by=_BY))
    return Command("unmute", lambda controls: controls.unmute(by=_BY))


def _mute_minutes(topic: str, given: Given) -> Command:
    try:
        minutes = float(given.value if given.value is not None else "")
    except ValueError:
        minutes = -1.0
    if isinstance(given.value, bool) or not 0 <= minutes <= MOST_MINUTES:
        raise CommandError(f"{topic}: {_shown(given.value)} is no number of minutes from 0 to {MOST_MINUTES}")
    if not minutes:
        return Command("unmute", lambda controls: controls.unmute(by=_BY))
    return Command(f"mute for {minutes:g} min", lambda controls: controls.mute(seconds=minutes * 60, by=_BY))


def _conversation(topic: str, given: Given) -> Command:
    if str(given.value).lower() != "end":
        raise CommandError(f"{topic}: {_shown(given.value)} is not END")
    return Command("end the conversation", lambda controls: controls.end_conversation(by=_BY))


def _microphone(topic: str, given: Given) -> Command:
    name = "" if given.value is None else str(given.value).strip()
    if len(name) > 200 or _PRINTABLE.search(name):
        raise CommandError(f"{topic}: {_shown(name)} is no name of a microphone")
    device = None if name in ("", CONFIGURED) else name
    return Command(f"choose microphone {name}", lambda controls: controls.choose_device(device, by=_BY))


def _mark(topic: str, given: MarkGiven) -> Command:
    if not given.mark:
        raise CommandError(f"{topic}: no mark is named")
    if given.change is Change.AMENDED and not given.text:
        raise CommandError(f"{topic}: a mark is amended with a text")
    return Command(
        f"mark {given.change.value}",
        lambda controls: controls.change_mark(given.mark, given.change, by=_BY, text=given.text),
    )


def _shown(value: object) -> str:
    return repr(str(value)[:40])


_READERS: dict[str, Callable[[str, Any], Command]] = {
    "mute": _mute,
    "mute_minutes": _mute_minutes,
    "conversation": _conversation,
    "microphone": _microphone,
    "mark": _mark,
}
