"""`earmark serve` as a person starts it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from earmark.cli.context import App
from earmark.errors import EarmarkError, SettingsError
from earmark_engine.command import serve


@asynccontextmanager
async def started(folder: Path, *options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, str]]:
    """A running `earmark serve`: its process, its address, and what it said first."""
    environment = os.environ | {"EARMARK_STATE": str(folder), "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "earmark", "serve", "--port", "0", *options), stdout=-1, stderr=-1, env=environment
    )
    assert process.stdout is not None
    try:
        said = await asyncio.wait_for(process.stdout.readuntil(b"openapi.json\n"), 30)
        found = re.search(r"listens on (\S+)", said.decode())
        assert found
        yield process, found[1], said.decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def ask(*options: str) -> Exception | None:
    """What `earmark serve` fails with at once."""
    result = CliRunner().invoke(serve, options, obj=App(environ={"HOME": "/nonexistent"}))
    failed = result.exception
    return failed if isinstance(failed, Exception) else None


async def test_it_says_where_it_is_lets_applications_in_and_stops_cleanly(tmp_path: Path) -> None:
    CliRunner().invoke(serve, ["--new-app", f"kitchen:{tmp_path}/secret"], catch_exceptions=False)
    secret = (tmp_path / "secret").read_text().strip()
    assert re.fullmatch(r"[a-zA-Z0-9]{128}", secret)
    async with started(tmp_path, "--app", f"kitchen:{tmp_path}/secret") as (process, url, said):
        grant = {"type": "application", "appId": "kitchen", "appSecret": secret}
        async with aiohttp.ClientSession() as http, http.post(f"{url}/oauth2/token:generate", json=grant) as response:
            assert response.status == 200
        assert "Open mode" not in said
        assert (tmp_path / "engine" / "conversations.db").exists()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_the_open_mode_says_so_and_keeps_nothing_where_told(tmp_path: Path) -> None:
    async with started(tmp_path, "--ephemeral") as (process, url, said):
        async with aiohttp.ClientSession() as http, http.get(f"{url}/v1/conversations") as response:
            assert response.status == 200
        assert "Open mode" in said
        assert "Nothing is kept on disk" in said
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert not (tmp_path / "engine" / "conversations.db").exists()


def test_the_whole_network_is_not_let_in_without_applications() -> None:
    assert isinstance(ask("--host", "0.0.0.0"), SettingsError)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--app", "kitchen"], "ID:FILE"),
        (["--app", "kitchen:/nonexistent/secret"], "/nonexistent/secret"),
        (["--trackers", "/nonexistent/trackers.json"], "trackers.json"),
        (["--ephemeral", "--tls-cert", "/nonexistent/cert.pem"], "cert.pem"),
        (["--ephemeral", "--recognizer", "parrot"], "parrot"),
        (["--store", "/proc/nothing/c.db"], "/proc/nothing"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_names_it(options: list[str], named: str) -> None:
    failed = ask(*options)
    assert isinstance(failed, EarmarkError)
    assert named in str(failed)
    assert "\n" not in str(failed)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        failed = ask("--ephemeral", "--port", str(other.getsockname()[1]))
    assert isinstance(failed, EarmarkError)
    assert "--port" in str(failed)
