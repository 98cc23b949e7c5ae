import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_symbl.matching import Matcher, SpokenWord, align


def said(text: str, *, start: float = 0.0, confidence: float | None = None) -> list[SpokenWord]:
    """Words of half a second each, one after the other."""
    return [
        SpokenWord(word, start + number / 2, start + number / 2 + 0.5, confidence)
        for number, word in enumerate(text.split())
    ]


def span(matcher: Matcher, text: str) -> tuple[float, float] | None:
    placement = matcher.place(text)
    return (placement.start, placement.end) if placement else None


def test_a_message_lies_where_its_words_were_said() -> None:
    matcher = Matcher()
    matcher.hear(said("so who will call the plumber", start=10))
    assert span(matcher, "Who will call the plumber?") == (10.5, 13.0)


def test_a_final_may_be_split_into_several_messages() -> None:
    matcher = Matcher()
    matcher.hear(said("who will call the plumber i can do that", start=10))
    assert span(matcher, "Who will call the plumber?") == (10.0, 12.5)
    assert span(matcher, "I can do that.") == (12.5, 14.5)


def test_a_message_may_cover_parts_of_several_finals() -> None:
    matcher = Matcher()
    matcher.hear(said("yes we need", start=1))
    matcher.hear(said("more milk and", start=5))
    matcher.hear(said("some bread", start=8))
    assert span(matcher, "We need more milk and some bread.") == (1.5, 9.0)


def test_the_same_words_again_are_placed_in_their_order() -> None:
    matcher = Matcher()
    for start in (1, 5, 9):
        matcher.hear(said("yes", start=start))
    assert [span(matcher, "Yes."), span(matcher, "Yes."), span(matcher, "Yes.")] == [(1, 1.5), (5, 5.5), (9, 9.5)]
    assert span(matcher, "Yes.") is None


def test_words_that_were_written_otherwise_are_found_by_their_neighbours() -> None:
    matcher = Matcher()
    matcher.hear(said("let us meet at seven thirty in the cafe tomorrow"))
    assert span(matcher, "Let's meet at 7:30 in the café tomorrow.") == (0.0, 5.0)


def test_words_that_were_left_out_or_added_do_not_lead_astray() -> None:
    matcher = Matcher()
    matcher.hear(said("um so i think you know we should paint the kitchen"))
    assert span(matcher, "I think we should really paint the kitchen.") == (1.0, 5.5)


def test_what_others_said_is_not_found() -> None:
    matcher = Matcher()
    matcher.hear(said("who will call the plumber"))
    assert matcher.place("It rains in Spain today, mostly.") is None
    assert matcher.place("") is None
    assert span(matcher, "Who will call the plumber?") == (0.0, 2.5)


def test_a_message_that_comes_late_is_still_found_behind_the_others() -> None:
    matcher = Matcher()
    matcher.hear(said("who will call the plumber", start=0))
    matcher.hear(said("somebody should feed the cat", start=10))
    assert span(matcher, "Somebody should feed the cat.") == (10.0, 12.5)
    assert span(matcher, "Who will call the plumber?") == (0.0, 2.5)


def test_every_word_of_a_message_gets_a_time_between_its_neighbours() -> None:
    matcher = Matcher()
    matcher.hear(said("call the plumber", start=4))
    placement = matcher.place("Please call him, the plumber!")
    assert placement
    assert [word.text for word in placement.words] == ["Please", "call", "him,", "the", "plumber!"]
    assert [(word.start, word.end) for word in placement.words] == [(4, 4), (4, 4.5), (4.5, 4.5), (4.5, 5), (5, 5.5)]


def test_a_message_is_as_sure_as_its_words() -> None:
    matcher = Matcher()
    matcher.hear(said("call the", confidence=0.9))
    matcher.hear(said("plumber now", start=1, confidence=0.7))
    placement = matcher.place("Call the plumber now.")
    assert placement
    assert placement.confidence == pytest.approx(0.8)


def test_words_that_nobody_claims_are_forgotten_in_the_end() -> None:
    matcher = Matcher()
    matcher.hear(said("forget me please"))
    for number in range(200):
        matcher.hear(said(f"number{number} comes", start=number))
    assert matcher.place("Forget me please.") is None
    assert span(matcher, "number199 comes") == (199, 200)


@given(
    st.lists(st.sampled_from(["a", "b", "c", "dddd", "ddddx"]), max_size=8),
    st.lists(st.sampled_from("abc"), max_size=12),
)
def test_an_alignment_keeps_the_order_and_uses_every_word_once(tokens: list[str], words: list[str]) -> None:
    pairs = align(tokens, words)
    found = [pairs[token] for token in sorted(pairs)]
    assert found == sorted(set(found))


SENTENCES = st.lists(
    st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8), min_size=1, max_size=8).map(" ".join),
    min_size=1,
    max_size=6,
)


@given(SENTENCES, st.integers(1, 5))
def test_messages_in_order_are_all_placed_however_the_finals_were_cut(sentences: list[str], length: int) -> None:
    matcher = Matcher()
    words = said(" ".join(sentences))
    for first in range(0, len(words), length):
        matcher.hear(words[first : first + length])
    placed = [matcher.place(sentence.capitalize() + ".") for sentence in sentences]
    assert all(placed)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_placed_within_what_was_heard_or_not_at_all(heard: str, text: str) -> None:
    matcher = Matcher()
    matcher.hear(said(heard))
    placement = matcher.place(text)
    if placement:
        times = [time for word in placement.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert 0 <= placement.start <= placement.end <= len(heard.split()) / 2
        assert " ".join(word.text for word in placement.words) == " ".join(text.split())
