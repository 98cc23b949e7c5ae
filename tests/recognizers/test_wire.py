from __future__ import annotations

import asyncio
import io

import pytest

from earmark_engine.recognizers.types import Final, Partial, Processed, Word
from earmark_engine.recognizers.wire import (
    Audio,
    Close,
    Failed,
    Finish,
    Message,
    Open,
    Ready,
    Report,
    Told,
    Working,
    packed,
    read_from_worker,
    read_to_worker,
)

HEARD = (
    Partial(text="so", start=0.0, end=0.5, segment=3),
    Final(text="so far", start=0.0, end=1.0, segment=3, words=(Word(text="so", start=0.0, end=0.5),)),
    Processed(until_seconds=1.5),
)


@pytest.mark.parametrize(
    "message",
    [
        Open(stream=1, position=5, vocabulary=("Earmark",)),
        Audio(stream=1, samples=b"\1\0"),
        Finish(stream=1),
        Close(stream=2),
    ],
)
def test_a_worker_reads_what_the_engine_says(message: Message) -> None:
    assert read_to_worker(io.BytesIO(packed(message))) == message


@pytest.mark.parametrize(
    "message",
    [
        Ready(),
        Failed(reason="no model"),
        Working(stream=1),
        Told(stream=1, heard=HEARD, scanned_seconds=2.0, waiting_seconds=0.0),
        Report(busy=0.5, real_time_factor=0.1),
    ],
)
async def test_the_engine_reads_what_a_worker_says(message: Message) -> None:
    pipe = asyncio.StreamReader()
    pipe.feed_data(packed(message))
    pipe.feed_eof()
    assert await read_from_worker(pipe) == message
    assert await read_from_worker(pipe) is None


@pytest.mark.parametrize("length", range(8))
def test_a_message_that_breaks_off_is_the_end(length: int) -> None:
    assert read_to_worker(io.BytesIO(packed(Finish(stream=1))[:length])) is None
