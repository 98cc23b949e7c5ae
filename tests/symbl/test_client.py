import asyncio
from dataclasses import replace

import pytest
from aiohttp.test_utils import unused_port

from earmark.errors import ConnectionFailed, PeerRefused, SettingsError, TokenRefused
from earmark_symbl.address import Options
from earmark_symbl.api import connect
from earmark_symbl.client import Conversation, Result
from earmark_symbl.errors import (
    CertificateRefused,
    ConnectionLost,
    Forbidden,
    NotFound,
    RateLimited,
    RequestRefused,
    ServerFailed,
    SymblError,
    TimedOut,
    Unreachable,
)
from earmark_symbl.lifecycle import ConversationCompleted, ErrorMessage, RecognitionResult, RecognitionStopped
from earmark_symbl.requests import ModifyRequest, StartRequest
from earmark_symbl.results import MessageResponse
from tests.symbl.service import Service, Talk

PATIENT = Options(stop_seconds=5, start_seconds=5)


async def echo(talk: Talk) -> None:
    """Hear everything, then tell how much it was, and close."""
    await talk.listen()
    await talk.stopped()
    await talk.say(RecognitionResult(is_final=True, time_offset=len(talk.audio)), MessageResponse())
    await talk.say(ConversationCompleted.of("42"), RecognitionStopped())
    await talk.socket.close(code=1000)


async def results(conversation: Conversation) -> list[Result]:
    return [result async for result in conversation]


async def test_a_conversation_is_started_heard_and_stopped(service: Service) -> None:
    service.scripts.append(echo)
    async with connect(service.url, token="token-one", start=StartRequest()) as conversation:
        assert conversation.id == "42"
        await conversation.send(bytes(20_000))
        await conversation.stop()
        heard = await results(conversation)
    assert heard == [RecognitionResult(is_final=True, time_offset=20_000), MessageResponse()]


async def test_leaving_the_block_stops_the_conversation(service: Service) -> None:
    service.scripts.append(echo)
    async with connect(service.url, token="token-one", start=StartRequest()) as conversation:
        await conversation.send(b"abcd")
        reading = asyncio.create_task(results(conversation))
    assert [type(result) for result in await reading] == [RecognitionResult, MessageResponse]


async def test_the_connection_id_may_be_any_string(service: Service) -> None:
    service.scripts.append(echo)
    async with connect(
        service.url, token="token-one", connection_id="dXNlckBleGFtcGxlLmNvbQ==/ä", start=StartRequest()
    ):
        pass
    assert service.requests[0][1] == "/v1/streaming/dXNlckBleGFtcGxlLmNvbQ%3D%3D%2F%C3%A4"


async def test_stopping_waits_for_a_service_that_says_stopped_first(service: Service) -> None:
    async def natural(talk: Talk) -> None:
        await talk.listen()
        await talk.stopped()
        await talk.say(RecognitionStopped())
        await talk.say(MessageResponse(), ConversationCompleted.of("42"))
        await talk.socket.close()

    service.scripts.append(natural)
    async with connect(service.url, token="token-one", start=StartRequest()) as conversation:
        await conversation.stop()
        assert await results(conversation) == [MessageResponse()]


async def test_a_conversation_is_paused_and_resumed_on_one_socket(service: Service) -> None:
    async def twice(talk: Talk) -> None:
        for _ in range(2):
            await talk.listen()
            await talk.stopped()
            await talk.say(MessageResponse(), RecognitionStopped())
        assert await talk.hear() is None
        assert talk.socket.close_code == 1000

    service.scripts.append(twice)
    start = StartRequest(disconnect_on_stop_request=False)
    async with connect(service.url, token="token-one", start=start) as conversation:
        await conversation.stop()
        await conversation.start(start)
        await conversation.send(b"abcd")
        await conversation.modify(rate=8000)
        await conversation.stop()


