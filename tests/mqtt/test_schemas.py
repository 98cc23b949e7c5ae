from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from earmark.audio import Cause
from earmark.events import (
    Change,
    Durable,
    Entity,
    Gap,
    InsightKind,
    Level,
    SentimentHeard,
    Topic,
    TrackerHit,
)
from earmark.events import Sentiment as Mood
from earmark_mqtt.schemas import FOLDER, file_of, schemas, text_of
from earmark_mqtt.settings import Kind
from tests.core.talk import ANN, began, changed, ended, marked, said
from tests.mqtt.brokers import Broker
from tests.mqtt.rooms import at_work, subscribed, until

AT = datetime(2026, 3, 14, 18, 30, tzinfo=UTC)
EVERY: list[Durable] = [
    began(),
    said("u1"),
    *(marked(f"m-{kind}", "Buy milk", kind=kind, assignee=ANN, due=AT) for kind in InsightKind),
    changed("m-question", Change.ANSWERED),
    SentimentHeard(id="s", at=AT, utterance="u1", sentiment=Mood(score=0.5, suggested="positive")),
    Topic(id="t", at=AT, text="milk", score=0.5),
    TrackerHit(id="h", at=AT, tracker="food", phrase="milk"),
    Entity(id="e", at=AT, kind="person", value="Ann"),
    Gap(id="g", at=AT, start=1, seconds=2, cause=Cause.MUTED),
    ended(),
]


def test_the_published_schemas_are_those_of_the_types() -> None:
    made = {file_of(name): text_of(schema) for name, schema in schemas().items()}
    assert {file: file.read_text() for file in FOLDER.iterdir()} == made


@pytest.mark.parametrize("name", schemas())
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas()[name])


async def test_every_payload_keeps_to_its_schema(mosquitto: Broker, tmp_path: Path) -> None:
    kinds = Kind.__args__  # type: ignore[attr-defined]
    settings = mosquitto.settings(kinds=kinds, level=True)
    async with subscribed(mosquitto, "earmark/#") as anyone, at_work(tmp_path, settings) as stand:
        await anyone.come("earmark/kitchen/availability")
        await stand.say(*EVERY)
        await stand.delivered()
        while not anyone.payloads("earmark/kitchen/mic/level"):  # the only one that a busy line leaves out
            stand.show(Level(at=AT, peak_dbfs=-20, rms_dbfs=-30, speech=0.9, speaking=True))
            await asyncio.sleep(0.1)
        await until(lambda: len({topic for topic, *_ in anyone.messages}) >= len(kinds) + 8)
    seen = set()
    for topic, payload, _, _ in anyone.messages:
        name = topic.removeprefix("earmark/kitchen/")
        if payload and name != "availability":
            jsonschema.validate(json.loads(payload), schemas()[name])
            seen.add(name)
    assert seen == {name for name in schemas() if not name.startswith("set/")}


def test_a_schema_tells_a_question_from_an_action_item() -> None:
    question = json.loads(file_of("question").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            {
                "type": "insight",
                "id": "m",
                "at": "2026-03-14T18:30:00Z",
                "mark": "m",
                "kind": "action_item",
                "text": "",
            },
            question,
        )
