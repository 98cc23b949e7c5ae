from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.recognizers.segments import Cutting, Segment, Segmenter

SPEECH, SILENCE = 0.9, 0.05
probabilities = st.lists(
    st.tuples(st.sampled_from([SPEECH, SILENCE, 0.4]), st.integers(1, 300)).map(lambda run: [run[0]] * run[1]),
    max_size=20,
).map(lambda runs: [probability for run in runs for probability in run])


def segments(*runs: tuple[float, int], cutting: Cutting | None = None) -> list[Segment]:
    segmenter = Segmenter(cutting)
    heard = [segmenter.hear(probability) for probability, frames in runs for _ in range(frames)]
    return [segment for segment in [*heard, segmenter.finish()] if segment]


def test_speech_is_one_segment_with_a_little_of_what_was_around_it() -> None:
    cutting = Cutting()
    [segment] = segments((SILENCE, 50), (SPEECH, 30), (SILENCE, 50))
    assert segment.start == 50 - cutting.before_frames
    assert segment.end == 80 + cutting.after_frames
    assert segment.voiced == tuple(range(50, 80))


def test_a_click_is_no_speech() -> None:
    assert segments((SILENCE, 50), (SPEECH, 2), (SILENCE, 50)) == []


def test_a_short_pause_does_not_end_a_segment_and_a_long_one_does() -> None:
    pause = Cutting().pause_frames
    assert len(segments((SPEECH, 30), (SILENCE, pause - 1), (SPEECH, 30), (SILENCE, 40))) == 1
    assert len(segments((SPEECH, 30), (SILENCE, pause), (SPEECH, 30), (SILENCE, 40))) == 2


def test_after_long_speech_a_shorter_pause_is_enough() -> None:
    pause = Cutting().pause_frames // 2
    assert len(segments((SPEECH, 350), (SILENCE, pause), (SPEECH, 30), (SILENCE, 40))) == 2


def test_speech_without_a_pause_is_cut_where_it_is_least_likely() -> None:
    first, second = segments((SPEECH, 420), (0.5, 1), (SPEECH, 200), (SILENCE, 40))
    assert first.end == second.start == 421


def test_the_last_words_are_given_at_the_end() -> None:
    [segment] = segments((SILENCE, 20), (SPEECH, 30))
    assert segment.end == 50


@given(probabilities)
def test_segments_come_in_order_and_never_overlap(probabilities: list[float]) -> None:
    found = segments(*((probability, 1) for probability in probabilities))
    assert all(segment.start < segment.end <= len(probabilities) for segment in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(segment.end - segment.start <= Cutting().hard_frames for segment in found)


@given(probabilities)
def test_every_voiced_frame_lies_in_its_segment(probabilities: list[float]) -> None:
    for segment in segments(*((probability, 1) for probability in probabilities)):
        assert segment.voiced
        assert segment.start <= segment.voiced[0] <= segment.voiced[-1] < segment.end


@given(probabilities)
def test_what_is_settled_is_in_no_later_segment(probabilities: list[float]) -> None:
    segmenter, settled = Segmenter(), 0
    for probability in probabilities:
        segment = segmenter.hear(probability)
        assert segment is None or segment.start >= settled
        assert segmenter.settled >= settled
        settled = segmenter.settled
        assert segmenter.open is None or segmenter.open.start >= settled
