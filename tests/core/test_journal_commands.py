"""`earmark history`, `search`, `export` and `forget`, as a person or a script uses them."""

from __future__ import annotations

import asyncio
import io
import json
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from earmark import Controls
from earmark.bus import Bus
from earmark.cli.forget import delete
from earmark.cli.main import main
from earmark.clock import SystemClock
from earmark.core_settings import Settings
from earmark.door import Doorkeeper
from earmark.events import Change, Durable, InsightKind, decode
from earmark.journal import Journal, Selection
from earmark.lock import hold
from earmark.paths import RoomFolders
from tests.core.talk import BEN, about, at, began, changed, ended, marked, missing, said

CLOCK = SystemClock()
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RoomFolders:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("EARMARK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("EARMARK_RUNTIME", str(tmp_path / "runtime"))
    return RoomFolders(tmp_path / "state" / "room", tmp_path / "runtime" / "room").make()


@pytest.fixture
def run(folders: RoomFolders, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        return code, *capsys.readouterr()

    return run


def conversation(name: str, *, start: float) -> list[Durable]:
    one = said(f"{name}-u1", "Who feeds the cat?", start=start, conversation=name)
    two = said(f"{name}-u2", "I'll feed it on Monday.", start=start + 5, conversation=name, by=BEN)
    events: list[Durable] = [
        began(name, start=start),
        one,
        two,
        marked(f"{name}-q", "Who feeds the cat?", kind=InsightKind.QUESTION, of=one),
        marked(f"{name}-m", "Feed the cat", of=two, assignee=BEN, due=at(86400 * 2), due_has_time=False),
        changed(f"{name}-q", Change.ANSWERED),
        about(f"cats of {name}", one),
        missing(start + 9, 2),
        ended(name, start=start + 60),
    ]
    return [replace(event, conversation=name) for event in events]


@pytest.fixture
def heard(folders: RoomFolders) -> list[Durable]:
    """Two conversations, `aaa1` and `aab2`."""
    events = [*conversation("aaa1", start=0), *conversation("aab2", start=86400)]

    async def fill() -> None:
        async with Journal.open(folders.journal, clock=CLOCK) as journal:
            await journal.append(events)

    asyncio.run(fill())
    return events


# -- history --------------------------------------------------------------------------------------------------------


def test_history_lists_conversations_newest_first(run: Run, heard: object) -> None:
    code, out, _ = run("history")
    assert code == 0
    heading, *rows = [line.split() for line in out.splitlines()]
    assert heading == ["CONVERSATION", "WHEN", "LENGTH", "SAID", "MARKS"]
    assert [(row[0], row[-4:]) for row in rows] == [("aab2", ["1", "min", "2", "2"]), ("aaa1", ["1", "min", "2", "2"])]
    assert len(run("history", "-n", "1")[1].splitlines()) == 2


def test_history_of_one_conversation_tells_what_was_said_and_what_came_of_it(run: Run, heard: object) -> None:
    code, out, _ = run("history", "aaa")
    assert code == 0
    assert "• Feed the cat (Ben, by Monday 16 March 2026)" in out
    assert "✓ Who feeds the cat? (answered)" in out
    assert "18:30:05  Ben: I'll feed it on Monday." in out
    assert "2 s of sound lost" in out
    assert run("history", "latest")[1] == run("history", "aab2")[1] != out


def test_history_can_be_read_by_a_program(run: Run, heard: list[Durable]) -> None:
    listed = json.loads(run("history", "--json")[1])
    assert [summary["id"] for summary in listed] == ["aab2", "aaa1"]
    one = json.loads(run("history", "aaa1", "--json")[1])
    assert one["people"] == ["Ann", "Ben"]
    assert [mark["mark"] for mark in one["open_marks"]] == ["aaa1-m"]
    assert [decode(json.dumps(event)) for event in one["events"]] == [e for e in heard if e.conversation == "aaa1"]


@pytest.mark.parametrize(("name", "told"), [("zzz", "earmark history"), ("aa", "type more of it")])
def test_a_name_that_fits_no_conversation_or_several_is_told(run: Run, heard: object, name: str, told: str) -> None:
    code, out, err = run("history", name)
    assert (code, out) == (1, "")
    assert told in err


def test_where_nothing_was_heard_yet_that_is_told_and_scripts_get_an_empty_list(run: Run) -> None:
    for arguments in (["history"], ["search", "cat"]):
        code, out, err = run(*arguments, "--json")
        assert (code, json.loads(out)) == (0, [])
        assert "Nothing has been heard" in err
    assert run("export")[0] == 1
    assert run("forget", "--all", "--yes")[0] == 1


# -- search ---------------------------------------------------------------------------------------------------------


def test_search_shows_where_words_were_said(run: Run, heard: object) -> None:
    code, out, _ = run("search", "feed", "monday")
    assert code == 0
    assert [line.split("  ")[1].strip() for line in out.splitlines()] == ["aab2", "aaa1"]
    assert all(line.endswith("  Ben: I'll feed it on Monday.") for line in out.splitlines())
    assert run("search", "dragon") == (0, "", "Nothing found.\n")


def test_search_can_be_narrowed_and_read_by_a_program(run: Run, heard: object) -> None:
    def ids(*arguments: str) -> list[Any]:
        return [event["id"] for event in json.loads(run("search", "--json", *arguments)[1])]

    assert ids("cat", "--kind", "question") == ["aab2-q-0", "aaa1-q-0"]
    assert ids("cat", "--kind", "utterance", "--until", "2026-03-15") == ["aaa1-u1"]
    assert ids("cat", "--kind", "utterance", "--since", "2026-03-15", "--conversation", "latest") == ["aab2-u1"]
    assert ids("feeds the cat", "-n", "1") == ["aab2-m-0"]
    assert ids("dragon") == []


def test_a_time_that_is_none_is_a_usage_error_with_examples(run: Run, heard: object) -> None:
    code, _, err = run("search", "cat", "--since", "whenever")
    assert code == 2
    assert "'yesterday'" in err


# -- export ---------------------------------------------------------------------------------------------------------


def test_export_writes_the_newest_conversation_as_minutes_unless_told_otherwise(run: Run, heard: object) -> None:
    code, out, _ = run("export")
    assert code == 0
    assert out.startswith("# Conversation of Sunday, 15 March 2026, 18:30\n")
    assert "- [ ] Feed the cat (Ben, by Monday 16 March 2026)" in out
    assert run("export", "aaa1", "--format", "srt")[1].startswith("1\n00:00:00,000 --> 00:00:04,000\nAnn: Who")
    assert run("export", "aaa1", "--format", "vtt")[1].startswith("WEBVTT\n")


def test_json_lines_hold_every_journaled_event_with_its_id(run: Run, heard: list[Durable]) -> None:
    assert [decode(line) for line in run("export", "--all", "--format", "jsonl")[1].splitlines()] == heard


def test_all_minutes_in_one_file_begin_with_the_oldest(run: Run, heard: object, tmp_path: Path) -> None:
    assert run("export", "--all", "-o", str(tmp_path / "minutes.md"))[0] == 0
    text = (tmp_path / "minutes.md").read_text()
    assert text.index("14 March 2026, 18:30") < text.index("\n---\n") < text.index("15 March 2026, 18:30")
    assert stat.S_IMODE((tmp_path / "minutes.md").stat().st_mode) == 0o600


def test_all_subtitles_go_to_a_file_each(run: Run, heard: object, tmp_path: Path) -> None:
    assert run("export", "--all", "--format", "srt")[0] == 2
    assert run("export", "--all", "--format", "srt", "-o", str(tmp_path / "subtitles"))[0] == 0
    assert sorted(path.name for path in (tmp_path / "subtitles").iterdir()) == [
        "2026-03-14-1830-aaa1.srt",
        "2026-03-15-1830-aab2.srt",
    ]


def test_where_an_export_cannot_be_written_it_says_so(run: Run, heard: object, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, err = run("export", "-o", str(tmp_path / "file" / "minutes.md"))
    assert code == 1
    assert "cannot be written" in err


def test_a_conversation_and_all_of_them_cannot_both_be_meant(run: Run, heard: object) -> None:
    assert run("export", "aaa1", "--all")[0] == 2


# -- forget ---------------------------------------------------------------------------------------------------------


def test_forget_must_be_told_what(run: Run, heard: object) -> None:
    assert run("forget")[0] == 2
    assert run("forget", "aaa1", "--all")[0] == 2


def test_forget_asks_first(run: Run, heard: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, _, err = run("forget", "aaa1")
    assert code == 1
    assert "Delete 9 events of 1 conversation for good?" in err
    assert len(json.loads(run("history", "--json")[1])) == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run("forget", "aaa1")[:2] == (0, "Deleted 9 events of 1 conversation.\n")
    assert [summary["id"] for summary in json.loads(run("history", "--json")[1])] == ["aab2"]


def test_forgetting_everything_leaves_nothing_in_the_folder(run: Run, heard: object, folders: RoomFolders) -> None:
    for base in (folders.runtime, folders.state):
        (base / "spool").mkdir()
        (base / "spool" / "1.sound").write_bytes(b"the cat")
    assert run("forget", "--all", "--yes")[0] == 0
    files = [path for base in (folders.state, folders.runtime) for path in base.rglob("*") if path.is_file()]
    assert files
    assert not any(b"cat" in path.read_bytes() for path in files)


def test_forgetting_by_speaker_and_time(run: Run, heard: object) -> None:
    code, out, _ = run("forget", "--speaker", "ben", "--since", "2026-03-15", "--yes", "--json")
    assert (code, json.loads(out)) == (0, {"events": 2, "conversations": 1, "wiped": True})
    assert [event["id"] for event in json.loads(run("search", "monday", "--json")[1])] == ["aaa1-u2"]


def test_sound_that_is_still_spooled_goes_with_the_time_it_is_of(run: Run, heard: object, folders: RoomFolders) -> None:
    spooled = folders.runtime / "spool" / "1.sound"
    spooled.parent.mkdir()
    spooled.touch()
    run("forget", "--until", "2026-03-20", "--yes")
    assert spooled.exists()
    run("forget", "--since", "20 min", "--yes")
    assert not spooled.exists()


# -- while a listener runs ------------------------------------------------------------------------------------------


@pytest.fixture
async def listening(folders: RoomFolders) -> AsyncIterator[list[Selection]]:
    """The door of a room that is listened to; what it was asked to forget."""
    asked: list[Selection] = []
    async with Journal.open(folders.journal, clock=CLOCK) as journal:
        await journal.append(conversation("aaa1", start=0))

        async def forget(selection: Selection) -> Any:
            asked.append(selection)
            return await journal.forget(selection)

        nobody = cast("Controls", None)
        with hold(folders.state, "room"):
            async with Doorkeeper(nobody, journal, Bus().watch, forget).open(folders.runtime):
                yield asked


async def test_a_running_listener_is_asked_to_forget(
    folders: RoomFolders, listening: list[Selection], run: Run
) -> None:
    selection = Selection(since=at(0), speaker="Ben")
    assert (await delete(folders, Settings(), selection)).events == 2
    assert listening == [selection]
    code, out, _ = await asyncio.to_thread(run, "history", "--json")
    assert (code, json.loads(out)[0]["utterances"]) == (0, 1)
    assert (await asyncio.to_thread(run, "forget", "aaa1", "--yes"))[0] == 0
    assert listening[1:] == [Selection(conversation="aaa1")]
