from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.insights import features


def see(text: str, start: float = 0.0, end: float = 1.0, speaker: str | None = None) -> features.Seen:
    return features.see(text, start, end, speaker)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Could you, please?", ("could", "you", ",", "please", "?")),
        ("Wait - no!", ("wait", "-", "no", ".")),
        ("I 'll go .", ("i'll", "go", ".")),
        ("It’s fine.", ("it's", "fine", ".")),
        ("What,?", ("what", "?")),
        ("", ()),
    ],
)
def test_words_and_punctuation_are_told_apart(text: str, expected: tuple[str, ...]) -> None:
    assert features.tokens(text) == expected


def test_of_a_very_long_sentence_both_ends_are_kept() -> None:
    found = features.tokens(" ".join(f"w{n}" for n in range(200)))
    assert len(found) == 48
    assert (found[0], found[-1]) == ("w0", "w199")


def test_a_question_mark_is_seen_as_the_ending() -> None:
    assert see("Really?").ending == features.MARKS.index("?") + 1
    assert see("really").ending == 0


def test_the_ngrams_do_not_depend_on_case_or_punctuation_within() -> None:
    plain = features.own_keys(see("yes i will call him"))
    assert np.array_equal(plain, features.own_keys(see("Yes, I will call him")))


def test_only_the_ending_adds_to_the_ngrams_of_a_stripped_sentence() -> None:
    plain, asked = features.own_keys(see("you are home")), features.own_keys(see("You are home?"))
    assert len(np.setdiff1d(asked, plain)) == 3
    assert len(np.setdiff1d(plain, asked)) == 0


def test_neighbours_at_different_places_share_no_ngrams() -> None:
    keys = features.neighbour_keys(see("yes that is right"))
    before, *after = features.as_neighbour(keys, features.PLACES)
    assert len(np.intersect1d(before, np.concatenate(after))) == 0


def test_who_speaks_counts_only_where_both_are_known() -> None:
    first, second = see("A", 0, 1, "ann"), see("B", 1, 2, "ben")
    nobody = see("B", 1, 2)
    assert features.relation(first, nobody, 1)[-1] == 0
    assert 0 < features.relation(first, second, 1)[-1] != features.relation(first, first, 1)[-1]


def test_a_pause_is_counted_from_the_end_of_the_earlier_sentence() -> None:
    first, late, soon = see("A", 0, 1), see("B", 9, 10), see("B", 1.2, 2)
    assert features.relation(first, late, 1)[1] > features.relation(first, soon, 1)[1]
    assert features.relation(late, first, -1)[1] > features.relation(soon, first, -1)[1]


def test_when_a_conversation_began_makes_no_difference() -> None:
    now, later = see("We are done.", 5, 6), see("We are done.", 3605, 3606)
    other_now, other_later = see("Yes.", 6, 7), see("Yes.", 3606, 3607)
    assert features.own_shape(now) == features.own_shape(later)
    assert features.relation(now, other_now, 1) == features.relation(later, other_later, 1)


@given(st.text(max_size=300), st.floats(0, 1e6), st.floats(-5, 60))
def test_any_text_can_be_seen(text: str, start: float, length: float) -> None:
    seen = see(text, start, start + length)
    assert len(features.own_keys(seen)) > 0
    assert len(features.neighbour_keys(seen)) > 0
    numbers = [*features.own_shape(seen), *features.relation(seen, seen, -2), *features.relation(seen, seen, 2)]
    assert all(0 <= number < features.SHAPES for number in numbers)
