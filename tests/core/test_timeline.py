from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.audio import Cause, Frame, Omitted
from earmark.clock import moment
from earmark.events import Gap, Hearing, Insight, InsightKind, Utterance, Word
from earmark.hookspecs import Axis, Heard
from earmark.uplink.stamping import PENDING_SECONDS, Conversation, Names, Pending, Stamp
from earmark.uplink.timeline import SentTable, WallTable

RATE = 1000

gaps = st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 3000)), min_size=1, max_size=20)


def sent(parts: list[tuple[int, int]]) -> tuple[SentTable, list[tuple[float, float]]]:
    """A table of frames with holes before them, and for each sample what was sent before it and when it was heard."""
    table, pairs, place, count = SentTable(), [], 0, 0
    for hole, length in parts:
        place += hole
        table.add(Frame(np.zeros(length, np.int16), RATE, place, 0.0))
        pairs += [((count + n) / RATE, (place + n) / RATE) for n in (0, length // 2, length - 1)]
        place, count = place + length, count + length
    return table, pairs


# -- three clocks -----------------------------------------------------------------------------------------------------


@given(parts=gaps)
def test_every_sample_that_was_sent_finds_its_capture_time(parts: list[tuple[int, int]]) -> None:
    table, pairs = sent(parts)
    for sent_seconds, capture in pairs:
        assert table.capture(sent_seconds) == pytest.approx(capture, abs=1e-5)
    assert table.capture(table.sent_seconds, at_end=True) == pytest.approx(table.until)


@given(parts=gaps)
def test_capture_time_never_runs_backwards(parts: list[tuple[int, int]]) -> None:
    table, _ = sent(parts)
    times = [table.capture(table.sent_seconds * n / 50) for n in range(51)]
    assert times == sorted(times)


def test_a_word_that_ends_on_a_seam_ends_before_the_hole_and_one_that_begins_there_after_it() -> None:
    table, _ = sent([(0, 1000), (5000, 1000)])
    assert table.capture(1.0, at_end=True) == pytest.approx(1.0)
    assert table.capture(1.0) == pytest.approx(6.0)


@given(parts=gaps, share=st.floats(0, 1))
def test_spans_that_nobody_needs_are_forgotten_and_the_others_stay(parts: list[tuple[int, int]], share: float) -> None:
    table, pairs = sent(parts)
    until = table.until * share
    table.forget(until)
    for sent_seconds, capture in pairs:
        if capture >= until:
            assert table.capture(sent_seconds) == pytest.approx(capture, abs=1e-5)


@given(steps=st.lists(st.floats(-1e6, 1e6).filter(lambda step: abs(step) > 1), max_size=5))
def test_steps_of_the_wall_clock_do_not_reach_back(steps: list[float]) -> None:
    table, wall, known = WallTable(), 1e9, []
    for index, step in enumerate([0.0, *steps]):
        wall += step + 10
        table.add(index * 10.0, wall)
        known.append((index * 10.0, wall))
    for capture, at in known:
        assert table.wall(capture) == pytest.approx(at, abs=0.3)
        assert table.wall(capture + 5) == pytest.approx(at + 5, abs=0.3)


def test_a_clock_that_only_trembles_makes_no_anchors() -> None:
    table = WallTable()
    for index in range(10_000):
        table.add(index / 10, 1e9 + index / 10 + (index % 7) / 100)
    assert table.steps == 0


# -- stamping ---------------------------------------------------------------------------------------------------------


INSIGHT = Insight(id="i", at=moment(0), mark="m", kind=InsightKind.QUESTION, text="one?", confidence=1.0, utterance="u")


def stamp(*, overlaps: bool = False, told: float = 0.0) -> Stamp:
    walls = WallTable()
    walls.add(0.0, 1e9)
    conversation = Conversation(id="c", connection="x", origin=100.0, at=1e9 + 100, told=100.0 + told)
    made = Stamp("kitchen", conversation, Names(), walls)
    made.told_before = 100.0 + told if overlaps else None
    made.table.add(Frame(np.zeros(60 * RATE, np.int16), RATE, 100 * RATE, 0.0))
    return made


def utterance(start: float, end: float, text: str = "one two three four", name: str = "u") -> Heard:
    words = text.split()
    step = (end - start) / len(words)
    told = tuple(Word(text=w, start=start + n * step, end=start + (n + 1) * step) for n, w in enumerate(words))
    return Heard(Utterance(id=name, at=moment(0), text=text, start=start, end=end), Axis.SENT, words=told)


def test_an_utterance_gets_the_rooms_own_times_and_a_lasting_id() -> None:
    first, again = (stamp().event(utterance(2.0, 4.0)) for _ in range(2))
    assert isinstance(first, Utterance)
    assert (first.start, first.end, first.room, first.conversation) == (2.0, 4.0, "kitchen", "c")
    assert first.at == moment(1e9 + 102)
    assert first == again


def test_words_that_were_told_before_are_dropped_one_by_one() -> None:
    event = stamp(overlaps=True, told=3.0).event(utterance(2.0, 4.0))
    assert isinstance(event, Utterance)
    assert (event.text, event.start, event.end) == ("three four", 3.0, 4.0)


def test_what_refers_to_an_utterance_that_was_dropped_is_dropped_too() -> None:
    made = stamp(overlaps=True, told=5.0)
    assert made.event(utterance(2.0, 4.0)) is None
    assert made.event(Heard(INSIGHT)) is None


def test_an_insight_lies_where_its_utterance_lies() -> None:
    made = stamp()
    said = made.event(utterance(2.0, 4.0))
    insight = made.event(Heard(INSIGHT))
    assert isinstance(insight, Insight)
    assert isinstance(said, Utterance)
    assert (insight.utterance, insight.start, insight.at) == (said.id, said.start, said.at)


def test_interim_text_is_never_dropped() -> None:
    heard = Heard(Hearing(at=moment(0), text="one", start=1.0, end=2.0), Axis.SENT)
    event = stamp(overlaps=True, told=9.0).event(heard)
    assert isinstance(event, Hearing)
    assert (event.start, event.end) == (1.0, 2.0)


def test_sound_that_was_given_up_and_is_told_after_all_is_recovered_once() -> None:
    made = stamp()
    made.conversation.give_up(101.0, 103.0)
    event = made.event(utterance(0.0, 2.0))
    assert isinstance(event, Utterance)
    (gap,) = made.recovered(event)
    assert isinstance(gap, Gap)
    assert (gap.start, gap.seconds, gap.cause, gap.outcome) == (1.0, 1.0, Cause.SPOOL_FULL, "recovered")
    assert made.conversation.given_up == [(102.0, 103.0)]
    assert made.recovered(event) == []


@given(position=st.integers(0, 1000), length=st.integers(0, 1000), seconds=st.floats(-1, 3))
def test_what_lies_after_a_moment_and_what_lies_before_it_are_the_whole(
    position: int, length: int, seconds: float
) -> None:
    whole = Omitted(position, length, RATE, 5.0, Cause.OVERRUN)
    rest = whole.after(seconds)
    assert rest.position + rest.length == position + length
    assert 0 <= rest.length <= length
    assert rest.at == pytest.approx(5.0 + (rest.position - position) / RATE)


# -- silence, for peers that do not acknowledge -----------------------------------------------------------------------


def test_silence_is_taken_as_heard_after_a_while() -> None:
    assert Pending().silent_until(100.0, 70.0) == 70.0


def test_sound_under_interim_text_waits_for_its_utterance_but_not_for_ever() -> None:
    pending = Pending()
    pending.interim(50.0, 52.0, 0.0)
    assert pending.silent_until(100.0, 70.0) == 50.0
    assert pending.silent_until(51.0 + PENDING_SECONDS, 141.0) == 141.0
    pending.interim(60.0, 62.0, 0.0)
    assert pending.silent_until(100.0, 70.0) == 50.0
    pending.answered()
    assert pending.silent_until(100.0, 70.0) == 70.0
