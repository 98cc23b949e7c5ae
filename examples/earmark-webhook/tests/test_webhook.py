"""The contract, and what the receiver sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import earmark_webhook.plugin
import msgspec
import pytest
from aiohttp import web
from earmark_webhook.plugin import signature

from earmark import Secret
from earmark.testing import ScriptedPlugin, SinkConformance, Subject, house, run_quickly

SECRET = "a secret of the house"


class Receiver:
    """A web server that remembers what was posted, and answers as it is told."""

    def __init__(self, *answers: int) -> None:
        self.answers, self.ids, self.signed = list(answers), [], []

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.ids.append(msgspec.json.decode(body)["id"])
            expected = signature(Secret(SECRET), request.headers["Earmark-Timestamp"], body)
            self.signed.append(request.headers["Earmark-Signature"] == expected)
        return web.Response(status=status)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Mapping[str, object]]:
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/hook", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            port = runner.addresses[0][1]
            yield {"url": f"http://127.0.0.1:{port}/hook"}
        finally:
            await runner.cleanup()


class TestWebhook(SinkConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        receiver = Receiver()
        return Subject(
            plugin=earmark_webhook.plugin,
            offer="webhook",
            settings={"secret": SECRET},
            around=receiver.serving,
            arrived=lambda: receiver.ids,
        )


class Staying(ScriptedPlugin):
    """A room that does not end before the receiver has taken all that was said."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__()
        self._receiver = receiver

    async def after(self) -> None:
        while len(self._receiver.ids) < 5 or self._receiver.answers:
            await asyncio.sleep(0.1)


async def _posted(folder: Path, receiver: Receiver) -> tuple[list[str], list[str], int]:
    async with receiver.serving() as served:
        settings = {"sinks": ["recorder", "webhook"], "webhook.url": served["url"], "webhook.secret": SECRET}
        async with house(
            folder, ("webhook", earmark_webhook.plugin), settings=settings, scripted=Staying(receiver)
        ) as room:
            await room.running
            events = [event.id for event in room.scripted.recorder.events]
            return events, receiver.ids, room.listener.crew.statuses()[-1].refused


def test_what_fails_is_posted_again_in_order_and_every_post_is_signed(tmp_path: Path) -> None:
    receiver = Receiver(200, 503, 500, 200)
    events, posted, _ = run_quickly(_posted(tmp_path, receiver), speed=20)
    assert posted == events
    assert all(receiver.signed)


def test_what_is_refused_is_passed_over_and_counted(tmp_path: Path) -> None:
    events, posted, refused = run_quickly(_posted(tmp_path, Receiver(200, 422)), speed=20)
    assert posted == [events[0], *events[2:]]
    assert refused == 1
