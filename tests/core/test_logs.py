"""The log: readable for people, journald and programs, and without secrets."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark import Secret
from earmark.logs import HIDDEN, begin, end, redact

SECRET = Secret("hunter2/&ü")


@contextmanager
def logging_to(
    stream: io.TextIOBase | io.StringIO, form: str = "text", level: str = "info", **environ: str
) -> Iterator[None]:
    before = logging.getLogger().level
    handler = begin(level=level, form=form, secrets=lambda: {SECRET}, stream=stream, environ=environ)  # type: ignore[arg-type]
    try:
        yield
    finally:
        end(handler)
        logging.getLogger().setLevel(before)


def failing() -> None:
    raise RuntimeError(f"wrong password {SECRET.reveal()}")


def test_a_line_for_people_says_when_and_what_and_names_the_level_where_it_matters() -> None:
    stream = io.StringIO()
    with logging_to(stream):
        logging.getLogger("earmark.source").info("heard %s", "a word")
        logging.getLogger("earmark_mqtt").warning("lost the broker")
    first, second = stream.getvalue().splitlines()
    assert first.endswith(" heard a word") and first[:8].count(":") == 2
    assert second.endswith(" warning: lost the broker")


def test_json_on_request_is_one_object_a_line() -> None:
    stream = io.StringIO()
    with logging_to(stream, form="json"):
        try:
            failing()
        except RuntimeError:
            logging.getLogger("earmark").exception("two\nlines")
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert (found["level"], found["logger"], found["message"]) == ("error", "earmark", "two\nlines")
    assert "RuntimeError" in found["exception"]
    assert found["at"].endswith("+00:00")


def test_journald_gets_priorities_and_no_time_on_every_line(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as stream:
        found = os.fstat(stream.fileno())
        with logging_to(stream, JOURNAL_STREAM=f"{found.st_dev}:{found.st_ino}"):
            logging.getLogger("earmark").info("one")
            logging.getLogger("earmark").warning("two\nthree")
            logging.getLogger("earmark").error("")
        stream.seek(0)
        assert stream.read().splitlines() == [
            "<6>earmark: one",
            "<4>earmark: two",
            "<4>earmark: three",
            "<3>earmark: ",
        ]


def test_a_terminal_that_a_service_started_is_not_taken_for_journald(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as stream:
        with logging_to(stream, JOURNAL_STREAM="9:99999999"):
            logging.getLogger("earmark").info("one")
        stream.seek(0)
        assert not stream.read().startswith("<")


def test_other_libraries_are_heard_only_when_it_is_serious() -> None:
    stream = io.StringIO()
    with logging_to(stream, level="debug"):
        logging.getLogger("asyncio").debug("using selector")
        logging.getLogger("asyncio").warning("slow callback")
        logging.getLogger("earmark").debug("detail")
    assert [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()] == ["warning: slow callback", "detail"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_known_secret_gets_into_the_log_not_even_in_a_traceback(form: str) -> None:
    stream = io.StringIO()
    with logging_to(stream, form=form):
        logging.getLogger("earmark").info("it is %s, or %s", SECRET.reveal(), "https://x/?p=hunter2%2F%26%C3%BC")
        try:
            failing()
        except RuntimeError:
            logging.getLogger("earmark").exception("failed")
    assert "hunter2" not in stream.getvalue()
    assert HIDDEN in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "wss://x/v1/streaming/1?access_token=TOKEN&a=b",
        "{'X-API-KEY': 'TOKEN'}",
        "X-API-KEY: TOKEN",
        "Authorization: Bearer TOKENTOKEN",
        '{"access_token": "TOKEN"}',
        "the token eyJhbGciOi.eyJzdWIiOi.TOKEN expired",
    ],
)
def test_what_looks_like_a_token_is_hidden_though_nobody_told_of_it(text: str) -> None:
    assert "TOKEN" not in redact(text, ())


def test_nothing_else_is_hidden() -> None:
    text = "GET /v1/conversations?limit=3: 401, the bearer of news"
    assert redact(text, {Secret("")}) == text


@given(st.text(min_size=1).filter(lambda text: HIDDEN[0] not in text), st.text(), st.text())
def test_a_secret_is_hidden_whatever_stands_around_it(secret: str, before: str, after: str) -> None:
    assert secret not in redact(before + secret + after, {Secret(secret)})


def test_the_log_goes_to_stderr_in_the_end() -> None:
    handler = begin(level="info", form="text", secrets=set, stream=sys.stderr, environ={})
    end(handler)
    assert handler not in logging.getLogger().handlers
