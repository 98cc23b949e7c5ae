import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from aiohttp import WSMsgType

from earmark.audio import Frame
from earmark.errors import ConnectionFailed, PeerRefused, SettingsError, TokenRefused
from earmark.events import Hearing, SentimentHeard, Utterance
from earmark.hookspecs import Axis, Confirmed, FromPeer, Heard, Start, Trouble
from earmark.room import Room
from earmark.settings import Duration, Secret
from earmark_symbl.lifecycle import (
    Alternative,
    ConversationCompleted,
    EarmarkHeard,
    ErrorMessage,
    Placed,
    RawSpeech,
    RecognitionResult,
    RecognitionStopped,
    RecognizedWord,
    SpeechPayload,
    StartedListening,
    WireTime,
)
from earmark_symbl.lifecycle import Heard as HeardAlready
from earmark_symbl.requests import Audio, ModifyRequest, StartRequest
from earmark_symbl.results import Content, Message, MessageResponse, Polarity, WireSentiment
from earmark_symbl.settings import SymblSettings
from earmark_symbl.transport import SymblConnection, open_symbl
from tests.symbl.service import PATIENCE_SECONDS, Service, Talk

START = Start(conversation="ours", position=16_000, rate=16_000, at=0.0, keep_seconds=600)
GLAD = WireSentiment(polarity=Polarity(score=0.5), suggested="positive")
MESSAGES = "GET /v1/conversations/42/messages"


def frame(position: int, *, length: int = 16_000, rate: int = 16_000) -> Frame:
    return Frame(samples=np.full(length, 7, dtype=np.int16), rate=rate, position=position, at=0.0)


def final(text: str, start: float) -> RecognitionResult:
    words = tuple(
        RecognizedWord(word=word, start_time=WireTime.of(start + n / 2), end_time=WireTime.of(start + n / 2 + 0.5))
        for n, word in enumerate(text.split())
    )
    alternative = Alternative(words=words, transcript=text)
    return RecognitionResult(is_final=True, payload=SpeechPayload(raw=RawSpeech(alternatives=(alternative,))))


def said(text: str, *, sentiment: WireSentiment | None = GLAD, placed: Placed | None = None) -> MessageResponse:
    message = Message(id=f"id of {text}", payload=Content(content=text), sentiment=sentiment)
    return MessageResponse(messages=(message,), earmark=placed)


def symbl(service: Service, **members: Any) -> SymblSettings:
    return SymblSettings(url=service.url, token=Secret("token-one"), **members)


async def collect(connection: SymblConnection) -> list[FromPeer]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [told async for told in connection]


async def until(connection: SymblConnection, wanted: Callable[[FromPeer], bool]) -> FromPeer:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for told in connection:
            if wanted(told):
                return told
    raise AssertionError("the conversation ended before")


def utterances(told: list[FromPeer]) -> list[tuple[str, float, float]]:
    events = [item.event for item in told if isinstance(item, Heard)]
    return [(event.text, event.start, event.end) for event in events if isinstance(event, Utterance)]


async def test_connecting_says_nothing_until_it_is_started(service: Service, room: Room) -> None:
    async def quiet(talk: Talk) -> None:
        assert await talk.hear() is None
        assert talk.socket.close_code == 1001

    service.scripts.append(quiet)
    async with open_symbl(symbl(service), room) as transport, transport.connect("id=="):
        pass
    assert service.requests[0][1] == "/v1/streaming/id%3D%3D"


