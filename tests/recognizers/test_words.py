from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.recognizers.segments import FRAME_SECONDS
from earmark_engine.recognizers.words import spread

voiced = st.sets(st.integers(0, 400), min_size=1).map(lambda frames: tuple(sorted(frames)))


def test_longer_words_take_longer() -> None:
    short, long = spread("I understand", tuple(range(100)))
    assert short.end - short.start < long.end - long.start
    assert (short.start, long.end) == (0.0, 100 * FRAME_SECONDS)


def test_a_pause_between_words_belongs_to_neither() -> None:
    first, second = spread("left right", (*range(50), *range(100, 160)))
    assert first.end <= 50 * FRAME_SECONDS
    assert second.start == 100 * FRAME_SECONDS or second.start < 50 * FRAME_SECONDS


def test_no_text_has_no_words() -> None:
    assert spread("  ", (1, 2)) == ()
    assert spread("words", ()) == ()


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=40), voiced)
def test_words_come_in_order_within_the_speech(words: list[str], voiced: tuple[int, ...]) -> None:
    spoken = spread(" ".join(words), voiced)
    assert [word.text for word in spoken] == words
    assert all(word.start <= word.end for word in spoken)
    assert all(before.start <= after.start and before.end <= after.end for before, after in pairwise(spoken))
    assert spoken[0].start == voiced[0] * FRAME_SECONDS
    assert abs(spoken[-1].end - (voiced[-1] + 1) * FRAME_SECONDS) < 1e-9
