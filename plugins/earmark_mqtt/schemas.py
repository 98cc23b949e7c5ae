"""The JSON Schema of every payload, made from the types; `python -m earmark_mqtt.schemas` writes them anew.

They lie beside this file, one a topic, for whoever reads what the room publishes in another language.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from earmark.events import (
    ConversationEnded,
    ConversationStarted,
    Entity,
    Gap,
    Insight,
    InsightKind,
    Level,
    MarkChanged,
    SentimentHeard,
    Status,
    Topic,
    TrackerHit,
    Utterance,
)
from earmark_mqtt.commands import Given, MarkGiven
from earmark_mqtt.payloads import Home, LastMark, OpenItems

FOLDER = Path(__file__).parent / "schemas"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TYPES: dict[str, type[msgspec.Struct]] = {
    **dict.fromkeys((kind.value for kind in InsightKind), Insight),
    **dict.fromkeys((f"last/{kind.value}" for kind in InsightKind), LastMark),
    "topic": Topic,
    "utterance": Utterance,
    "gap": Gap,
    "mark_changed": MarkChanged,
    "conversation_started": ConversationStarted,
    "conversation_ended": ConversationEnded,
    "sentiment": SentimentHeard,
    "tracker_hit": TrackerHit,
    "entity": Entity,
    "status": Status,
    "home": Home,
    "open_items": OpenItems,
    "mic/level": Level,
    "set/mute": Given,
    "set/mute_minutes": Given,
    "set/conversation": Given,
    "set/microphone": Given,
    "set/mark": MarkGiven,
}


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of the payload of every topic below the room that is JSON."""
    return {name: _schema(name, kind) for name, kind in _TYPES.items()}


def file_of(name: str) -> Path:
    """Where the schema of a topic lies."""
    return FOLDER / f"{name.replace('/', '.')}.json"


def text_of(schema: dict[str, Any]) -> str:
    """A schema as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2).decode() + "\n"


def _schema(name: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
    (schema,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    made = components.pop(schema["$ref"].rpartition("/")[2])
    if kind in (Insight, LastMark):
        made["properties"]["kind"] = {"const": name.rpartition("/")[2]}
    text = msgspec.json.encode([made, components]).decode()
    used = {name: each for name, each in components.items() if f'"#/$defs/{name}"' in text}
    return {"$schema": _DRAFT, **made, "title": f"earmark/ROOM/{name}"} | ({"$defs": used} if used else {})


def main() -> None:
    """Write every schema to its file."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        file_of(name).write_text(text_of(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
