"""Who is let in, and the limits of those who are."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.core.talk import until
from tests.http.house import BEARER, TOKEN, House, house

WRONG = {"Authorization": "Bearer a-token-of-somebody-else"}
PAGE = "https://home.example"


async def exchange(port: int, request: bytes, *, seconds: float = 20) -> bytes:
    """What comes back for raw bytes, until the other side hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(seconds):
            writer.write(request)
            await writer.drain()
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def asking(path: str = "/v1/status", *, host: str = "127.0.0.1", **headers: str) -> bytes:
    told = {"Host": host, "Connection": "close"} | BEARER | {name.replace("_", "-"): it for name, it in headers.items()}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {it}" for name, it in told.items()), "", ""]
    return "\r\n".join(lines).encode()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


# -- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/status", "/v1/events", "/v1/openapi.json", "/metrics", "/v1/nothing", "/"])
async def test_nothing_but_health_is_answered_without_the_token(home: House, path: str) -> None:
    for headers in ({}, WRONG, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer"}, {"X-API-KEY": TOKEN}):
        status, told = await home.get(path, headers=headers)
        assert status == 401
        assert "token" in told["message"]
    assert (await home.get(f"{path}?access_token={TOKEN}", headers={}))[0] == 401


async def test_health_is_answered_to_anybody_and_says_little(home: House) -> None:
    assert await home.get("/healthz", headers={}) == (200, {"status": "ok"})


async def test_a_refusal_says_how_to_ask(home: House) -> None:
    async with home.session.get(f"{home.url}/v1/status") as response:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_wrong_tokens_become_slow_and_then_are_not_even_looked_at(home: House) -> None:
    for _ in range(10):
        assert (await home.get("/v1/status", headers=WRONG))[0] == 401
    begun = asyncio.get_running_loop().time()
    async with home.session.get(f"{home.url}/v1/status", headers=WRONG) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0
    assert asyncio.get_running_loop().time() - begun >= 0.5
    many = await asyncio.gather(*(home.get("/v1/status", headers=WRONG) for _ in range(12)))
    assert {status for status, _ in many} == {429}


async def test_the_owner_is_let_in_while_somebody_guesses(home: House) -> None:
    for _ in range(11):
        await home.get("/v1/status", headers=WRONG)
    assert (await home.get("/v1/status"))[0] == 200


async def test_asking_without_a_token_is_no_mistake_that_counts(home: House) -> None:
    for _ in range(30):
        assert (await home.get("/v1/status", headers={}))[0] == 401


async def test_a_drawn_token_is_the_owners_alone_and_outlives_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path, token=None) as home:
        file = Path(home.service.details["token_file"])
        token, mode, folder_mode = kept(file)
        assert (mode, folder_mode) == (0o600, 0o700)
        assert len(token) >= 40
        assert token not in str(home.listener.status())
        assert (await home.get("/v1/status", headers={"Authorization": f"Bearer {token}"}))[0] == 200
    async with house(tmp_path, token=None):
        assert kept(file)[0] == token
    await asyncio.to_thread(file.chmod, 0o644)
    async with house(tmp_path, token=None) as home:
        assert kept(file)[0] != token, "what others could have read is good no more"
        assert (await home.get("/v1/status", headers={"Authorization": f"Bearer {token}"}))[0] == 401


def kept(file: Path) -> tuple[str, int, int]:
    """The token in a file, and who may read it."""
    return file.read_text().strip(), file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777


# -- web pages --------------------------------------------------------------------------------------------------------


async def test_a_page_whose_name_was_pointed_here_is_refused(home: House) -> None:
    for host in ("evil.example", "evil.example:8788", "127.0.0.1.evil.example", "localhost.evil.example"):
        assert status_of(await exchange(home.port, asking(host=host))) == 421, host
        assert status_of(await exchange(home.port, asking("/healthz", host=host))) == 421, host
    for host in ("", "a b", "127.0.0.1@evil.example", "[::1", "127.0.0.1:http", "0[::]"):
        assert status_of(await exchange(home.port, asking(host=host))) in (400, 421), host
    assert status_of(await exchange(home.port, b"GET /healthz HTTP/1.0\r\n\r\n")) == 400


async def test_addresses_and_this_machines_names_are_good(tmp_path: Path) -> None:
    async with house(tmp_path, 'http.allowed_hosts=["Kitchen.example"]') as home:
        own = socket.gethostname().lower()
        for host in ("127.0.0.1", f"localhost:{home.port}", "[::1]:80", "192.168.1.7", own, "kitchen.example."):
            assert status_of(await exchange(home.port, asking(host=host))) == 200, host


async def test_a_web_page_cannot_ask_even_with_the_token(home: House) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        for path in ("/v1/status", "/healthz", "/metrics", "/v1/events"):
            async with home.session.get(home.url + path, headers=BEARER | headers) as response:
                assert response.status == 403
                assert "Access-Control-Allow-Origin" not in response.headers


async def test_a_web_pages_socket_is_refused(home: House) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await home.session.ws_connect(f"{home.url}/v1/events", headers=BEARER, origin="http://localhost:3000")
    assert refused.value.status == 403


