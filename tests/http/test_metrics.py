"""Health and numbers: red when deaf, not when slow, and every stage counted."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from earmark.events import InsightKind, StageStatus, State, Status
from earmark.hookspecs import Verdict
from earmark.pulse import Facts, trouble
from earmark.room import StageReport
from earmark_http.check import HttpCheck
from earmark_http.health import health
from earmark_http.metrics import Journaled, metrics, process_figures
from earmark_http.settings import HttpSettings
from tests.core.talk import marked, said, until
from tests.http.house import House, house

SAMPLE = re.compile(
    r'([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.e+-]+|NaN|[+-]Inf)'
)
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"')
NOW = datetime(2026, 3, 14, tzinfo=UTC)


def parsed(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples of a page; fails on whatever Prometheus would not read."""
    types: dict[str, str] = {}
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    family = ""
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, form = line.split(" ")
            assert family not in types, f"{family} is spread over the page"
            assert form in ("counter", "gauge")
            assert (form == "counter") is family.endswith("_total")
            types[family] = form
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert match[1] == family
            key = match[1], frozenset(LABEL.findall(match[2] or ""))
            assert key not in found, f"{line} is told twice"
            found[key] = float(match[3])
    return found


def status(**values: Any) -> Status:
    return Status(at=NOW, room="kitchen", **({"state": State.LISTENING} | values))


def page(told: Status) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return parsed(metrics(told, Journaled(7, {"utterance": 5}, {"question": 1}), process_figures()))


def sample(found: dict[Any, float], name: str, **labels: str) -> float:
    return found[name, frozenset({"room": "kitchen", **labels}.items())]


def test_every_figure_of_the_room_is_told() -> None:
    figures = {"backlog_seconds": 1.25, "heard_seconds": 60.0, "lost_seconds": 2.0, "gaps": 3, "reconnects": 4}
    found = page(status(**figures, muted=True, not_sent_seconds=5.0, attempt=6, problems=("a", "b"), ill="no sound"))
    for name, value in figures.items():
        suffix = "" if name == "backlog_seconds" else "_total"
        assert sample(found, f"earmark_{name}{suffix}") == value
    assert sample(found, "earmark_not_sent_seconds_total") == 5
    assert sample(found, "earmark_attempt") == 6
    assert sample(found, "earmark_problems") == 2
    assert sample(found, "earmark_deaf") == 1
    assert sample(found, "earmark_muted") == 1
    assert sample(found, "earmark_state", state="listening") == 1
    assert sample(found, "earmark_state", state="muted") == 0
    assert sample(found, "earmark_journal_events_total") == 7
    assert sample(found, "earmark_events_total", kind="utterance") == 5
    assert sample(found, "earmark_marks_total", kind="question") == 1


def test_no_figure_of_the_status_is_forgotten() -> None:
    page = metrics(status(), Journaled(0, {}, {}), {})
    for field in msgspec.structs.fields(Status):
        if field.type in (int, float):
            assert f"earmark_{field.name}" in page


def test_every_stage_is_told_with_what_it_counts() -> None:
    mic = StageStatus(kind="source", name="mic", state="running", failures=2, counters={"frames": 9, "overruns": 1})
    engine = StageStatus(kind="transport", name="engine", state="running", counters={"real_time_factor": 0.25})
    mqtt = StageStatus(kind="sink", name="mqtt", state="open", lag=3, delivered=8, refused=1, failures=5)
    found = page(status(stages=(mic, engine, mqtt)))
    assert sample(found, "earmark_stage_frames_total", kind="source", stage="mic") == 9
    assert sample(found, "earmark_stage_overruns_total", kind="source", stage="mic") == 1
    assert sample(found, "earmark_stage_failures_total", kind="source", stage="mic") == 2
    assert sample(found, "earmark_stage_real_time_factor", kind="transport", stage="engine") == 0.25
    sink = {"kind": "sink", "stage": "mqtt"}
    assert sample(found, "earmark_stage_lag", **sink) == 3
    assert sample(found, "earmark_stage_delivered_total", **sink) == 8
    assert sample(found, "earmark_stage_refused_total", **sink) == 1
    assert sample(found, "earmark_stage_state", state="open", **sink) == 1
    assert sample(found, "earmark_stage_state", state="running", **sink) == 0


