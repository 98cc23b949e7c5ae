from __future__ import annotations

import resource
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.audio import Cause, Frame, Omitted
from earmark.uplink.spool import Spool, merge
from tests.core.rooms import BLOCK, RATE, frames


def spool(folder: Path, *, seconds: float = 600, megabytes: float = 64, durable: bool = False) -> Spool:
    return Spool(folder / "memory", folder / "disk", seconds=seconds, megabytes=megabytes, durable=durable)


def reopened(folder: Path, **options: float) -> tuple[Spool, list[Omitted]]:
    """The spool as the next process finds it: the one before was not closed."""
    again = spool(folder, **options)  # type: ignore[arg-type] # seconds and megabytes only
    return again, again.open()


def content(kept: Spool) -> dict[int, int]:
    found = [kept.frame(index) for index in range(kept.first, kept.last)]
    return {f.position + n: sample for f in found for n, sample in enumerate(f.samples.tolist())}


def samples(sound: list[Frame]) -> dict[int, int]:
    return {f.position + n: sample for f in sound for n, sample in enumerate(f.samples.tolist())}


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.sound"))


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """What a full disk does to a process: writing fails in the middle of a record."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


# -- across processes -------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.one_of(st.integers(1, 40), st.sampled_from(["release", "disk", "memory", "kill"])), max_size=12),
    durable=st.booleans(),
)
def test_what_was_taken_and_not_released_is_there_whenever_the_process_dies(
    steps: list[int | str], durable: bool
) -> None:
    with folder() as path:
        kept, taken, released = spool(path, durable=durable), 0, 0.0
        for step in steps:
            if isinstance(step, int):
                for frame in frames(step, first=taken):
                    assert not kept.append(frame)
                taken += step
            elif step == "release":
                released = round((released + taken * 0.1) / 2, 1)
                kept.release(released)
            elif step == "disk":
                for old, new in kept.keep_on_disk():
                    assert kept.copy(old, new)
                    kept.moved(old, new)
            elif step == "memory":
                kept.keep_in_memory()
            else:
                kept, lost = reopened(path)
                assert not lost
                kept.release(released)
        expected = samples(frames(taken))
        assert content(kept) == {place: value for place, value in expected.items() if place >= round(released * RATE)}
        assert kept.seconds == pytest.approx(sum(1 for _ in range(kept.first, kept.last)) * 0.1)
        kept.close()


def test_released_sound_leaves_no_file_behind(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    for frame in frames(200):
        kept.append(frame)
    assert len(files(tmp_path)) == 4
    kept.release(12.0)
    assert len(files(tmp_path)) == 2
    kept.release(20.0)
    assert not files(tmp_path)
    assert (kept.seconds, kept.bytes) == (0, 0)


def test_a_record_that_is_released_in_part_gives_the_rest(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    kept.append(frames(1)[0])
    kept.release(0.04)
    frame = kept.frame(kept.first)
    assert (frame.position, len(frame.samples)) == (640, BLOCK - 640)
    assert frame.at == pytest.approx(1_700_000_000.04)


def test_frames_of_several_rates_lie_side_by_side(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    for rate, position in ((16000, 0), (8000, 800), (48000, 9600)):
        kept.append(Frame(np.arange(rate // 10, dtype=np.int16), rate, position, 5.0))
    again, _ = reopened(tmp_path)
    found = [again.frame(index) for index in range(again.first, again.last)]
    assert [(f.rate, f.start, f.seconds) for f in found] == [(16000, 0, 0.1), (8000, 0.1, 0.1), (48000, 0.2, 0.1)]
    assert again.after(0.15) == again.first + 1
    kept.close()


# -- bounds -----------------------------------------------------------------------------------------------------------


@given(count=st.integers(1, 300), seconds=st.floats(1, 10))
@settings(max_examples=30, deadline=None)
def test_what_is_given_up_and_what_is_kept_are_together_what_was_taken(count: int, seconds: float) -> None:
    with folder() as path:
        kept = spool(path, seconds=seconds)
        lost = [part for frame in frames(count) for part in kept.append(frame)]
        assert kept.seconds <= seconds + 0.1
        assert {part.cause for part in lost} <= {Cause.SPOOL_FULL}
        gone = sum(part.length for part in lost)
        assert gone + len(content(kept)) == count * BLOCK
        assert [part.position for part in merge(lost)] in ([], [0])
        kept.close()


def test_the_spool_is_bounded_in_bytes_too(tmp_path: Path) -> None:
    kept = spool(tmp_path, megabytes=0.1)
    for frame in frames(100):
        kept.append(frame)
    assert kept.bytes <= 100_000
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 300_000


def test_sound_that_was_given_up_and_not_yet_told_of_is_found_again_by_the_next_process(tmp_path: Path) -> None:
    kept = spool(tmp_path, seconds=5)
    first = [part for frame in frames(60) for part in kept.append(frame)]
    again, lost = reopened(tmp_path, seconds=5)
    assert merge(first + lost)[0].position == 0
    assert samples(frames(60)).keys() - content(again).keys() <= {
        place for part in (*first, *lost) for place in range(part.position, part.position + part.length)
    }
    kept.close()


# -- damage -----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(victim=st.integers(0, 3), place=st.floats(0, 0.999), how=st.sampled_from(["flip", "cut", "zero", "empty"]))
def test_a_damaged_spool_gives_what_is_whole_and_tells_of_the_rest(victim: int, place: float, how: str) -> None:
    with folder() as path:
        kept = spool(path)
        for frame in frames(200):
            kept.append(frame)
        kept.close()
        file = files(path)[victim]
        data = bytearray(file.read_bytes())
        at = int(place * len(data))
        if how == "flip":
            data[at] ^= 0xFF
        elif how == "zero":
            data[at : at + 4096] = bytes(len(data[at : at + 4096]))
        else:
            # Cut between two records nobody could tell that there were more.
            data = data[: at + (at % (len(data) // 50) == 0) if how == "cut" else 0]
        file.write_bytes(data)
        again, lost = reopened(path)
        found, all_ = content(again), samples(frames(200))
        assert all(all_[sample] == value for sample, value in found.items())
        told = {sample for part in lost for sample in range(part.position, part.position + part.length)}
        missing = all_.keys() - found.keys()
        until = max(found, default=-1)
        assert {sample for sample in missing if sample < until} == told
        if victim < 3 and missing:
            assert again.repairs
        assert not again.append(frames(1, first=300)[0])
        again.close()


def test_files_that_are_no_spool_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "0000000001.sound").write_bytes(b"nonsense" * 100)
    (tmp_path / "memory" / "notes.sound").write_bytes(b"")
    (tmp_path / "memory" / "0000000002.sound").mkdir()
    kept, lost = reopened(tmp_path)
    assert not lost
    assert kept.repairs
    kept.append(frames(1)[0])
    assert content(kept) == samples(frames(1))
    kept.close()


def test_half_a_move_to_the_disk_doubles_nothing(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    for frame in frames(80):
        kept.append(frame)
    moves = kept.keep_on_disk()
    assert kept.copy(*moves[0])
    kept.copy(*moves[1])
    moves[1][1].write_bytes(moves[1][1].read_bytes()[:1000])
    again, lost = reopened(tmp_path)
    assert not lost
    assert content(again) == samples(frames(80))
    kept.close()


# -- full disk --------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_of_and_sound_goes_on_in_memory(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    with no_file_longer_than(10_000):
        for frame in frames(100):
            assert not kept.append(frame)
        assert kept.problem is not None
        assert "Free some space" in kept.problem
        assert content(kept) == samples(frames(100))
    for frame in frames(100, first=100):
        kept.append(frame)
    assert content(kept) == samples(frames(200))
    kept.close()


def test_once_there_is_space_again_sound_goes_to_files_and_the_problem_is_gone(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    with no_file_longer_than(10_000):
        for frame in frames(10):
            kept.append(frame)
    for frame in frames(100, first=10):
        kept.append(frame)
    assert kept.problem is None
    assert files(tmp_path)
    kept.close()


def test_a_folder_that_cannot_be_made_is_a_problem_and_no_end(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("in the way")
    kept = spool(tmp_path)
    for frame in frames(10):
        kept.append(frame)
    assert kept.problem is not None
    assert content(kept) == samples(frames(10))


# -- where it lies ----------------------------------------------------------------------------------------------------


def test_while_the_line_is_good_nothing_is_written_to_the_disk(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    for frame in frames(50):
        kept.append(frame)
    assert kept.bytes_written_to_disk == 0
    assert not kept.unsynced()
    for old, new in kept.keep_on_disk():
        assert kept.copy(old, new)
        kept.moved(old, new)
    kept.append(frames(1, first=50)[0])
    (path,) = kept.unsynced()
    kept.sync([path])
    assert path.parent == tmp_path / "disk"
    assert kept.syncs == 1
    assert kept.bytes_written_to_disk > 51 * 2 * BLOCK
    assert content(kept) == samples(frames(51))
    kept.close()


def test_a_durable_spool_always_lies_on_the_disk(tmp_path: Path) -> None:
    kept = spool(tmp_path, durable=True)
    kept.append(frames(1)[0])
    kept.keep_in_memory()
    kept.append(frames(1, first=1)[0])
    assert {path.parent for path in files(tmp_path)} == {tmp_path / "disk"}
    kept.close()


def test_nobody_else_may_read_the_sound(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    kept.append(frames(1)[0])
    (path,) = files(tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    kept.close()


def test_sound_that_only_a_dead_process_had_is_told_as_lost(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    kept.append(frames(1)[0])
    with no_file_longer_than(3500):
        for frame in frames(10, first=1):
            kept.append(frame)
    for frame in frames(60, first=11):
        kept.append(frame)
    again, lost = reopened(tmp_path)
    (gap,) = merge(lost)
    assert gap.position == BLOCK
    assert content(again).keys() | set(range(BLOCK, gap.position + gap.length)) == samples(frames(71)).keys()
    kept.close()
