from __future__ import annotations

import random
from pathlib import Path

from tests.mqtt.brokers import Broker
from tests.mqtt.kills import kill_at_random
from tests.mqtt.rooms import once


async def test_what_is_in_the_journal_reaches_a_subscriber_whoever_is_killed(nats: Broker, tmp_path: Path) -> None:
    outcome = await kill_at_random(nats, tmp_path, kills=6, rng=random.Random(11))
    assert once(outcome.received) == outcome.journaled
    assert outcome.broker_kills
    assert outcome.listener_kills
