from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st

from earmark.audio import Frame, Samples, to_int16
from earmark.errors import SourceFailed
from earmark.room import Room
from earmark_file.mono import Converter
from earmark_file.pace import Pace
from earmark_file.recording import open_recording
from earmark_file.settings import FileSettings
from tests.file.rooms import ManualClock, a_room


def a_tone(rate: int, *, seconds: float = 1.0, hertz: float = 440.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


async def hear(settings: FileSettings, room: Room) -> list[Frame]:
    async with open_recording(settings, room) as source:
        return [frame async for frame in source]


def joined(frames: list[Frame]) -> Samples:
    return np.concatenate([frame.samples for frame in frames])


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_24"),
        ("a.wav", "FLOAT"),
        ("a.wav", "PCM_U8"),
        ("a.flac", "PCM_16"),
        ("a.ogg", "VORBIS"),
        ("a.ogg", "OPUS"),
        ("a.mp3", "MPEG_LAYER_III"),
        ("a.aiff", "PCM_16"),
    ],
)
async def test_a_recording_of_any_format_is_heard_whole(tmp_path: Path, name: str, subtype: str) -> None:
    soundfile.write(tmp_path / name, a_tone(48_000), 48_000, subtype=subtype)
    frames = await hear(FileSettings(path=tmp_path / name, fast=True), a_room(tmp_path))
    samples = joined(frames)
    assert len(samples) == pytest.approx(16_000, abs=1100)  # MP3 pads to its own blocks
    middle = samples[4000:12_000].astype(float)
    assert np.argmax(np.abs(np.fft.rfft(middle))) == 440 * 8000 // 16_000
    assert np.abs(middle).max() == pytest.approx(16_384, rel=0.05)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 96_000])
async def test_any_rate_becomes_the_rooms(tmp_path: Path, rate: int) -> None:
    tone = a_tone(rate)
    soundfile.write(tmp_path / "a.wav", tone, rate, subtype="FLOAT")
    frames = await hear(FileSettings(path=tmp_path / "a.wav", fast=True), a_room(tmp_path))
    whole = to_int16(soxr.resample(tone.astype(np.float32), rate, 16_000))
    assert len(joined(frames)) == pytest.approx(len(whole), abs=1)
    shared = min(len(whole), len(joined(frames)))
    assert np.abs(joined(frames)[:shared].astype(int) - whole[:shared]).max() <= 1


