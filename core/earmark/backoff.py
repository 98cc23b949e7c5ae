"""How long to wait before the next try."""

from __future__ import annotations

import random
from collections.abc import Iterator


def delays(first_seconds: float, longest_seconds: float, rng: random.Random) -> Iterator[float]:
    """Seconds to wait before each further try, for ever: exponential, capped, with full jitter.

    Each is drawn between nothing and a bound that doubles from `first_seconds` to `longest_seconds`, so that many who
    lost the same line do not come back at the same moment. Take a new iterator when all is well again.
    """
    bound = first_seconds
    while True:
        yield rng.uniform(0.0, bound)
        bound = min(bound * 2, longest_seconds)