async def test_sound_goes_out_in_blocks_and_words_come_back_on_the_capture_clock(service: Service, room: Room) -> None:
    async def hear(talk: Talk) -> None:
        start = await talk.listen()
        assert (start.rate, start.encoding, start.keep_seconds, start.disconnects) == (16_000, "LINEAR16", 600, False)
        await talk.hear_audio(4 * 32_000 - 2048)
        await talk.say(final("call the plumber", 2.5), said("Call the plumber!"))
        await talk.stopped()
        assert len(talk.audio) == 4 * 32_000
        await talk.say(said("Bye."), RecognitionStopped())
        assert await talk.hear() is None
        assert talk.socket.close_code == 1000

    service.scripts.append(hear)
    async with open_symbl(symbl(service), room) as transport, transport.connect("a") as connection:
        started = await connection.start(START)
        assert (started.conversation, started.heard, started.confirms) == ("42", None, False)
        for position in (16_000, 32_000, 160_000, 176_000):
            await connection.send(frame(position))
        await connection.finish()
        told = await collect(connection)
    # Two seconds were sent up to second 3; what came after them was captured from second 10 on.
    assert utterances(told) == [("Call the plumber!", 10.5, 12.0), ("Bye.", 12.0, 12.0)]
    assert isinstance(told[0], Heard)
    assert isinstance(told[0].event, Hearing)
    assert {item.axis for item in told if isinstance(item, Heard)} == {Axis.CAPTURE}


async def test_a_pause_waits_for_the_last_results_and_the_next_start_goes_on(service: Service, room: Room) -> None:
    async def pause(talk: Talk) -> None:
        for word in ("one", "two"):
            await talk.listen()
            await talk.stopped()
            await talk.say(final(word, 0.5), RecognitionStopped(), said(word))
        assert await talk.hear() is None

    service.scripts.append(pause)
    async with open_symbl(symbl(service), room) as transport, transport.connect("a") as connection:
        for position in (16_000, 160_000):
            await connection.start(Start(conversation="ours", position=position, rate=16_000, at=0.0))
            await connection.send(frame(position))
            await connection.pause()
            await until(connection, lambda told: isinstance(told, Heard) and isinstance(told.event, Utterance))
        await connection.finish()
        assert await collect(connection) == []


async def test_our_own_engine_is_told_positions_and_confirms(service: Service, room: Room) -> None:
    async def engine(talk: Talk) -> None:
        start = await talk.listen(listening=StartedListening(earmark=HeardAlready(heard=20_000)))
        assert start.earmark is not None
        assert (start.earmark.position, start.earmark.rate, start.earmark.sequence) == (16_000, 16_000, 3)
        skipped = await talk.until(ModifyRequest)
        assert skipped.earmark is not None
        assert skipped.earmark.position == 20_000
        await talk.hear_audio(8000)
        jumped = await talk.until(ModifyRequest)
        assert jumped.earmark is not None
        assert (jumped.earmark.position, len(talk.audio)) == (160_000, 8000)
        await talk.say(said("Yes.", placed=Placed(sequence=4, start=20_000, end=24_000)))
        await talk.say(EarmarkHeard(samples=24_000, sequence=4))
        await talk.stopped()
        await talk.say(RecognitionStopped())

    service.scripts.append(engine)
    resumed = Start(conversation="ours", position=16_000, rate=16_000, at=0.0, sequence=3)
    async with open_symbl(symbl(service), room) as transport, transport.connect("a") as connection:
        started = await connection.start(resumed)
        assert (started.heard, started.confirms) == (20_000, True)
        await connection.send(frame(20_000, length=4000))
        await connection.send(frame(160_000))
        await connection.finish()
        told = await collect(connection)
    assert utterances(told) == [("Yes.", 1.25, 1.5)]
    assert isinstance(told[0], Heard)
    assert told[0].sequence == 4
    assert told[1] == Confirmed(until=1.5, axis=Axis.CAPTURE, sequence=4)


async def test_late_messages_find_their_words_on_the_next_line(service: Service, room: Room) -> None:
    async def drop(talk: Talk) -> None:
        await talk.listen()
        await talk.hear_audio(62_000)
        await talk.say(final("call the plumber", 0))
        await talk.hear_audio(94_000)
        talk.drop()

    async def late(talk: Talk) -> None:
        await talk.listen()
        await talk.say(said("Call the plumber."))
        await talk.stopped()
        await talk.say(RecognitionStopped())

    service.scripts += [drop, late]
    async with open_symbl(symbl(service), room) as transport:
        with pytest.raises(ConnectionFailed):
            async with transport.connect("a") as connection:
                await connection.start(START)
                await connection.send(frame(16_000, length=32_000))
                await until(connection, lambda told: isinstance(told, Heard))
                await connection.send(frame(48_000))
                await collect(connection)
        async with transport.connect("a") as connection:
            await connection.start(Start(conversation="ours", position=160_000, rate=16_000, at=0.0))
            await connection.finish()
            assert utterances(await collect(connection)) == [("Call the plumber.", 1.0, 2.5)]