async def test_an_allowed_page_may_ask_and_watch(tmp_path: Path) -> None:
    async with house(tmp_path, f'http.allowed_origins=["{PAGE}"]') as home:
        asks = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
        async with home.session.options(f"{home.url}/v1/mute", headers=asks) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == PAGE
            assert "authorization" in response.headers["Access-Control-Allow-Headers"]
        async with home.session.get(f"{home.url}/v1/status", headers={"Origin": PAGE}) as response:
            assert response.status == 401, "a page needs the token like anybody"
        async with home.session.get(f"{home.url}/v1/status", headers=BEARER | {"Origin": PAGE}) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == PAGE
        protocols = ("earmark.events", f"bearer.{TOKEN}")
        async with home.session.ws_connect(f"{home.url}/v1/events?live=1", origin=PAGE, protocols=protocols) as line:
            assert line.protocol == "earmark.events"
            assert (await line.receive_json())["event"]["type"] == "status"


# -- numbers without a token ------------------------------------------------------------------------------------------


async def test_the_numbers_are_open_to_this_machine_only_where_its_owner_chose_so(tmp_path: Path) -> None:
    async with house(tmp_path, "http.metrics=loopback") as home:
        status, page = await home.get("/metrics", headers={})
        assert status == 200
        assert "earmark_heard_seconds_total" in page
        for headers in ({"X-Forwarded-For": "192.168.1.7"}, {"Host": "192.168.1.7"}):
            assert (await home.get("/metrics", headers=headers))[0] == 401
        assert (await home.get("/v1/status", headers={}))[0] == 401


# -- limits -----------------------------------------------------------------------------------------------------------


async def test_what_is_too_long_is_refused(home: House) -> None:
    status, told = await home.ask("POST", "/v1/mute", data=b" " * 100_000, headers=BEARER)
    assert status == 413
    assert told["message"] == "The body is too long."
    assert status_of(await exchange(home.port, asking(X_Long="x" * 20_000))) == 400
    assert status_of(await exchange(home.port, asking(f"/v1/search?q={'x' * 20_000}"))) == 400
    assert (await home.get("/healthz"))[0] == 200


async def test_a_body_must_be_plain_json(home: House) -> None:
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json", "Content-Encoding": "deflate"},
    ):
        status, _ = await home.ask("POST", "/v1/mute", data=b'{"seconds": 5}', headers=BEARER | headers)
        assert status in (400, 415)
    assert not home.listener.controls.muted


async def test_a_wrong_method_is_told_the_right_one(home: House) -> None:
    async with home.session.delete(f"{home.url}/v1/marks/m1", headers=BEARER) as response:
        assert response.status == 405
        assert set(response.headers["Allow"].split(",")) == {"GET", "POST"}
    async with home.session.get(f"{home.url}/v1/mute", headers=BEARER) as response:
        assert response.status == 405


async def test_a_caller_that_never_finishes_its_request_is_hung_up_on(tmp_path: Path) -> None:
    async with house(tmp_path, "http.patience=200 ms") as home:
        assert await exchange(home.port, b"") == b""
        assert await exchange(home.port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ") == b""
        unfinished = asking("/v1/mute").replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n{")
        assert status_of(await exchange(home.port, unfinished)) == 408
        assert (await home.get("/healthz"))[0] == 200


async def test_connections_beyond_the_limit_are_turned_away(tmp_path: Path) -> None:
    async with house(tmp_path, "http.connections=3") as home:
        lines = [await asyncio.open_connection("127.0.0.1", home.port) for _ in range(3)]
        await until(lambda: home.service.counters.get("connections_refused") or _refused(home))
        for _, writer in lines:
            writer.close()
            await writer.wait_closed()
        await until(lambda: home.service.counters["connections_refused"] >= 1)
        async with asyncio.timeout(20):
            while status_of(await exchange(home.port, asking())) != 200:
                await asyncio.sleep(0.01)


def _refused(home: House) -> Any:
    with socket.create_connection(("127.0.0.1", home.port)) as line:
        line.settimeout(0.05)
        try:
            line.recv(1)
        except TimeoutError:
            return False
    return home.service.counters.get("connections_refused", 0) > 0


async def test_bytes_that_are_no_request_neither_hurt_nor_fill_the_log(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00\x01", b"SSH-2.0-x\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 500):
        await exchange(home.port, garbage + b"\r\n\r\n")
    assert (await home.get("/healthz"))[0] == 200
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]


# -- encryption -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    extra = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run([*command.split(), *extra], cwd=folder, check=True, capture_output=True, timeout=60)
    return folder


async def test_the_line_can_be_encrypted(tmp_path: Path, certificate: Path) -> None:
    files = [f"http.{name}_file={certificate / name}.pem" for name in ("certificate", "key")]
    async with house(tmp_path, *files) as home:
        assert home.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=certificate / "certificate.pem")
        url = home.url.replace("127.0.0.1", "localhost")
        async with home.session.get(f"{url}/v1/status", headers=BEARER, ssl=trusting) as response:
            assert response.status == 200
        async with home.session.ws_connect(f"{url}/v1/events?live=1", headers=BEARER, ssl=trusting) as line:
            assert (await line.receive_json())["event"]["type"] == "status"
        assert await exchange(home.port, asking()) == b""


async def test_a_certificate_that_is_none_is_told_and_the_room_goes_on(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no certificate")
    async with house(tmp_path, f"http.certificate_file={tmp_path / 'no.pem'}", waits=False) as home:
        await until(lambda: _problem(home))
        assert "certificate_file" in _problem(home)
        await until(lambda: home.listener.status().heard_seconds > 0)


async def test_a_port_that_is_taken_is_told_and_tried_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with house(tmp_path, f"http.port={port}", waits=False) as home:
            await until(lambda: _problem(home))
            assert f"127.0.0.1:{port} already" in _problem(home)
            taken.close()
            await until(lambda: home.service.state == "running")


def _problem(home: House) -> Any:
    return home.service.reason or ""
