"""Our own extension of the protocol: a client that comes back loses nothing and hears nothing twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earmark_engine.recognizers.types import RATE
from tests.engine.conftest import Client, Json, Served, eventually, inner, served, texts
from tests.engine.scripted import SCRIPT, spoken

CAT, PLUMBER, GARAGE, TAP, LIKE, NUMBER, OFFER = SCRIPT
KEEP = 600


async def begin(client: Client, position: int, sequence: int = 0, **members: Any) -> Json:
    """Start as our own client does, and give what the engine answers."""
    resume = {"version": 1, "position": position, "rate": RATE, "sequence": sequence}
    await client.start(earmark=resume, noConnectionTimeout=KEEP, disconnectOnStopRequest=False, **members)
    started: Json = next(told for told in client.told if inner(told) == "started_listening")["message"]["earmark"]
    return started


async def cut(service: Served, client: Client) -> None:
    """Break the line once the engine has taken all that was sent."""
    await client.say("__PING__")
    await client.until(lambda told: told["type"] == "__PONG__")
    client.socket._writer.transport.abort()  # noqa: SLF001 — a line that breaks
    await eventually(lambda: service.engine.streams == 0)


def placed(told: list[Json]) -> list[tuple[int, int]]:
    """From which capture sample to which each sentence lies."""
    found = [message["earmark"] for message in told if message["type"] == "message_response"]
    return [(place["start"], place["end"]) for place in found]


async def test_a_sentence_that_the_line_cut_in_two_is_heard_whole(service: Served) -> None:
    sound = spoken(3, 4)
    first = await service.connect()
    await begin(first, 1000)
    await first.hear(sound[:4000])
    await cut(service, first)
    second = await service.connect()
    answer = await begin(second, 1000 + 2000)
    assert answer["heard"] == 1000 + 4000
    await second.hear(sound[2000:])
    await second.said(LIKE)
    assert texts(second.told) == [TAP, LIKE]
    assert placed(second.told) == [(1000, 9000), (25_000, 33_000)]
    assert len(service.recognizer.streams) == 1


async def test_a_client_may_skip_what_was_heard_and_say_so(service: Served) -> None:
    sound = spoken(3, 4)
    first = await service.connect()
    await begin(first, 0)
    await first.hear(sound[:4000])
    await cut(service, first)
    second = await service.connect()
    heard = (await begin(second, 0))["heard"]
    await second.say({"type": "modify_request", "earmark": {"position": heard, "rate": RATE}})
    await second.hear(sound[heard:])
    await second.said(LIKE)
    assert texts(second.told) == [TAP, LIKE]


async def test_results_that_were_lost_with_the_line_are_repeated_once(service: Served) -> None:
    first = await service.connect()
    await begin(first, 0)
    await first.hear(spoken(0, 3))
    kept = (await first.said(CAT))["earmark"]["sequence"]
    await first.said(TAP)
    await cut(service, first)
    second = await service.connect()
    await begin(second, len(spoken(0, 3)), sequence=kept)
    await second.hear(spoken(4))
    await second.said(LIKE)
    assert texts(second.told) == [TAP, LIKE]
    numbers = [message["earmark"]["sequence"] for message in second.told if message["type"].endswith("_response")]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > kept


async def test_sound_is_acknowledged_only_after_its_results_were_told(service: Served) -> None:
    client = await service.connect()
    await begin(client, 500)
    await client.hear(spoken(0, 1, 4))
    end = 500 + len(spoken(0, 1, 4))
    await client.until(lambda told: inner(told) == "earmark_heard" and told["message"]["samples"] == end)
    for place, told in enumerate(client.told):
        if inner(told) == "earmark_heard":
            before = client.told[:place]
            assert [one for one in placed(client.told) if one[1] <= told["message"]["samples"]] == placed(before)
            assert told["message"]["sequence"] == max([0, *_numbers(before), *_joined(told)])


def _numbers(told: list[Json]) -> list[int]:
    return [message["earmark"]["sequence"] for message in told if message["type"].endswith("_response")]


def _joined(told: Json) -> list[int]:
    # The first fact is that the conversation began; it is numbered, and nothing is told of it.
    return [1] if told["message"]["sequence"] == 1 else []


async def test_sound_that_was_left_out_does_not_shift_what_comes_after(service: Served) -> None:
    client = await service.connect()
    await begin(client, 0)
    await client.hear(spoken(3))
    await client.say({"type": "modify_request", "earmark": {"position": 10 * RATE, "rate": RATE}})
    await client.hear(spoken(4))
    told = await client.said(LIKE)
    assert placed([told]) == [(10 * RATE, 10 * RATE + RATE // 2)]
    assert told["messages"][0]["duration"]["timeOffset"] == pytest.approx(10.0, abs=0.1)


async def test_a_pause_keeps_the_time_line(service: Served) -> None:
    client = await service.connect()
    await begin(client, 0)
    await client.hear(spoken(3))
    await client.say({"type": "stop_request"})
    await client.until(lambda told: inner(told) == "recognition_stopped")
    client.told.clear()
    await begin(client, 100 * RATE, sequence=9)
    await client.hear(spoken(4))
    told = await client.said(LIKE)
    assert placed([told]) == [(100 * RATE, 100 * RATE + RATE // 2)]
    assert told["messages"][0]["duration"]["timeOffset"] == pytest.approx(100.0, abs=0.5)


async def test_a_client_that_comes_back_takes_over_from_a_line_that_hangs(service: Served) -> None:
    sound = spoken(3, 4)
    hanging = await service.connect()
    await begin(hanging, 0)
    await hanging.hear(sound[:6000])
    await hanging.until(lambda told: inner(told) == "recognition_result")
    second = await service.connect()
    await begin(second, 0)
    await hanging.hear(sound[6000:])
    await second.hear(sound)
    await second.said(LIKE)
    assert texts(second.told) == [TAP, LIKE]


async def test_an_engine_that_was_restarted_repeats_what_it_kept(tmp_path: Any) -> None:
    async with served(file=tmp_path / "c.db") as service:
        first = await service.connect()
        await begin(first, 0)
        await first.hear(spoken(0, 3))
        await first.said(TAP)
    async with served(file=tmp_path / "c.db") as service:
        second = await service.connect()
        await begin(second, len(spoken(0, 3)))
        await second.hear(spoken(4))
        await second.said(LIKE)
        assert texts(second.told) == [CAT, TAP, LIKE]
        assert placed(second.told)[-1][0] == len(spoken(0, 3))


async def test_other_clients_are_told_nothing_of_the_extension(service: Served) -> None:
    client = await service.connect()
    await client.start()
    await client.hear(spoken(0, 4))
    await client.said(LIKE)
    assert "earmark" not in str(client.told)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 60_000), min_size=1, max_size=4), back=st.integers(0, 20_000))
async def test_wherever_the_line_breaks_everything_is_heard_once(cuts: list[int], back: int) -> None:
    sound = spoken(0, 3, 4, 6, pause=8000)
    async with served() as service:
        heard = 0
        for end in sorted(min(cut, len(sound)) for cut in cuts):
            client = await service.connect()
            start = max(0, min(heard, end) - back)
            await begin(client, start)
            await client.hear(sound[start : max(start, end)])
            heard = max(heard, end)
            await cut(service, client)
        client = await service.connect()
        start = max(0, heard - back)
        await begin(client, start)
        await client.hear(np.concatenate([sound[start:], np.zeros(RATE, np.int16)]))
        await client.said(OFFER)
        assert texts(client.told) == [CAT, TAP, LIKE, OFFER]
        assert placed(client.told) == [(first, first + 8000) for first in range(0, 64_000, 16_000)]


async def test_a_client_that_has_nothing_more_to_send_is_told_again_how_far_it_was_heard(service: Served) -> None:
    sound = spoken(0)
    first = await service.connect()
    await begin(first, 0)
    await first.hear(sound)
    await first.until(lambda told: inner(told) == "earmark_heard" and told["message"]["samples"] == len(sound))
    await cut(service, first)
    second = await service.connect()
    await begin(second, len(sound))
    told = await second.until(lambda told: inner(told) == "earmark_heard")
    assert told["message"]["samples"] == len(sound)
    assert texts(second.told) == [CAT]


async def test_an_engine_that_stops_lets_clients_go_so_that_they_come_back(tmp_path: Any) -> None:
    async with served(file=tmp_path / "c.db") as service:
        plain, browser = await service.connect(), await service.connect("other?source=web_sdk")
        await begin(plain, 0)
        await plain.hear(spoken(3, pause=0))
        await service.engine.close_sockets()
        assert await plain.until_closed() == 1001
        assert await browser.until_closed() == 3006
    async with served(file=tmp_path / "c.db") as service:
        again = await service.connect()
        await begin(again, len(spoken(3, pause=0)))
        await again.said(TAP)


async def test_sound_that_was_told_is_not_told_again_by_a_recogniser_that_was_replaced(service: Served) -> None:
    sound = spoken(0, 3, 4)
    first = await service.connect()
    await begin(first, 0)
    await first.hear(sound[: len(spoken(0))])
    await first.said(CAT)
    service.recognizer.streams[0].break_down()
    await first.hear(sound[len(spoken(0)) :])
    assert await first.until_closed() == 1011
    second = await service.connect()
    assert (await begin(second, 0, sequence=9))["heard"] == 8000
    await second.hear(sound)
    await second.said(LIKE)
    assert texts(second.told) == [TAP, LIKE]


async def test_sound_that_an_earlier_engine_has_told_is_not_told_again(tmp_path: Any) -> None:
    async with served(file=tmp_path / "c.db") as service:
        first = await service.connect()
        await begin(first, 0)
        await first.hear(spoken(0))
        kept = (await first.said(CAT))["earmark"]["sequence"]
    async with served(file=tmp_path / "c.db") as service:
        second = await service.connect()
        await begin(second, 0, sequence=kept)
        await second.hear(spoken(0, 4))
        await second.said(LIKE)
        assert texts(second.told) == [LIKE]


async def test_the_ear_of_a_client_that_never_comes_back_is_closed_while_others_speak(service: Served) -> None:
    gone, other = await service.connect(), await service.connect()
    await begin(gone, 0, speaker={"name": "Jane"})
    await other.start(speaker={"name": "Tom"})
    await gone.hear(spoken(3, pause=0))
    await gone.say("__PING__")
    await gone.until(lambda told: told["type"] == "__PONG__")
    gone.socket._writer.transport.abort()  # noqa: SLF001 — a line that breaks
    await eventually(lambda: service.engine.streams == 1)
    assert service.recognizer.open == 2
    service.clock.skip(KEEP + 1)
    await other.said(TAP)
    await eventually(lambda: service.recognizer.open == 1)