async def test_the_audio_may_be_announced_anew(service: Service) -> None:
    async def modified(talk: Talk) -> None:
        await talk.listen()
        request = await talk.until(ModifyRequest)
        assert request.speech_recognition.sample_rate_hertz == 8000
        await talk.stopped()
        await talk.say(ConversationCompleted.of("42"))

    service.scripts.append(modified)
    async with connect(service.url, token="token-one", start=StartRequest()) as conversation:
        await conversation.modify(rate=8000)


async def test_a_refused_start_says_why(service: Service) -> None:
    async def refuse(talk: Talk) -> None:
        await talk.until(StartRequest)
        await talk.say(ErrorMessage(message="Language 'xx' is not known."))
        assert await talk.hear() is None

    service.scripts.append(refuse)
    with pytest.raises(RequestRefused, match="Language 'xx' is not known") as caught:
        async with connect(service.url, token="token-one", start=StartRequest()):
            pass
    assert isinstance(caught.value, PeerRefused)


async def test_a_dropped_line_is_lost_to_reader_and_sender(service: Service) -> None:
    async def drop(talk: Talk) -> None:
        await talk.listen()
        await talk.hear_audio(4)
        talk.drop()

    service.scripts.append(drop)
    with pytest.raises(ConnectionLost) as caught:
        async with connect(service.url, token="token-one", start=StartRequest()) as conversation:
            await conversation.send(b"abcd")
            with pytest.raises(ConnectionLost):
                await results(conversation)
            await conversation.send(b"abcd")
    assert isinstance(caught.value, ConnectionFailed)


async def test_a_service_that_means_to_close_ends_the_conversation(service: Service) -> None:
    async def close(talk: Talk) -> None:
        await talk.listen()
        await talk.socket.close(code=1000)

    service.scripts.append(close)
    async with connect(service.url, token="token-one", start=StartRequest()) as conversation:
        assert await results(conversation) == []


@pytest.mark.parametrize("code", [1001, 1011, 3006, 4001])
async def test_any_other_close_code_is_a_loss_that_names_it(service: Service, code: int) -> None:
    async def close(talk: Talk) -> None:
        await talk.listen()
        await talk.socket.close(code=code)

    service.scripts.append(close)
    with pytest.raises(ConnectionLost, match=str(code)):
        async with connect(service.url, token="token-one", start=StartRequest()) as conversation:
            await results(conversation)


async def test_a_service_that_never_listens_is_given_up(service: Service) -> None:
    async def deaf(talk: Talk) -> None:
        await talk.until(StartRequest)
        assert await talk.hear() is None

    service.scripts.append(deaf)
    with pytest.raises(TimedOut, match="did not listen"):
        async with connect(service.url, token="token-one", start=StartRequest(), options=Options(start_seconds=0.1)):
            pass


async def test_a_service_that_falls_silent_is_noticed(service: Service) -> None:
    async def freeze(talk: Talk) -> None:
        await talk.listen()
        assert talk.request.transport is not None
        talk.request.transport.pause_reading()  # pings arrive and stay unread
        await asyncio.sleep(3)

    service.scripts.append(freeze)
    options = Options(heartbeat_seconds=0.2)
    with pytest.raises(ConnectionLost, match="no longer answers"):
        async with connect(service.url, token="token-one", start=StartRequest(), options=options) as conversation:
            await results(conversation)


async def test_nonsense_from_a_service_is_reported_and_survived(service: Service) -> None:
    async def babble(talk: Talk) -> None:
        await talk.listen()
        await talk.socket.send_str("{{{")
        await talk.socket.send_bytes(b"\0")
        await echo_rest(talk)

    async def echo_rest(talk: Talk) -> None:
        await talk.stopped()
        await talk.say(ConversationCompleted.of("42"))

    service.scripts.append(babble)
    async with connect(service.url, token="token-one", start=StartRequest(), options=PATIENT) as conversation:
        await conversation.stop()
        heard = await results(conversation)
    assert [type(result) for result in heard] == [ErrorMessage, ErrorMessage]