async def test_another_rate_is_announced(service: Service, room: Room) -> None:
    async def modified(talk: Talk) -> None:
        await talk.listen()
        request = await talk.until(ModifyRequest)
        assert request.speech_recognition.sample_rate_hertz == 8000
        assert len(talk.audio) == 32_000
        await talk.stopped()
        assert len(talk.audio) == 48_000
        await talk.say(RecognitionStopped())

    service.scripts.append(modified)
    async with open_symbl(symbl(service), room) as transport, transport.connect("a") as connection:
        await connection.start(START)
        await connection.send(frame(16_000))
        await connection.send(frame(16_000, length=8000, rate=8000))
        await connection.finish()
        await collect(connection)


async def test_sound_is_sent_at_the_encoding_and_rate_asked_for(service: Service, room: Room) -> None:
    async def telephone(talk: Talk) -> None:
        start = await talk.listen()
        assert (start.encoding, start.rate) == ("MULAW", 8000)
        await talk.stopped()
        assert abs(len(talk.audio) - 8000) <= 2
        await talk.say(RecognitionStopped())

    service.scripts.append(telephone)
    settings = symbl(service, encoding="MULAW")
    async with open_symbl(settings, room) as transport, transport.connect("a") as connection:
        await connection.start(START)
        await connection.send(frame(16_000))
        await connection.finish()
        await collect(connection)


async def test_a_service_that_ends_the_conversation_ends_the_iteration(service: Service, room: Room) -> None:
    async def end(talk: Talk) -> None:
        await talk.listen()
        await talk.say(ConversationCompleted.of("42"))
        await talk.socket.close(code=1000)

    service.scripts.append(end)
    async with open_symbl(symbl(service), room) as transport, transport.connect("a") as connection:
        await connection.start(START)
        assert await collect(connection) == []


async def test_a_service_that_stops_listening_by_itself_gets_no_more_sound(service: Service, room: Room) -> None:
    async def deaf(talk: Talk) -> None:
        await talk.listen()
        await talk.until(Audio)
        await talk.say(RecognitionStopped())
        while (await talk.socket.receive()).type is WSMsgType.BINARY:
            pass  # what was on its way

    service.scripts.append(deaf)
    with pytest.raises(ConnectionFailed, match="stopped listening"):
        async with open_symbl(symbl(service), room) as transport, transport.connect("a") as connection:
            await connection.start(START)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    await connection.send(frame(16_000))
                    await asyncio.sleep(0)


async def test_complaints_are_told_and_the_conversation_goes_on(service: Service, room: Room) -> None:
    async def grumble(talk: Talk) -> None:
        await talk.listen()
        await talk.say(ErrorMessage(message="Too loud."))
        await talk.stopped()
        await talk.say(RecognitionStopped())

    service.scripts.append(grumble)
    async with open_symbl(symbl(service), room) as transport, transport.connect("a") as connection:
        await connection.start(START)
        await connection.finish()
        assert await collect(connection) == [Trouble("Too loud.")]


async def test_a_start_that_is_refused_is_a_refusal(service: Service, room: Room) -> None:
    async def refuse(talk: Talk) -> None:
        await talk.until(StartRequest)
        await talk.say(ErrorMessage(message="Language xx is not known."))
        assert await talk.hear() is None

    service.scripts.append(refuse)
    with pytest.raises(PeerRefused, match="Language xx"):
        async with open_symbl(symbl(service), room) as transport, transport.connect("a") as connection:
            await connection.start(START)


