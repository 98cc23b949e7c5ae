"""No port that a listener opens answers anybody without a token, and none leaves this machine unasked."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from tests.core.talk import until
from tests.security.program import Program, listening

ENGINE = """
room = "kitchen"
source = "stdin"
filters = []
transport = "engine"
sinks = []
services = ["http"]

[http]
port = 0
"""
PATHS = (
    "/",
    "/v1/status",
    "/v1/events",
    "/metrics",
    "/v1/conversations",
    "/v1/search?q=a",
    "/v1/subscribe/x",
    "/v1/streaming/x",
)


async def ready(program: Program, sign: str) -> None:
    await until(lambda: program.process.returncode is not None or sign in program.written, seconds=60)
    assert program.process.returncode is None, program.written


async def asked(port: int, method: str, path: str, **headers: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{port}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as answer:
        return answer.status, await answer.text()


REFUSED = (400, 401, 404, 421, 429)
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "c2xlZXBlci1zbGVlcGVyIQ==",
}


async def test_every_port_is_on_this_machine_and_asks_for_a_token(tmp_path: Path) -> None:
    async with listening(tmp_path, ENGINE) as program:
        await ready(program, "The local API listens on")
        await until(lambda: len(program.listening()) >= 2, seconds=60)
        ports = program.listening()
        assert {host for host, _ in ports} == {"127.0.0.1"}
        assert len(ports) == 2, "the local API and the room's own engine"
        healths = []
        for _, port in ports:
            await refuses(port)
            healths.append(await asked(port, "GET", "/healthz"))
        assert (200, '{"status":"ok"}') in healths


async def refuses(port: int) -> None:
    """Hold a port to letting nobody in without the token."""
    for path in PATHS:
        for headers in ({}, UPGRADE):
            status, _ = await asked(port, "GET", path, **headers)
            assert status in REFUSED, (port, path, headers, status)
    for headers in ({"Authorization": "Bearer guess"}, {"X-API-KEY": "guess"}):
        assert (await asked(port, "GET", "/v1/conversations", **headers))[0] in REFUSED
    for path in ("/v1/mute", "/v1/end", "/oauth2/token:generate"):
        status, text = await asked(port, "POST", path)
        assert status in REFUSED, (port, path, status)
        assert "accessToken" not in text