async def test_16_bit_samples_at_the_rooms_rate_come_through_unchanged(tmp_path: Path) -> None:
    samples = np.arange(-32_768, 32_768, 7, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    frames = await hear(FileSettings(path=tmp_path / "a.wav", fast=True), a_room(tmp_path))
    assert np.array_equal(joined(frames), samples)


async def test_frames_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", a_tone(44_100, seconds=2.5), 44_100)
    frames = await hear(FileSettings(path=tmp_path / "a.wav", fast=True), a_room(tmp_path))
    assert frames[0].position == 0
    for before, after in pairwise(frames):
        assert after.position == before.position + len(before.samples)
        assert after.at == pytest.approx(before.at + before.seconds)
    assert {len(frame.samples) for frame in frames[:-1]} == {1024}


async def test_channels_are_mixed_or_one_is_chosen(tmp_path: Path) -> None:
    stereo = np.stack([np.full(2000, 0.5), np.full(2000, -0.25)], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, 16_000)
    path = tmp_path / "a.wav"
    mixed = await hear(FileSettings(path=path, fast=True), a_room(tmp_path))
    second = await hear(FileSettings(path=path, fast=True, channel=2), a_room(tmp_path))
    assert set(joined(mixed).tolist()) == {4096}
    assert set(joined(second).tolist()) == {-8192}


async def test_a_recording_lasts_as_long_as_it_lasted(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", a_tone(16_000, seconds=3), 16_000)
    clock = ManualClock()
    frames = await hear(FileSettings(path=tmp_path / "a.wav"), a_room(tmp_path, clock=clock))
    assert clock.passed == pytest.approx(3.0)
    assert frames[0].at == 1_700_000_000.0


async def test_a_recording_can_say_when_it_was_made(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", a_tone(16_000), 16_000)
    made = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    settings = FileSettings(path=tmp_path / "a.wav", fast=True, recorded_at=made)
    frames = await hear(settings, a_room(tmp_path))
    assert frames[0].at == made.timestamp()


@contextmanager
def as_nobody() -> Iterator[None]:
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(mine)


def make_trouble(folder: Path, what: str) -> Path:
    path = folder / "talk.wav"
    if what == "a folder":
        path.mkdir()
    elif what == "empty":
        path.touch()
    elif what == "not a recording":
        path.write_text("Dear diary, today nothing was recorded.\n" * 50)
    elif what == "of 0 seconds":
        soundfile.write(path, np.empty(0), 16_000)
    elif what == "not be read by this user":
        path.write_bytes(b"RIFF")
        path.chmod(0)
    return path


@pytest.mark.parametrize(
    "what", ["There is no file", "a folder", "empty", "not a recording", "of 0 seconds", "not be read by this user"]
)
async def test_what_is_no_recording_is_told_in_one_sentence(tmp_path: Path, what: str) -> None:
    path = make_trouble(tmp_path, what)
    with as_nobody() if "user" in what else as_is(), pytest.raises(SourceFailed) as failed:
        await hear(FileSettings(path=path), a_room(tmp_path))
    assert what in str(failed.value)
    assert str(path) in str(failed.value)
    assert "\n" not in str(failed.value)


@contextmanager
def as_is() -> Iterator[None]:
    yield


async def test_a_channel_that_is_not_there_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", a_tone(16_000), 16_000)
    with pytest.raises(SourceFailed, match="no channel 3"):
        await hear(FileSettings(path=tmp_path / "a.wav", channel=3), a_room(tmp_path))


async def test_a_recording_that_breaks_off_is_heard_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = tmp_path / "whole.flac"
    soundfile.write(whole, np.random.default_rng(1).normal(0, 0.1, 64_000), 16_000)
    broken = tmp_path / "broken.flac"
    broken.write_bytes(whole.read_bytes()[:60_000])
    heard = 0.0
    try:
        async with open_recording(FileSettings(path=broken, fast=True), a_room(tmp_path)) as source:
            async for frame in source:
                heard = frame.end
    except SourceFailed as failed:
        assert "damaged after" in str(failed)
    assert 0.5 < heard < 4


async def test_leaving_a_recording_early_closes_it(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", a_tone(16_000, seconds=2), 16_000)
    async with (
        asyncio.timeout(5),
        open_recording(FileSettings(path=tmp_path / "a.wav"), a_room(tmp_path)) as source,
    ):
        async for frame in source:
            assert frame.position == 0
            break


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=12), st.sampled_from([8000, 44_100, 48_000]))
def test_a_sweep_in_blocks_of_any_size_equals_the_sweep_in_one(sizes: list[int], rate: int) -> None:
    time = np.arange(sum(sizes)) / rate
    sweep = (0.9 * np.sin(2 * np.pi * (100 * time + 3000 * time**2))).astype(np.float32)[:, None]
    pieces = Converter(rate=rate, room_rate=16_000)
    borders = np.cumsum([0, *sizes])
    parts = [pieces.convert(sweep[first:last]) for first, last in pairwise(borders)]
    parts.append(pieces.convert(sweep[:0], last=True))
    whole = Converter(rate=rate, room_rate=16_000).convert(sweep, last=True)
    assert np.array_equal(np.concatenate(parts), whole)


def test_who_falls_far_behind_is_not_chased() -> None:
    pace = Pace(slack_seconds=1.0)
    assert pace.wait(0.5, now=10.0) == 0.5
    assert pace.wait(0.5, now=10.7) == pytest.approx(0.3)
    assert pace.wait(0.5, now=60.0) == 0.5


async def test_a_recording_may_be_closed_while_a_thread_still_reads_it(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.zeros(48_000 * 60), 48_000)
    settings = FileSettings(path=tmp_path / "a.flac", fast=True)
    for turn in range(100):
        async with open_recording(settings, a_room(tmp_path)) as source:
            reading = asyncio.ensure_future(anext(aiter(source)))
            await asyncio.sleep(turn / 100_000)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
