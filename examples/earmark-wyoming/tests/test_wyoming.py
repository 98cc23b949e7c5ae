"""The contract, against a satellite that speaks the protocol over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import earmark_wyoming.plugin
import pytest
from earmark_wyoming.wire import Message, encoded, receive

from earmark.testing import SourceConformance, Subject, noise


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a satellite: wait to be run, ping, then stream noise."""
    with suppress(ConnectionError, asyncio.CancelledError):
        first = await receive(reader)
        assert first is not None and first.type == "run-satellite"
        writer.write(encoded(Message("ping", {"text": "here"})))
        pong = await receive(reader)
        assert pong is not None and (pong.type, pong.data) == ("pong", {"text": "here"})
        while True:
            for frame in noise(1, block=1024):
                told = {"rate": 16000, "width": 2, "channels": 1}
                writer.write(encoded(Message("audio-chunk", told, frame.samples.tobytes())))
                await writer.drain()
                await asyncio.sleep(frame.seconds)
    writer.close()


@asynccontextmanager
async def satellite() -> AsyncIterator[Mapping[str, object]]:
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}


class TestWyoming(SourceConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject(plugin=earmark_wyoming.plugin, offer="wyoming", around=satellite)


def test_data_may_stand_in_the_header_or_after_it() -> None:
    async def check() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(b'{"type":"a","data":{"x":1},"data_length":7,"payload_length":2}\n{"y":2}hi')
        reader.feed_eof()
        assert await receive(reader) == Message("a", {"x": 1, "y": 2}, b"hi")
        assert await receive(reader) is None

    asyncio.run(check())
