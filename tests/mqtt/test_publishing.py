from __future__ import annotations

import asyncio
import random
from pathlib import Path

from msgspec.structs import replace

from earmark.events import Change, InsightKind, decode
from tests.core.talk import about, began, changed, marked, said
from tests.mqtt.brokers import Broker
from tests.mqtt.rooms import at_work, ids, once, subscribed, until


async def test_marks_arrive_on_their_topics_as_they_stand_in_the_journal(broker: Broker, tmp_path: Path) -> None:
    marks = {kind: marked(f"m-{kind}", "Who, and by when?", kind=kind) for kind in InsightKind}
    async with subscribed(broker, "earmark/#") as subscriber, at_work(tmp_path, broker.settings()) as stand:
        await stand.say(began(), *marks.values(), changed("m-question", Change.ANSWERED), about("the kitchen"))
        await stand.delivered()
        for kind, mark in marks.items():
            (payload,) = await subscriber.come(f"earmark/kitchen/{kind}")
            assert decode(payload) == mark
        await subscriber.come("earmark/kitchen/topic")
        assert len(subscriber.payloads("earmark/kitchen/mark_changed")) == 1


async def test_what_was_said_stays_in_the_room_unless_it_is_asked_for(mosquitto: Broker, tmp_path: Path) -> None:
    async with subscribed(mosquitto, "earmark/#") as subscriber:
        async with at_work(tmp_path / "a", mosquitto.settings()) as stand:
            await stand.say(said("u1", "Nobody's business"), marked("m1", "Buy milk"))
            await stand.delivered()
        assert not subscriber.payloads("earmark/kitchen/utterance")
        async with at_work(tmp_path / "b", mosquitto.settings(kinds=("utterance",))) as stand:
            await stand.say(said("u2", "Everybody's business"), marked("m2", "Buy bread"))
            await stand.delivered()
            await until(lambda: subscriber.payloads("earmark/kitchen/utterance"))
        assert ids(subscriber) == ["m1-0", "u2"]


async def test_without_text_nothing_that_was_said_leaves_the_room(mosquitto: Broker, tmp_path: Path) -> None:
    settings = mosquitto.settings(text=False, kinds=("action_item", "mark_changed", "utterance", "topic"))
    async with subscribed(mosquitto, "#") as subscriber, at_work(tmp_path, settings) as stand:
        await stand.say(
            said("u", "the secret word"), marked("m", "the secret word"), replace(about("the secret word"), id="t")
        )
        await stand.say(changed("m", Change.AMENDED, text="the secret word"))
        await stand.delivered()
        await until(lambda: subscriber.payloads("earmark/kitchen/open_items"))
        await until(lambda: len(ids(subscriber)) == 4)
        assert not [topic for topic, payload, _, _ in subscriber.messages if b"secret" in payload]


async def test_an_outage_of_the_broker_is_no_failure_and_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    async with subscribed(broker, "earmark/kitchen/+") as subscriber, at_work(tmp_path, broker.settings()) as stand:
        await stand.say(marked("before", "Buy milk"))
        await stand.delivered()
        broker.kill(15)
        await until(lambda: stand.report.problem and "events wait for it on disk" in stand.report.problem)
        for n in range(300):
            await stand.say(marked(f"during-{n}", "Buy bread"))
        broker.start()
        await until(lambda: len(once(ids(subscriber))) == 301)
        assert once(ids(subscriber)) == ["before-0", *(f"during-{n}-0" for n in range(300))]
        await until(lambda: stand.report.problem is None)
        assert (stand.report.failures, stand.report.refused) == (0, 0)


async def test_a_room_started_while_the_broker_is_away_finds_it_later(mosquitto: Broker, tmp_path: Path) -> None:
    mosquitto.kill(15)
    async with at_work(tmp_path, mosquitto.settings()) as stand:
        await stand.say(marked("m", "Buy milk"))
        await until(lambda: stand.report.problem)
        assert "away" in stand.report.details["broker"]
        assert stand.report.wait_name == f"the broker 127.0.0.1:{mosquitto.port}"
        mosquitto.start()
        await stand.delivered()
        assert stand.report.counters["published"] == 1


async def test_a_new_process_goes_on_where_the_last_one_was_acknowledged(mosquitto: Broker, tmp_path: Path) -> None:
    async with subscribed(mosquitto, "earmark/kitchen/+") as subscriber:
        for n in range(3):
            async with at_work(tmp_path, mosquitto.settings()) as stand:
                await stand.say(marked(f"m{n}", "Buy milk"))
                await stand.delivered()
                await subscriber.come("earmark/kitchen/action_item", count=n + 1)
        await asyncio.sleep(0.2)
        assert ids(subscriber) == ["m0-0", "m1-0", "m2-0"]


async def test_a_broker_that_froze_is_given_up_and_taken_again(mosquitto: Broker, tmp_path: Path) -> None:
    settings = mosquitto.settings(keepalive=1)
    async with subscribed(mosquitto, "earmark/kitchen/+") as subscriber, at_work(tmp_path, settings) as stand:
        await stand.connected()
        mosquitto.freeze()
        await stand.say(marked("m", "Buy milk"))
        await until(lambda: stand.report.problem)
        mosquitto.thaw()
        await until(lambda: "m-0" in ids(subscriber))


async def test_kills_at_random_moments_lose_and_reorder_nothing(nats: Broker, tmp_path: Path) -> None:
    rng = random.Random(5)
    async with subscribed(nats, "earmark/kitchen/+") as subscriber, at_work(tmp_path, nats.settings()) as stand:
        expected = []
        for round_ in range(5):
            for n in range(rng.randrange(20, 60)):
                expected.append(f"m{round_}-{n}-0")
                await stand.say(marked(f"m{round_}-{n}", "Buy milk"))
            nats.kill()
            nats.start()
        await until(lambda: set(expected) <= set(ids(subscriber)), seconds=60)
        assert once(ids(subscriber)) == expected


async def test_a_subscriber_gets_a_backlog_in_its_order(mosquitto: Broker, tmp_path: Path) -> None:
    names = [f"m{n}" for n in range(3000)]
    async with subscribed(mosquitto, "earmark/kitchen/+") as subscriber:
        async with at_work(tmp_path, mosquitto.settings()) as stand:
            await stand.say(*(marked(name, "Buy milk") for name in names))
            await stand.delivered()
            await until(lambda: len(ids(subscriber)) >= 3000)
        assert ids(subscriber) == [f"{name}-0" for name in names]
