from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from earmark.audio import Cause, Frame, Omitted
from earmark.ears import checked
from earmark.uplink import Spool
from tests.core.rooms import BLOCK, RATE, frames


def frame(position: int, length: int = BLOCK) -> Frame:
    return Frame(samples=np.zeros(length, np.int16), rate=RATE, position=position, at=100.0)


def test_sound_that_follows_what_was_given_goes_on_as_it_is() -> None:
    (given,) = checked(frame(BLOCK), BLOCK / RATE, "The source 'x'")
    assert isinstance(given, Frame)
    assert given.position == BLOCK


def test_a_jump_without_a_word_is_told_as_dropped() -> None:
    hole, given = checked(frame(3 * BLOCK), BLOCK / RATE, "The source 'x'")
    assert isinstance(hole, Omitted)
    assert (hole.position, hole.length, hole.cause) == (BLOCK, 2 * BLOCK, Cause.DROPPED)
    assert given.start == hole.end


def test_a_long_frame_comes_in_pieces_and_an_empty_one_is_left_out() -> None:
    pieces = checked(frame(0, 100_000), None, "The source 'x'")
    assert sum(len(piece.samples) for piece in pieces if isinstance(piece, Frame)) == 100_000
    assert all(before.end == after.start for before, after in itertools.pairwise(pieces))
    assert checked(frame(0, 0), None, "The source 'x'") == []


@pytest.mark.parametrize(
    "nonsense",
    [
        "sound",
        None,
        Frame(samples=np.zeros(10, np.float32), rate=RATE, position=0, at=1.0),
        Frame(samples=np.zeros((10, 2), np.int16), rate=RATE, position=0, at=1.0),
        Frame(samples=np.zeros(10, np.int16), rate=0, position=0, at=1.0),
        Frame(samples=np.zeros(10, np.int16), rate=RATE, position=0, at=float("nan")),
        frame(-2 * BLOCK),
    ],
)
def test_nonsense_is_refused_by_the_name_of_who_gave_it(nonsense: object) -> None:
    with pytest.raises((TypeError, ValueError), match="The source 'x'"):
        checked(nonsense, 0.0, "The source 'x'")


def test_a_file_that_a_full_disk_would_take_only_in_part_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "memory", tmp_path / "disk", seconds=60, megabytes=10)
    spool.open()
    for given in frames(20):
        spool.append(given)
    ((old, new),) = spool.keep_on_disk()
    whole = old.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:1000]))
    assert not spool.copy(old, new)
    assert old.read_bytes() == whole
    assert not new.exists()
    assert "No space left" in (spool.problem or "")


def test_a_record_that_was_forgotten_is_silence_in_the_file_too(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "memory", tmp_path / "disk", seconds=60, megabytes=10)
    spool.open()
    for given in frames(5):
        spool.append(given)
    spool.blank(2)
    spool.close()
    again = Spool(tmp_path / "memory", tmp_path / "disk", seconds=60, megabytes=10)
    assert again.open() == []
    loud = [bool(np.any(again.frame(index).samples)) for index in range(5)]
    assert loud == [True, True, False, True, True]
    again.close()