def test_names_that_anybody_gives_do_not_break_the_page() -> None:
    odd = StageStatus(kind="sink", name='a"b\\c\nd', state="odd", counters={"häh / x": 1, "failures": 2, "state": 3})
    found = page(Status(at=NOW, room='"\n', state=State.IDLE, stages=(odd,)))
    assert any(name == "earmark_stage_h_h___x_total" for name, _ in found)


async def test_a_running_room_is_told(home: House) -> None:
    await home.record([said("u1"), marked("m1", "Who?", kind=InsightKind.QUESTION)])
    await until(lambda: home.listener.status().heard_seconds > 0.2)
    found: dict[Any, float] = {}
    while not any(name == "earmark_marks_total" for name, _ in found):
        code, text = await home.get("/metrics")
        found = parsed(text)
        assert code == 200
    assert sample(found, "earmark_marks_total", kind="question") == 1
    assert sample(found, "earmark_stage_frames_total", kind="source", stage="silence") > 3
    assert sample(found, "earmark_stage_state", kind="service", stage="http", state="running") == 1
    assert found["process_resident_memory_bytes", frozenset()] > 1e6
    assert found["process_open_fds", frozenset()] > 3


# -- health -----------------------------------------------------------------------------------------------------------

REPORT = StageReport(kind="source", name="mic", state="running")
WELL: dict[str, Any] = {
    "now": 1000.0,
    "heard_at": 999.9,
    "muted": False,
    "live": True,
    "source": REPORT,
    "held_since": None,
    "journal_problem": None,
    "unsaid_seconds": 0.0,
}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [({"heard_at": 900.0}, "source"), ({"held_since": 900.0}, "journal"), ({"unsaid_seconds": 900.0}, "line")],
)
def test_each_way_to_be_deaf_is_red_and_has_its_reason(facts: dict[str, Any], reason: str) -> None:
    ill = trouble(Facts(**WELL | facts))
    assert ill
    found = health(status(ill=ill))
    assert (found.status, found.reason) == ("deaf", reason)


def test_an_illness_that_nobody_thought_of_is_red_too() -> None:
    found = health(status(ill="the moon is full"))
    assert (found.status, found.reason) == ("deaf", "other")


@pytest.mark.parametrize("state", list(State))
def test_slow_muted_or_reconnecting_is_not_deaf(state: State) -> None:
    slow = status(state=state, backlog_seconds=500.0, lost_seconds=60.0, problems=("the broker is away",), attempt=9)
    assert health(slow).status == "ok"


async def test_a_source_that_falls_silent_turns_it_red_and_muted_green(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        assert home.listener.ears is not None
        await until(lambda: home.listener.status().heard_seconds > 0)
        home.silence.hold.set()
        home.clock.leapt += 60
        await until(lambda: home.listener.status().ill)
        assert await home.get("/healthz", headers={}) == (503, {"status": "deaf", "reason": "source"})
        await home.post("/v1/mute")
        assert (await home.get("/healthz", headers={}))[0] == 200


# -- doctor -----------------------------------------------------------------------------------------------------------


async def test_the_doctor_asks_the_running_api(home: House, tmp_path: Path) -> None:
    check = HttpCheck(HttpSettings(port=home.port), tmp_path / "token")
    (found,) = await check.diagnose()
    assert (found.verdict, "the room is well" in found.message) == (Verdict.OK, True)


async def test_the_doctor_tells_a_port_that_is_somebody_elses(tmp_path: Path) -> None:
    async def somebody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n")
        writer.close()

    async with await asyncio.start_server(somebody, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        (found,) = await HttpCheck(HttpSettings(port=port), tmp_path / "token").diagnose()
    assert found.verdict is Verdict.FAILED
    assert "Another program" in found.advice
    (gone,) = await HttpCheck(HttpSettings(port=port), tmp_path / "token").diagnose()
    assert (gone.verdict, "no listener runs" in gone.message) == (Verdict.OK, True)


async def test_the_doctor_warns_of_an_open_line_and_a_bad_certificate(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    found = await HttpCheck(HttpSettings(host="0.0.0.0", port=1), tmp_path / "token").diagnose()
    assert [one.verdict for one in found] == [Verdict.WARNING, Verdict.OK, Verdict.OK]
    assert str(tmp_path / "token") in found[1].message
    (bad,) = await HttpCheck(HttpSettings(certificate_file=tmp_path / "none"), tmp_path).diagnose()
    assert bad.verdict is Verdict.FAILED
