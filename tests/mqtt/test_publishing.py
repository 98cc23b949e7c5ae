from __future__ import annotations

import json
from pathlib import Path

from earmark.events import decode, encode
from tests.core.talk import at, began, marked, said
from tests.mqtt.brokers import Broker
from tests.mqtt.rooms import at_work, ids, once, subscribed, until


async def test_marks_arrive_on_their_topics_as_they_stand_in_the_journal(broker: Broker, tmp_path: Path) -> None:
    events = [began(), marked("m1", "Buy milk"), said("u1")]
    async with subscribed(broker, "earmark/#") as subscriber, at_work(tmp_path, broker.settings()) as stand:
        await stand.say(*events)
        await stand.delivered()
        await until(lambda: subscriber.payloads("earmark/kitchen/action_item"))
        found = [decode(each) for each in subscriber.payloads("earmark/kitchen/action_item")]

        assert found == [events[1]]