async def test_a_token_is_fetched_for_an_application(service: Service) -> None:
    service.scripts.append(echo)
    async with connect(service.url, app_id="app", app_secret="s3cr3t-of-app", start=StartRequest()):
        pass
    assert service.requests[1][2]["X-API-KEY"] == "token-one"


async def test_a_refused_token_is_fetched_anew_once(service: Service) -> None:
    service.scripts.append(echo)
    service.good = {"token-two"}
    async with connect(service.url, app_id="app", app_secret="s3cr3t-of-app", start=StartRequest()):
        pass
    assert service.granted == 2


async def test_a_token_that_is_refused_again_is_an_error(service: Service) -> None:
    service.good = set()
    with pytest.raises(TokenRefused, match="401"):
        async with connect(service.url, app_id="app", app_secret="s3cr3t-of-app"):
            pass
    assert service.granted == 2


async def test_a_wrong_secret_is_an_error_that_quotes_the_service(service: Service) -> None:
    with pytest.raises(TokenRefused, match="Combination of appId"):
        async with connect(service.url, app_id="app", app_secret="wrong"):
            pass


async def test_the_token_may_go_into_the_query_and_shows_nowhere(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    service.scripts.append(echo)
    options = replace(PATIENT, token_in="query")
    async with connect(service.url, token="token-one", start=StartRequest(), options=options):
        pass
    assert service.requests[0][1].endswith("?access_token=token-one")
    service.refuse = (503, {})
    with pytest.raises(ServerFailed) as caught:
        async with connect(service.url, token="token-one", options=options):
            pass
    client_logs = [record for record in caplog.records if record.name not in ("aiohttp.access", "aiohttp.server")]
    shown = [*map(str, client_logs), *(repr(error) for error in chain(caught.value))]
    assert not any("token-one" in text for text in shown)


def chain(error: BaseException | None) -> list[BaseException]:
    """An error and all that a traceback would show with it."""
    shown: list[BaseException] = []
    while error is not None and error not in shown:
        shown.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return shown


@pytest.mark.parametrize(
    ("status", "kind", "retried"),
    [(403, Forbidden, False), (404, NotFound, False), (400, RequestRefused, False), (429, RateLimited, True),
     (500, ServerFailed, True), (503, ServerFailed, True)],
)  # fmt: skip
async def test_every_refusal_has_its_own_error(
    service: Service, status: int, kind: type[SymblError], retried: bool
) -> None:
    service.refuse = (status, {"Retry-After": "7"} if status == 429 else {})
    with pytest.raises(kind, match=f"HTTP {status}") as caught:
        async with connect(service.url, token="token-one"):
            pass
    error = caught.value
    assert (error.status, error.host) == (status, f"127.0.0.1:{service.port}")
    assert (ConnectionFailed if retried else PeerRefused) in type(error).__mro__
    assert getattr(error, "retry_after_seconds", None) == (7 if status == 429 else None)


async def test_nobody_there_is_its_own_error() -> None:
    with pytest.raises(Unreachable, match="Nobody answers"):
        async with connect(f"http://127.0.0.1:{unused_port()}", token="token-one"):
            pass


async def test_a_host_without_an_address_is_its_own_error() -> None:
    with pytest.raises(Unreachable, match="no address"):
        async with connect("wss://nowhere.invalid", token="token-one"):
            pass


async def test_a_redirect_is_not_followed_with_the_token(service: Service) -> None:
    service.refuse = (302, {"Location": "http://127.0.0.1:1/elsewhere"})
    with pytest.raises(RequestRefused, match="elsewhere"):
        async with connect(service.url, token="token-one"):
            pass


async def test_a_certificate_that_proves_nothing_is_its_own_error(service: Service) -> None:
    with pytest.raises(CertificateRefused, match=str(service.port)):
        async with connect(f"https://127.0.0.1:{service.port}", token="token-one"):
            pass


async def test_without_a_token_it_says_what_to_give(service: Service) -> None:
    with pytest.raises(SettingsError, match="app_secret"):
        async with connect(service.url):
            pass
