"""Tokens, and everybody who is not let in."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.settings import Secret
from earmark_engine.tokens import Denied, Tokens
from tests.engine.conftest import APP, SECRET, Json, Served, served

NOW = 1_800_000_000.0


def tokens(**apps: str) -> Tokens:
    return Tokens({name: Secret(secret) for name, secret in apps.items()})


def claims(token: str) -> Json:
    body = token.split(".")[1]
    decoded: Json = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return decoded


async def generate(service: Served, body: Any, **options: Any) -> tuple[int, Json]:
    url = f"{service.url}/oauth2/token:generate"
    async with service.http.post(url, json=body, **options) as response:
        return response.status, await response.json() if response.status != 204 else {}


GRANT = {"type": "application", "appId": APP, "appSecret": SECRET}


async def test_an_application_gets_a_token_that_says_when_it_ends(service: Served) -> None:
    status, told = await generate(service, GRANT)
    assert status == 200
    assert claims(told["accessToken"])["exp"] == pytest.approx(service.clock.now() + told["expiresIn"], abs=2)
    assert told["expiresIn"] > 3600


async def test_the_colon_may_come_encoded(service: Served) -> None:
    async with service.http.post(f"{service.url}/oauth2/token%3Agenerate", json=GRANT) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (GRANT | {"appSecret": "wrong"}, 401),
        (GRANT | {"appId": "nobody"}, 401),
        ({}, 400),
        (GRANT | {"type": "x"}, 400),
    ],
)
async def test_what_is_wrong_is_told_in_the_documented_shape(service: Served, body: Json, expected: int) -> None:
    status, told = await generate(service, body)
    assert status == expected
    assert list(told) == ["message"]


async def test_the_same_token_is_given_again_while_it_lives_a_while(service: Served) -> None:
    _, first = await generate(service, GRANT)
    service.clock.skip(3600)
    _, again = await generate(service, GRANT)
    service.clock.skip(86_400 - 3600 - 60)
    _, later = await generate(service, GRANT)
    assert first["accessToken"] == again["accessToken"] != later["accessToken"]
    assert again["expiresIn"] <= first["expiresIn"] - 3600


@pytest.mark.parametrize("place", ["query", "bearer", "key", "protocol"])
async def test_a_token_is_good_wherever_a_client_puts_it(service: Served, place: str) -> None:
    token, query, headers, protocols = service.token, "", {}, ()
    if place == "query":
        query = f"?access_token={token}"
    elif place == "protocol":
        protocols = (token,)  # type: ignore[assignment]
    else:
        headers = {"Authorization": f"Bearer {token}"} if place == "bearer" else {"X-API-KEY": token}
    url = f"{service.url}/v1/realtime/insights/room{query}"
    async with service.http.ws_connect(url, headers=headers, protocols=protocols) as socket:
        assert socket.protocol == (token if place == "protocol" else None)
        await socket.send_str("__PING__")
        assert (await socket.receive()).data == "__PONG__"


async def test_a_bad_token_is_refused_before_the_upgrade(service: Served) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
        await service.connect(headers={"X-API-KEY": "a.b.c"})
    told = await service.http.get(f"{service.url}/v1/conversations")
    assert (told.status, await told.json()) == (401, {"message": "Token validation failed for provided token."})


async def test_who_is_refused_again_and_again_is_told_to_wait(service: Served) -> None:
    statuses = []
    for _ in range(12):
        async with service.http.get(f"{service.url}/v1/conversations") as response:
            statuses.append(response.status)
    assert statuses == [401] * 10 + [429] * 2
    assert "Retry-After" in response.headers
    service.clock.skip(60)
    assert await service.get("/v1/conversations") == {"conversations": []}


async def test_pages_of_this_machine_may_ask_and_others_may_not(service: Served) -> None:
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for origin, allowed in (("http://localhost:5173", True), ("https://example.com", False)):
        headers = {"Origin": origin} | asking
        async with service.http.options(f"{service.url}/oauth2/token:generate", headers=headers) as response:
            assert response.status == 204
            assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)


async def test_the_open_mode_lets_this_machine_in_and_no_page_from_elsewhere() -> None:
    async with served(anybody=True) as service:
        async with service.http.get(f"{service.url}/v1/conversations") as response:
            assert response.status == 200
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await service.connect(headers={"Origin": "https://example.com"})
        async with service.http.get(f"{service.url}/v1/conversations", headers={"Host": "evil.example"}) as response:
            assert response.status == 401
        await service.connect(headers={"Origin": "http://127.0.0.1:9000"})


def test_a_token_dies_with_its_time_and_with_its_secret() -> None:
    token = tokens(kitchen="one").issue("kitchen", "one", now=NOW).access_token
    assert tokens(kitchen="one").check(token, now=NOW + 60) == "kitchen"
    with pytest.raises(Denied):
        tokens(kitchen="one").check(token, now=NOW + 90_000)
    with pytest.raises(Denied):
        tokens(kitchen="two").check(token, now=NOW)
    with pytest.raises(Denied):
        tokens(garage="one").check(token, now=NOW)


def test_a_token_that_signs_nothing_is_none() -> None:
    token = tokens(kitchen="one").issue("kitchen", "one", now=NOW).access_token
    _, body, signature = token.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    for forged in (f"{unsigned}.{body}.", f"{unsigned}.{body}.{signature}"):
        with pytest.raises(Denied):
            tokens(kitchen="one").check(forged, now=NOW)


@given(st.text(max_size=300) | st.from_regex(r"[\w-]{1,40}\.[\w-]{1,80}\.[\w-]{1,40}", fullmatch=True))
def test_no_text_at_all_is_taken_for_a_token(text: str) -> None:
    with pytest.raises(Denied):
        tokens(kitchen="one").check(text, now=time.time())
