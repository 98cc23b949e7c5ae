from __future__ import annotations

import numpy as np

from earmark.audio import Samples
from earmark_engine.recognizers.hearing import Hearing, Sound, Transcribed
from earmark_engine.recognizers.segments import FRAME
from earmark_engine.recognizers.types import RATE, Final, Heard, Partial, Processed, Word
from tests.recognizers.stand_in import StandIn

LOUD = 8000


def likely(frame: Sound) -> float:
    """What is loud is speech."""
    return float(np.abs(frame).max() > 0.1)


def sound(*runs: tuple[float, float]) -> Samples:
    """Loudness and seconds of each run."""
    return np.concatenate([np.full(int(seconds * RATE), level * LOUD, np.int16) for level, seconds in runs])


def finals(hearing: Hearing, transcriber: StandIn | None = None) -> list[Heard]:
    heard: list[Heard] = []
    while hearing.final_due:
        heard += hearing.final(transcriber or StandIn())
    return heard


def test_each_segment_is_told_once_with_its_time() -> None:
    hearing = Hearing(likely)
    hearing.feed(sound((0, 1), (1, 1), (0, 2), (1, 2), (0, 2)))
    told = [heard for heard in finals(hearing) if isinstance(heard, Final)]
    assert [(round(final.start), round(final.end), final.segment) for final in told] == [(1, 2, 0), (4, 6, 1)]
    assert told[0].confidence == 0.5


def test_interim_text_comes_while_somebody_speaks_and_not_again_until_more_was_said() -> None:
    hearing = Hearing(likely, interim_seconds=0.5)
    hearing.feed(sound((0, 1), (1, 0.3)))
    due = [hearing.interim_due]
    [partial] = hearing.interim(StandIn())
    assert isinstance(partial, Partial)
    assert round(partial.start) == 1
    due.append(hearing.interim_due)
    hearing.feed(sound((1, 0.6)))
    due.append(hearing.interim_due)
    assert due == [True, False, True]


def test_interim_text_comes_less_often_the_longer_somebody_speaks() -> None:
    hearing = Hearing(likely, interim_seconds=0.5)
    hearing.feed(sound((0, 1)))
    shown = []
    for tenth in range(100):
        hearing.feed(sound((1, 0.1)))
        if hearing.interim_due:
            hearing.interim(StandIn())
            shown.append(tenth / 10)
    assert shown[1] - shown[0] < 0.8 < 1.1 < shown[-1] - shown[-2]


def test_where_interim_text_covers_the_whole_segment_it_is_the_final_text() -> None:
    class Once(StandIn):
        interim_is_final = True

        def final(self, sound: Sound, vocabulary: tuple[str, ...]) -> Transcribed:
            raise AssertionError("recognised twice")

    hearing = Hearing(likely)
    hearing.feed(sound((0, 1), (1, 1), (0, 0.5)))
    [partial] = hearing.interim(Once())
    hearing.feed(sound((0, 1)))
    final, _ = finals(hearing, Once())
    assert isinstance(partial, Partial)
    assert isinstance(final, Final)
    assert final.text == partial.text


def test_the_end_tells_the_last_words_and_settles_everything() -> None:
    hearing = Hearing(likely)
    hearing.feed(sound((0, 1), (1, 1))[:-7])
    hearing.finish()
    final, settled = finals(hearing)
    assert isinstance(final, Final)
    assert settled == Processed(until_seconds=(2 * RATE - 7) / RATE)
    assert hearing.done


def test_a_segment_without_text_is_settled_without_a_word() -> None:
    class Deaf(StandIn):
        def final(self, sound: Sound, vocabulary: tuple[str, ...]) -> Transcribed:
            return Transcribed(text="")

    hearing = Hearing(likely)
    hearing.feed(sound((0, 1), (1, 1), (0, 1)))
    [settled] = finals(hearing, Deaf())
    assert isinstance(settled, Processed)


def test_what_is_not_settled_can_be_heard_again_by_another() -> None:
    everything = sound((0, 1), (1, 1), (0, 2), (1, 2), (0, 2))
    first = Hearing(likely)
    first.feed(everything[: 5 * RATE])
    [final, settled] = finals(first)
    assert isinstance(final, Final)
    assert isinstance(settled, Processed)
    at = round(settled.until_seconds * RATE)
    second = Hearing(likely, position=at, segment=1)
    second.feed(everything[at:])
    [again, _] = finals(second)
    assert isinstance(again, Final)
    assert (round(again.start), round(again.end), again.segment) == (4, 6, 1)


def test_silence_is_settled_as_it_passes_and_forgotten() -> None:
    hearing = Hearing(likely)
    for _ in range(20):
        hearing.feed(sound((0, 1)))
        hearing.settle(least_seconds=0.5)
    assert hearing.settle(least_seconds=0.5) == []
    assert hearing.scanned_seconds > 19
    assert hearing.kept_seconds < 2


def test_times_the_model_tells_are_moved_to_the_stream() -> None:
    class Exact(StandIn):
        def final(self, sound: Sound, vocabulary: tuple[str, ...]) -> Transcribed:
            return Transcribed(text="now", words=(Word(text="now", start=0.5, end=0.75, confidence=0.9),))

    hearing = Hearing(likely, position=10 * RATE)
    hearing.feed(sound((0, FRAME * 100 / RATE), (1, 1), (0, 1)))
    final, _ = finals(hearing, Exact())
    assert isinstance(final, Final)
    begins = 10 + 92 * FRAME / RATE
    assert final.words == (Word(text="now", start=round(begins + 0.5, 3), end=round(begins + 0.75, 3), confidence=0.9),)
