"""A run with known secrets, through every kind of failure: none of them is in anything that it wrote or asked for."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import aiohttp
from aiohttp import web

from tests.core.talk import until
from tests.security.program import Program, listening, said_by

HTTP_TOKEN = "kn0wn-http-token-/+&?=~"
MQTT_PASSWORD = 'kn0wn "mqtt" pässwörd'
APP_SECRET = "kn0wn-app-secret-0123456789"
WRONG_TOKEN = "kn0wn-wrong-token-that-a-caller-showed"
_CLAIMS = base64.urlsafe_b64encode(b'{"sub":"kn0wn"}').decode().rstrip("=")
ACCESS_TOKEN = f"eyJhbGciOiJIUzI1NiJ9.{_CLAIMS}.c2lnbmF0dXJl"
SECRETS = (HTTP_TOKEN, MQTT_PASSWORD, APP_SECRET, ACCESS_TOKEN, WRONG_TOKEN)
COMMANDS = (
    ["status", "--json"],
    ["config"],
    ["plugins", "http"],
    ["plugins", "symbl"],
    ["doctor", "--json"],
)
CONFIGURATION = """
room = "kitchen"
source = "stdin"
filters = []
transport = "symbl"
sinks = ["mqtt", "jsonl:events.jsonl"]
services = ["http"]
log_level = "debug"
log_format = "json"

[http]
port = 0
token_file = "secrets/http"

[mqtt]
port = {broker}
user = "earmark"
password_file = "secrets/mqtt"

[symbl]
url = "ws://127.0.0.1:{service}"
app_id = "known"
app_secret_file = "secrets/app"
"""


@dataclass
class Outside:
    """A speech service that tells what it was told in its own errors, and a broker that hangs up."""

    service: int = 0
    broker: int = 0
    addresses: list[str] = field(default_factory=list)
    streams: int = 0
    greetings: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.addresses.append(str(request.rel_url))
        if request.path == "/oauth2/token:generate":
            assert (await request.json())["appSecret"] == APP_SECRET
            return web.json_response({"accessToken": ACCESS_TOKEN, "expiresIn": 3600})
        self.streams += 1
        shown = request.headers.get("X-API-KEY", "")
        status = (500, 401, 503)[self.streams % 3]
        return web.json_response(
            {"message": f"Bad access_token={shown} or Bearer {shown}, that is {shown}"}, status=status
        )

    async def greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.greetings += 1
        await reader.read(1000)
        writer.close()


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    found = Outside()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.service = runner.addresses[0][1]
    try:
        async with await asyncio.start_server(found.greet, "127.0.0.1", 0) as broker:
            found.broker = broker.sockets[0].getsockname()[1]
            yield found
    finally:
        await runner.cleanup()


def write_secrets(folder: Path) -> None:
    (folder / "secrets").mkdir(mode=0o700)
    for name, secret in {"http": HTTP_TOKEN, "mqtt": MQTT_PASSWORD, "app": APP_SECRET}.items():
        (folder / "secrets" / name).write_text(f"{secret}\n")
        (folder / "secrets" / name).chmod(0o600)


def forms(secret: str) -> set[bytes]:
    """A secret as it might be written."""
    plain = secret.encode()
    encoded = [base64.b64encode(plain), base64.urlsafe_b64encode(plain), base64.b64encode(b"earmark:" + plain)]
    escaped = [
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote(secret),
    ]
    return {plain, quote(secret, safe="").encode(), *(text.encode() for text in escaped), *encoded}


def leaks(where: str, data: bytes) -> list[str]:
    return [f"{where}: {secret}" for secret in SECRETS for form in forms(secret) if form in data]


def leaks_in(folder: Path) -> list[str]:
    """The secrets in any file, but for those that hold them."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            found += leaks(str(path), path.read_bytes())
    return found


async def ask_everything(program: Program) -> list[str]:
    """Ask the local API rightly and wrongly; gives the leaks in what it answers."""
    url = next(
        word for word in program.written.replace(";", " ").replace('"', " ").split() if word.startswith("http://127")
    )
    found: list[str] = []
    async with aiohttp.ClientSession() as session:
        for token in (HTTP_TOKEN, WRONG_TOKEN):
            bearer = {"Authorization": f"Bearer {token}"}
            for path in ("/v1/status", "/metrics", "/v1/conversations", "/v1/openapi.json", f"/v1/nothing/{token[:5]}"):
                async with session.get(url + path, headers=bearer) as answer:
                    found += leaks(path, await answer.read())
            async with session.post(f"{url}/v1/mute", data=b"{" * 9, headers=bearer) as answer:
                found += leaks("a bad body", await answer.read())
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(
        f"GET / HTTP/1.1\r\nAuthorization: Bearer {HTTP_TOKEN}\r\nbroken header\x00{WRONG_TOKEN}\r\n\r\n".encode()
    )
    found += leaks(
        "a broken request", (await reader.read()).replace(b"broken header", b"").replace(WRONG_TOKEN.encode(), b"")
    )
    writer.close()
    return found


async def test_no_secret_is_in_anything_that_a_run_writes_or_shows(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    async with outside() as service:
        told = CONFIGURATION.format(broker=service.broker, service=service.service)
        async with listening(tmp_path, told, "-vv") as program:
            await until(lambda: "The local API listens on" in program.written, seconds=60)
            await until(lambda: service.streams >= 3 and service.greetings >= 2, seconds=60)
            found = await ask_everything(program)
            found += leaks("process titles", program.titles())
            for words, printed in zip(
                COMMANDS, await asyncio.gather(*(said_by(tmp_path, *w) for w in COMMANDS)), strict=True
            ):
                assert printed
                found += leaks(" ".join(words), printed)
        found += leaks("addresses", "\n".join(service.addresses).encode())
    found += leaks_in(tmp_path)
    assert not found
    for logger in ("earmark.mqtt", "earmark.vitals", "earmark.http"):
        assert f'"logger": "{logger}"' in program.written, "it was a run in which something was written"
    assert not open_to_others(tmp_path / "state")
    assert not open_to_others(tmp_path / "runtime")


def open_to_others(folder: Path) -> list[str]:
    """What anybody but its owner could read."""
    return [str(path) for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]
