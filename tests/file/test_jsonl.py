from __future__ import annotations

import errno
import io
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.errors import EarmarkError
from earmark.events import AnyEvent, Topic, Utterance, decode, encode
from earmark_file.jsonl import append, open_jsonl
from earmark_file.settings import JsonlSettings
from tests.file.rooms import Script, a_room

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def utterances(count: int) -> list[AnyEvent]:
    return [Utterance(id=f"u{number}", at=AT, text=f"Line {number}.", start=0, end=1) for number in range(count)]


async def write(settings: JsonlSettings, folder: Path, *events: AnyEvent) -> Script:
    script = Script(*events)
    async with open_jsonl(settings, a_room(folder)) as sink:
        await sink.run(script)
    return script


async def test_every_event_is_a_line_that_decodes_to_itself(tmp_path: Path) -> None:
    events = utterances(450)
    script = await write(JsonlSettings(path=tmp_path / "out.jsonl"), tmp_path, *events)
    assert [decode(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()] == events
    assert script.acknowledged == 450


async def test_a_second_run_appends(tmp_path: Path) -> None:
    settings = JsonlSettings(path=tmp_path / "out.jsonl")
    await write(settings, tmp_path, *utterances(2))
    await write(settings, tmp_path, *utterances(1))
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 3


async def test_only_the_kinds_that_are_asked_for_are_written(tmp_path: Path) -> None:
    settings = JsonlSettings(path=tmp_path / "out.jsonl", kinds=("topic",))
    topic = Topic(id="t", at=AT, text="plumbing", score=0.5)
    script = await write(settings, tmp_path, *utterances(2), topic)
    assert [decode(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()] == [topic]
    assert script.acknowledged == 3


async def test_only_the_owner_may_read_what_was_said(tmp_path: Path) -> None:
    await write(JsonlSettings(path=tmp_path / "out.jsonl"), tmp_path, *utterances(1))
    assert (tmp_path / "out.jsonl").stat().st_mode & 0o777 == 0o600


@given(st.integers(1, 400))
def test_half_a_line_that_a_crash_left_is_cut_off(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "out.jsonl"
    lines = [encode(event) + b"\n" for event in utterances(5)]
    path.write_bytes(b"".join(lines)[:-cut])
    append(path, lines[0])
    assert [decode(line) for line in path.read_bytes().splitlines()][-1] == utterances(1)[0]


def test_a_whole_last_line_without_its_line_feed_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b'{"a":1}')
    append(path, b'{"b":2}\n')
    assert path.read_bytes() == b'{"a":1}\n{"b":2}\n'


def test_somebody_elses_text_is_never_cut(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"Buy milk")
    append(path, b'{"b":2}\n')
    assert path.read_bytes() == b'Buy milk\n{"b":2}\n'


async def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    async with open_jsonl(JsonlSettings(path=path), a_room(tmp_path)) as sink:
        await sink.run(Script(*utterances(1)))
        path.rename(tmp_path / "out.jsonl.1")
        await sink.run(Script(*utterances(1)))
    assert path.read_bytes() == (tmp_path / "out.jsonl.1").read_bytes()


async def test_a_path_that_cannot_be_written_is_told_before_anything_else(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "out.jsonl"):
        with pytest.raises(EarmarkError, match=r"cannot be written .*name another file"):
            await write(JsonlSettings(path=path), tmp_path)


async def test_a_full_disk_is_told_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    script = Script(*utterances(3))
    with pytest.raises(EarmarkError, match="cannot be written"):
        async with open_jsonl(JsonlSettings(path=Path("/dev/full")), a_room(tmp_path)) as sink:
            await sink.run(script)
    assert script.acknowledged == 0


async def test_a_dash_is_the_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await write(JsonlSettings(path=Path("-")), tmp_path, *utterances(2))
    assert [decode(line) for line in capsys.readouterr().out.splitlines()] == utterances(2)


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


async def test_an_output_that_nobody_reads_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Closed())
    script = Script(*utterances(2))
    with pytest.raises(BrokenPipeError):
        async with open_jsonl(JsonlSettings(path=Path("-")), a_room(tmp_path)) as sink:
            await sink.run(script)
    assert script.acknowledged == 0


def test_the_target_is_the_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert JsonlSettings(path=Path("out.jsonl")).target == str(tmp_path / "out.jsonl")
    assert JsonlSettings(path=Path("-")).target == "-"