async def test_how_messages_sound_is_asked_where_the_stream_does_not_say(service: Service, room: Room) -> None:
    stored: list[dict[str, Any]] = []

    async def silent(talk: Talk) -> None:
        await talk.listen()
        await talk.say(said("Nice to meet you.", sentiment=None))
        stored.append({"id": "9", "text": "Nice to meet you.", "sentiment": None})
        await talk.stopped()
        stored[0]["sentiment"] = {"polarity": {"score": 0.8}, "suggested": "positive"}
        await talk.say(RecognitionStopped())

    service.scripts.append(silent)
    service.answers[MESSAGES] = lambda: {"messages": stored}
    async with open_symbl(symbl(service), room) as transport, transport.connect("a") as connection:
        await connection.start(START)
        await connection.finish()
        told = await collect(connection)
    (heard,) = [item.event for item in told if isinstance(item, Heard) and isinstance(item.event, SentimentHeard)]
    assert (heard.utterance, heard.sentiment.score) == ("id of Nice to meet you.", 0.8)
    assert any(path.endswith("/42/messages?sentiment=true") for _, path, _ in service.requests)


@pytest.mark.parametrize("wanted", [True, False])
async def test_how_messages_sound_is_not_asked_where_it_is_known_or_not_wanted(
    service: Service, room: Room, wanted: bool
) -> None:
    async def glad(talk: Talk) -> None:
        await talk.listen()
        await talk.say(said("Nice.", sentiment=GLAD if wanted else None))
        await talk.stopped()
        await talk.say(RecognitionStopped())

    service.scripts.append(glad)
    settings = symbl(service, sentiment=wanted)
    async with open_symbl(settings, room) as transport, transport.connect("a") as connection:
        await connection.start(START)
        await connection.finish()
        assert len(await collect(connection)) == 1
    assert len(service.requests) == 1


async def test_a_service_without_a_conversation_api_is_asked_once(service: Service, room: Room) -> None:
    async def talk_twice(talk: Talk) -> None:
        await talk.listen()
        await talk.say(said("One.", sentiment=None))
        await talk.until(Audio)
        await talk.say(said("Two.", sentiment=None))
        await talk.stopped()
        await talk.say(RecognitionStopped())

    service.scripts.append(talk_twice)
    async with open_symbl(symbl(service), room) as transport, transport.connect("a") as connection:
        await connection.start(START)
        trouble = await until(connection, lambda told: isinstance(told, Trouble))
        assert "how sentences sound" in str(trouble)
        await connection.send(frame(16_000))
        await connection.finish()
        await collect(connection)
    assert len(service.requests) == 2


async def test_the_connection_id_is_configured_or_new_each_time(service: Service, room: Room) -> None:
    async with open_symbl(symbl(service, connection_id="kitchen"), room) as transport:
        assert {transport.connection_id(), transport.connection_id()} == {"kitchen"}
    async with open_symbl(symbl(service), room) as transport:
        assert transport.connection_id() != transport.connection_id()


async def test_without_a_url_it_says_what_to_use_instead(room: Room) -> None:
    with pytest.raises(SettingsError, match=r"gone.*engine"):
        async with open_symbl(SymblSettings(token=Secret("t")), room):
            pass


async def test_a_refused_token_is_not_tried_for_ever(service: Service, room: Room) -> None:
    service.good = set()
    settings = SymblSettings(url=service.url, app_id="app", app_secret=Secret("s3cr3t-of-app"))
    async with open_symbl(settings, room) as transport:
        with pytest.raises(TokenRefused):
            async with transport.connect("a"):
                pass
    assert service.granted == 2


async def test_a_service_that_goes_deaf_is_noticed_by_its_silence(service: Service, room: Room) -> None:
    async def freeze(talk: Talk) -> None:
        await talk.listen()
        assert talk.request.transport is not None
        talk.request.transport.pause_reading()
        await asyncio.sleep(2)

    service.scripts.append(freeze)
    settings = symbl(service, heartbeat=Duration(0.2))
    with pytest.raises(ConnectionFailed, match="no longer answers"):
        async with open_symbl(settings, room) as transport, transport.connect("a") as connection:
            await connection.start(START)
            await collect(connection)
