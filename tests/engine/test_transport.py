"""The transport `engine` as a room uses it, with the real recogniser and the bundled recording."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earmark.audio import Frame
from earmark.errors import EarmarkError
from earmark.events import Insight, InsightKind, Utterance
from earmark.hookspecs import Axis, Confirmed, Connection, Heard, Start
from earmark_engine.opening import alone
from earmark_engine.transport import EngineSettings, open_engine_transport

KITCHEN = Path(__file__).parents[2] / "plugins/earmark_file/recordings/kitchen.flac"
ORIGIN = 160_000


async def tell(connection: Connection, seconds: int) -> None:
    """Send the beginning of the recording, from a place on the capture clock."""
    samples = soundfile.read(KITCHEN, dtype="int16", stop=seconds * 16_000)[0]
    await connection.start(Start(conversation="c", position=ORIGIN, rate=16_000, at=1_800_000_000.0, keep_seconds=60))
    for first in range(0, len(samples), 1600):
        part: np.ndarray = samples[first : first + 1600]
        await connection.send(Frame(samples=part, rate=16_000, position=ORIGIN + first, at=1_800_000_000.0))
    await connection.finish()


def kept_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_speech_comes_back_as_utterances_and_marks_on_the_capture_clock(tmp_path: Path) -> None:
    room = alone(logging.getLogger("test"), tmp_path)
    async with (
        open_engine_transport(EngineSettings(), room) as transport,
        transport.connect(transport.connection_id()) as connection,
    ):
        telling = asyncio.create_task(tell(connection, 13))
        came = [item async for item in connection]
        await telling
    heard = [item for item in came if isinstance(item, Heard)]
    said = [item for item in heard if isinstance(item.event, Utterance)]
    questions = [i.event for i in heard if isinstance(i.event, Insight) and i.event.kind is InsightKind.QUESTION]
    confirmed = [item for item in came if isinstance(item, Confirmed)]
    texts = [item.event.text for item in said if isinstance(item.event, Utterance)]
    assert "Did you sleep well?" in texts
    assert "Did you sleep well?" in [question.text for question in questions]
    assert all(item.axis is Axis.CAPTURE and item.sequence for item in said)
    assert 10.0 <= min(item.event.start for item in said if isinstance(item.event, Utterance)) < 12.0
    assert confirmed[-1].until == pytest.approx(23.0, abs=0.1)
    assert kept_in(tmp_path) == []
    counted = room.stage.counters
    assert 0 <= counted["recognition_real_time_factor"] < 10
    assert 0 <= counted["recognition_busy_ratio"] <= 1
    assert counted["recognizer_restarts"] == 0


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (EngineSettings(recognizer="parrot"), "parrot"),
        (EngineSettings(recognizer_settings={"feathers": 3}), "feathers"),
    ],
)
async def test_what_cannot_be_opened_is_named(settings: EngineSettings, named: str, tmp_path: Path) -> None:
    with pytest.raises(EarmarkError, match=named):
        async with open_engine_transport(settings, alone(logging.getLogger("test"), tmp_path)):
            pass
