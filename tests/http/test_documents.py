"""What the document of the local API says is what there is."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import msgspec

import earmark_http
from earmark.events import StageStatus, State, Status
from earmark_http.health import health
from earmark_http.metrics import Journaled, metrics, process_figures
from earmark_http.openapi import openapi
from earmark_http.settings import HttpSettings
from earmark_http.watching import CUT_LOOSE

TEXT = (Path(earmark_http.__file__).parent / "API.md").read_text()
NOW = datetime(2026, 3, 14, tzinfo=UTC)


def test_every_address_is_in_it_and_no_other() -> None:
    described = {(method.upper(), path) for path, item in openapi(version="1")["paths"].items() for method in item}
    assert set(re.findall(r"^\| `(GET|POST)` \| `([^`]+)` \|", TEXT, re.MULTILINE)) == described


def test_every_parameter_is_in_it() -> None:
    for path, item in openapi(version="1")["paths"].items():
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                name = parameter["name"]
                assert re.search(rf"[`?{{]{name}[`=}}]", TEXT), (path, name)


def test_every_number_is_in_it_and_no_other() -> None:
    counted = {"recognition_real_time_factor": 0.5}
    stages = (
        StageStatus(kind="sink", name="mqtt", state="running"),
        StageStatus(kind="transport", name="engine", state="running", counters=counted),
    )
    page = metrics(
        Status(at=NOW, room="kitchen", state=State.IDLE, stages=stages),
        Journaled(1, {"gap": 1}, {"question": 1}),
        process_figures(),
    )
    told = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))
    table = TEXT[TEXT.index("| metric |") : TEXT.index("An alarm")]
    assert set(re.findall(r"`((?:earmark|process)_[a-z_]+)`", table)) == told


def test_the_settings_that_it_names_are_there() -> None:
    for setting in (field.name for field in msgspec.structs.fields(HttpSettings)):
        assert setting in TEXT, setting
    example = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)[0]
    told = tomllib.loads(re.sub(r"^# ", "", example, flags=re.MULTILINE))
    assert told["services"] == ["http"]
    assert set(told["http"]) == {"host", "token_file"}


def test_its_codes_and_reasons_are_the_real_ones() -> None:
    assert f"| {CUT_LOOSE} | too slow" in TEXT
    for words in ("source", "journal", "line", "other"):
        found = health(Status(at=NOW, state=State.IDLE, ill=f"the {words} is ill"))
        assert found.reason == words
        assert f"`{words}`" in TEXT
