from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import sys
import termios
from pathlib import Path

import numpy as np
import pytest

from earmark.audio import Cause, Frame, Omitted
from earmark.errors import SourceFailed
from earmark_file.settings import StdinSettings
from earmark_file.stdin import StandardInput, decode
from tests.file.rooms import a_room, until


class Piped:
    """Standard input as another program leaves it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor


@pytest.mark.parametrize(
    ("form", "dtype", "scale"),
    [("s16le", "<i2", 2**15), ("s16be", ">i2", 2**15), ("s32le", "<i4", 2**31), ("f32le", "<f4", 1)],
)
def test_every_format_gives_the_samples_that_were_written(form: str, dtype: str, scale: int) -> None:
    wanted = np.array([[0.5, -0.5], [0.25, -1.0]])
    data = (wanted * scale).astype(dtype).tobytes()
    block = decode(data, StdinSettings(format=form, channels=2))  # type: ignore[arg-type]
    assert np.array_equal(block, wanted)


def test_24_bit_and_8_bit_samples_are_read() -> None:
    block = decode(b"\x00\x00\x40\x00\x00\x80", StdinSettings(format="s24le"))
    assert block[:, 0].tolist() == [0.5, -1.0]
    block = decode(bytes([128, 192, 0]), StdinSettings(format="u8"))
    assert block[:, 0].tolist() == [0.0, 0.5, -1.0]


async def test_samples_that_come_in_parts_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", Piped(reading))
    data = np.arange(300, dtype="<i2").tobytes() + b"x"
    async with StandardInput().open(StdinSettings(), a_room(tmp_path)) as source:
        for first in range(0, len(data), 37):
            os.write(writing, data[first : first + 37])
            await until_empty(reading)
        os.close(writing)
        heard = [value async for frame in source if isinstance(frame, Frame) for value in frame.samples.tolist()]
    assert heard == list(range(300))
    os.close(reading)


async def test_bytes_from_a_pipe_are_heard_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", Piped(reading))
    samples = np.arange(4000, dtype="<i2")
    os.write(writing, samples.tobytes())
    os.close(writing)
    async with StandardInput().open(StdinSettings(), a_room(tmp_path)) as source:
        frames = [frame async for frame in source]
    assert np.array_equal(np.concatenate([frame.samples for frame in frames if isinstance(frame, Frame)]), samples)
    assert [frame.position for frame in frames] == [0, 1024, 2048, 3072]
    os.close(reading)


async def test_a_file_as_standard_input_is_heard_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raw").write_bytes(np.full(3000, 7, "<i2").tobytes())
    with (tmp_path / "raw").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", file)
        async with StandardInput().open(StdinSettings(), a_room(tmp_path)) as source:
            assert sum([len(frame.samples) async for frame in source if isinstance(frame, Frame)]) == 3000


async def test_what_came_while_it_was_closed_is_never_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", Piped(reading))
    stdin, settings = StandardInput(), StdinSettings()

    def speak(value: int) -> None:
        os.write(writing, np.full(2048, value, "<i2").tobytes())

    speak(1)
    async with stdin.open(settings, a_room(tmp_path)) as source:
        async for frame in source:
            assert isinstance(frame, Frame)
            assert set(frame.samples) == {1}
            break
    speak(2)
    await until_empty(reading)
    async with asyncio.timeout(10), stdin.open(settings, a_room(tmp_path)) as source:
        speak(3)
        os.close(writing)
        heard = {int(value) async for frame in source if isinstance(frame, Frame) for value in frame.samples}
    assert heard == {3}
    os.close(reading)


async def until_empty(descriptor: int) -> None:
    await until(lambda: not struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4))[0])


async def test_what_is_held_for_too_long_is_given_up_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", Piped(reading))
    settings = StdinSettings(rate=48_000)
    room = a_room(tmp_path, rate=48_000)
    async with StandardInput(most_seconds=0.1).open(settings, room) as source:
        for value in range(10):
            os.write(writing, np.full(3072, value, "<i2").tobytes())
            await until_empty(reading)
        os.close(writing)
        items = [item async for item in source]
    lost = [item for item in items if isinstance(item, Omitted)]
    frames = [item for item in items if isinstance(item, Frame)]
    assert sum(item.length for item in lost) + sum(len(item.samples) for item in frames) == 30_720
    assert [item.cause for item in lost] == [Cause.OVERRUN]
    assert int(frames[-1].samples[-1]) == 9
    assert frames[0].position == lost[0].length
    os.close(reading)


async def test_a_terminal_is_no_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main, side = os.openpty()
    monkeypatch.setattr(sys, "stdin", Piped(side))
    with pytest.raises(SourceFailed, match="is a terminal, not sound"):
        async with StandardInput().open(StdinSettings(), a_room(tmp_path)):
            pass
    os.close(main)
    os.close(side)


async def test_no_standard_input_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceFailed, match="no standard input"):
        async with StandardInput().open(StdinSettings(), a_room(tmp_path)):
            pass
