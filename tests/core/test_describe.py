"""Settings in words."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark import Duration, Secret
from earmark.config import Settings
from earmark.describe import field_docs, in_words, settings_of, to_toml
from earmark.host import Host


class Colour(StrEnum):
    RED = "red"


class Base(msgspec.Struct, frozen=True, kw_only=True):
    inherited: int = 1
    """Comes from
    above."""
    replaced: int = 2
    """Old words."""


class Below(msgspec.Struct, frozen=True, kw_only=True):
    deep: bool = False
    """Deep down."""


class Example(Base, frozen=True, kw_only=True, rename={"renamed": "other-name"}):
    replaced: int = 3
    """New words."""
    host: str
    """Where it is."""
    silent: float = 0.5
    renamed: tuple[str, ...] = ("a",)
    """Under another name."""
    password: Secret | None = Secret("hunter2")
    """Nobody knows."""
    wait: Duration = Duration("10 min")
    below: Below = Below()
    """A table."""
    made: list[int] = msgspec.field(default_factory=lambda: [1, 2])


def test_every_setting_is_told_with_type_default_and_the_sentence_after_it() -> None:
    found = {setting.key: setting for setting in settings_of(Example)}
    assert found["inherited"].help == "Comes from above."
    assert (found["replaced"].help, found["replaced"].toml) == ("New words.", "3")
    assert (found["host"].required, found["host"].toml) == (True, None)
    assert found["silent"].help == ""
    assert (found["other-name"].help, found["other-name"].toml) == ("Under another name.", '["a"]')
    assert found["wait"].toml == '"10 min"'
    assert (found["below.deep"].help, found["below.deep"].toml) == ("Deep down.", "false")
    assert found["made"].toml == "[1, 2]"


def test_a_secret_is_told_as_one_and_its_default_is_not() -> None:
    found = {setting.key: setting for setting in settings_of(Example)}
    assert found["password"].secret
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, "whole number"),
        (str | None, "text"),
        (Annotated[int, msgspec.Meta(ge=1, le=9)], "whole number ≥ 1 and ≤ 9"),
        (Annotated[float, msgspec.Meta(gt=0)] | None, "number > 0"),
        (Literal["a", "b"], 'one of "a", "b"'),
        (Colour, 'one of "red"'),
        (int | str, "whole number or text"),
        (list[str], "list of text"),
        (tuple[Colour, ...], 'list of one of "red"'),
        (list[Below], "list of tables with deep"),
        (dict[str, Duration], "table of duration"),
        (dict, "table"),
        (Path | None, "path"),
        (Secret, "secret"),
        (Any, "anything"),
    ],
)
def test_a_type_is_told_as_a_person_would(kind: object, words: str) -> None:
    assert in_words(kind) == words


def test_a_class_without_source_has_no_sentences() -> None:
    assert field_docs(msgspec.defstruct("Made", [("x", int)])) == {}


PLAIN = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.dates()
    | st.datetimes(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
)


@given(PLAIN)
def test_what_is_written_as_toml_is_read_back_the_same(value: Any) -> None:
    assert tomllib.loads(f"x = {to_toml(value)}")["x"] == value


def test_every_setting_of_the_core_and_of_every_bundled_plugin_says_what_it_means() -> None:
    host = Host()
    host.load()
    silent = [setting.key for setting in settings_of(Settings) if not setting.help]
    for offered in host.all_offers():
        silent += [f"{offered.name}.{s.key}" for s in settings_of(offered.offer.settings) if not s.help]
    assert silent == []
