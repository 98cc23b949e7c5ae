"""The OpenAPI description, held against what the engine really answers."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from earmark_engine.rest.openapi import openapi
from earmark_engine.server import Grant
from earmark_engine.tokens import Token
from tests.engine.conftest import served
from tests.engine.scripted import spoken


def test_every_operation_is_described_once() -> None:
    described = openapi(version="1", grant=Grant, token=Token)
    names = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names)) == 20


async def test_the_engine_answers_as_it_describes_itself() -> None:
    async with served(free_refusals=100_000) as service:
        client = await service.connect()
        await client.start(speaker={"name": "Jane"})
        await client.hear(spoken(0, 1, 4))
        await client.said("I like it.")
        run: list[str | Path] = [Path(sys.executable).with_name("schemathesis"), "run", f"{service.url}/openapi.json"]
        options = ["--phases", "coverage", "--max-examples", "2", "--seed", "1", "--no-color"]
        header = ["-H", f"Authorization: Bearer {service.token}"]
        tester = await asyncio.create_subprocess_exec(*run, *options, *header, stdout=asyncio.subprocess.PIPE)
        out, _ = await tester.communicate()
        assert tester.returncode == 0, out.decode()
