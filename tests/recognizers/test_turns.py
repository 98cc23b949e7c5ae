from __future__ import annotations

from dataclasses import dataclass

import pytest

from earmark_engine.recognizers.turns import REPORT_SECONDS, Pressure, Turns


@dataclass
class Wants:
    final_due: bool = False
    interim_due: bool = False


def test_streams_take_turns() -> None:
    turns, streams = Turns(), {1: Wants(final_due=True), 2: Wants(final_due=True), 3: Wants(final_due=True)}
    assert [turns.pick(streams, 0.0) for _ in range(6)] == [1, 2, 3, 1, 2, 3]


def test_interim_text_may_take_only_half_of_the_time() -> None:
    turns, streams = Turns(), {1: Wants(interim_due=True)}
    turns.interim_took(0.3, 10.0)
    assert turns.pick(streams, 10.2) is None
    assert turns.wait_seconds(streams, 10.2) == pytest.approx(0.1)
    assert turns.pick(streams, 10.31) == 1


def test_while_finals_wait_interim_text_of_others_gets_a_tenth() -> None:
    turns, streams = Turns(), {1: Wants(interim_due=True), 2: Wants(final_due=True)}
    turns.interim_took(0.1, 10.0)
    assert turns.pick(streams, 10.8) == 2
    assert turns.pick(streams, 10.91) == 1


def test_finals_do_not_wait_for_the_share_of_interim_text() -> None:
    turns = Turns()
    turns.interim_took(5.0, 10.0)
    assert turns.pick({1: Wants(final_due=True)}, 10.0) == 1


def test_nothing_to_do_waits_until_the_next_report() -> None:
    assert Turns().pick({1: Wants()}, 0.0) is None
    assert Turns().wait_seconds({1: Wants()}, 0.0) == REPORT_SECONDS


def test_a_stream_that_was_closed_is_forgotten() -> None:
    turns = Turns()
    turns.pick({1: Wants(final_due=True), 2: Wants(final_due=True)}, 0.0)
    assert turns.pick({2: Wants(final_due=True)}, 0.0) == 2


def test_pressure_is_work_over_the_last_while() -> None:
    pressure = Pressure()
    pressure.worked(100.0, seconds=9.0, of_sound=9.0)
    pressure.worked(200.0, seconds=2.0, of_sound=4.0)
    pressure.worked(201.0, seconds=1.0, of_sound=0.0)
    assert pressure.at(202.0) == pytest.approx((0.3, 0.75))
    assert pressure.at(300.0) == (0.0, 0.0)
