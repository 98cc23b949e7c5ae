"""The contract, and what is hidden."""

from __future__ import annotations

import earmark_redact.plugin
import pytest
from earmark_redact.plugin import Redactor, RedactSettings

from earmark.testing import EnricherConformance, Subject


class TestRedact(EnricherConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject(plugin=earmark_redact.plugin, offer="redact", settings={"names": ["Ada"]})


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Call 020 7946 0018 now", "Call [phone] now"),
        ("Call +44 (0)20 7946 0018.", "Call [phone]."),
        ("Write to ada.l@example.org, please", "Write to [email], please"),
        ("It is 4111 1111 1111 1111", "It is [card]"),
        ("Ask ADA, not Adam", "Ask [name], not Adam"),
        ("In 2026 we were 12 people", "In 2026 we were 12 people"),
    ],
)
def test_what_should_not_be_stored_is_hidden(said: str, kept: str) -> None:
    assert Redactor(RedactSettings(names=("Ada",))).hidden(said) == kept
