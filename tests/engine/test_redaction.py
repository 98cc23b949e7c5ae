"""What identifies somebody, and what only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_engine.insights.types import Person
from earmark_engine.redaction import Redactor

REDACTOR = Redactor("***", (Person(name="Tom"),))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Write to anna@example.com today.", "Write to *** today."),
        ("Call me on 555 123 4567.", "Call me on ***."),
        ("The card is 4111-1111-1111-1111.", "The card is ***."),
        ("Five five five one two three four.", "***."),
        ("Could you do it, Tom?", "Could you do it, ***?"),
        ("There are 12 eggs and 3 lemons.", "There are 12 eggs and 3 lemons."),
    ],
)
def test_only_what_identifies_is_taken_out(text: str, shown: str) -> None:
    assert REDACTOR.redact(text, final=True) == shown


def test_text_that_is_not_final_shows_no_number_that_may_become_one() -> None:
    assert REDACTOR.redact("My number is 555 1", final=False) == "My number is ***"


@given(st.text(max_size=200))
def test_any_text_can_be_redacted(text: str) -> None:
    assert isinstance(REDACTOR.redact(text, final=True), str)
    assert not any(digit in REDACTOR.redact(text, final=False) for digit in "0123456789")
