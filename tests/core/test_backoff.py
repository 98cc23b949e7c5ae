"""How long is waited before the next try."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from earmark.backoff import delays


@given(st.floats(0.01, 10), st.floats(10, 300), st.integers())
def test_no_delay_is_longer_than_its_bound_and_bounds_double_up_to_the_cap(
    first: float, longest: float, seed: int
) -> None:
    drawn = itertools.islice(delays(first, longest, random.Random(seed)), 30)
    for number, delay in enumerate(drawn):
        assert 0 <= delay <= min(first * 2**number, longest)


def test_delays_are_spread_over_the_whole_range() -> None:
    drawn = [next(delays(1.0, 60.0, random.Random(seed))) for seed in range(1000)]
    assert min(drawn) < 0.05
    assert max(drawn) > 0.95
    assert 0.45 < sum(drawn) / len(drawn) < 0.55


def test_the_same_seed_gives_the_same_delays() -> None:
    one, other = delays(1, 60, random.Random(7)), delays(1, 60, random.Random(7))
    assert list(itertools.islice(one, 20)) == list(itertools.islice(other, 20))


def test_tries_against_a_dead_host_become_few() -> None:
    tries = []
    for seed in range(200):
        steps = itertools.accumulate(delays(0.5, 60.0, random.Random(seed)))
        tries.append(sum(1 for _ in itertools.takewhile(lambda seconds: seconds < 60, steps)))
    assert sum(tries) / len(tries) < 12
