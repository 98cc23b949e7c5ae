from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from earmark_mic.ring import Block, Ring


def a_ring(frames: int = 100, channels: int = 1) -> Ring:
    return Ring(frames=frames, channels=channels, dtype="int16")


def write(ring: Ring, first: int, length: int, *, overflowed: bool = False) -> None:
    """Frames numbered from `first`."""
    block = np.arange(first, first + length, dtype=np.int64).astype(np.int16)[:, None]
    ring.write(np.repeat(block, ring_channels(ring), axis=1), first / 1000, overflowed)


def ring_channels(ring: Ring) -> int:
    return ring._memory.shape[1]  # noqa: SLF001 - how many it was made with


def test_what_is_written_is_taken_with_its_position_and_time() -> None:
    ring = a_ring(channels=2)
    write(ring, 0, 30)
    write(ring, 30, 20, overflowed=True)
    first, second = ring.take()
    assert (first.position, first.length, first.overflowed, first.captured) == (0, 30, False, 0.0)
    assert (second.position, second.length, second.overflowed, second.captured) == (30, 20, True, 0.03)
    assert second.samples.tolist() == [[value, value] for value in range(30, 50)]
    assert list(ring.take()) == []


def test_what_was_not_read_in_time_is_a_hole_of_its_length() -> None:
    ring = a_ring(frames=100)
    for first in range(0, 250, 50):
        write(ring, first, 50)
    blocks = list(ring.take())
    assert [block.overwritten for block in blocks] == [True, True, True, False, False]
    assert sum(block.length for block in blocks) == 250


def test_a_block_that_is_larger_than_the_ring_is_a_hole() -> None:
    ring = a_ring(frames=10)
    write(ring, 0, 25)
    (block,) = ring.take()
    assert (block.length, block.overwritten) == (25, True)


def test_even_stamps_that_were_overwritten_leave_a_hole_of_the_right_length() -> None:
    ring = a_ring(frames=100)
    for first in range(10_000):
        write(ring, first, 1)
    blocks = list(ring.take())
    assert blocks[0].overwritten
    assert follows(blocks) == 10_000


def follows(blocks: list[Block]) -> int:
    """Where the blocks end, each beginning where the one before ended."""
    position = 0
    for block in blocks:
        assert block.position == position
        position += block.length
    return position


@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=60))
def test_every_frame_is_taken_once_or_missed_once(writes: list[tuple[int, bool]]) -> None:
    ring, taken, position = a_ring(frames=97), [], 0
    for length, read in writes:
        write(ring, position, length)
        position += length
        if read:
            taken += list(ring.take())
    taken += list(ring.take())
    assert follows(taken) == position
    for block in taken:
        if not block.overwritten:
            assert block.samples[:, 0].tolist() == list(range(block.position, block.position + block.length))


def test_a_block_is_never_torn_by_a_writer_in_another_thread() -> None:
    ring, done = a_ring(frames=700), threading.Event()

    def scribble() -> None:
        for number in range(4000):
            ring.write(np.full((64, 1), number % 30_000, np.int16), 0.0, False)
        done.set()

    writer = threading.Thread(target=scribble)
    writer.start()
    taken: list[Block] = []
    while not done.is_set():
        taken += ring.take()
    writer.join()
    taken += ring.take()
    assert follows(taken) == 64 * 4000
    assert all(len(set(block.samples[:, 0].tolist())) == 1 for block in taken if not block.overwritten)
