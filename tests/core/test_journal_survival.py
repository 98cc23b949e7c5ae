"""The journal: what survives a killed process, a damaged file and a full disk."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.clock import SystemClock
from earmark.errors import JournalError
from earmark.journal import Entry, Journal
from earmark.journal_schema import connect
from tests.core.talk import said, sentences

CLOCK = SystemClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kitchen" / "journal.db"


def ids(entries: list[Entry]) -> list[str]:
    return [entry.event.id for entry in entries]


# -- what survives --------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8), st.booleans()), max_size=12))
def test_what_was_acknowledged_is_there_whenever_the_process_dies(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[int, int, bool]]
) -> None:
    asyncio.run(_append_and_die(tmp_path_factory.mktemp("journal") / "journal.db", batches))


async def _append_and_die(path: Path, batches: list[tuple[int, int, bool]]) -> None:
    """Append what overlaps with what is there; now and then go on with the files as they lie at that moment."""
    expected: list[str] = []
    number = 0
    for first, length, dies in batches:
        number += 1
        async with Journal.open(path, clock=CLOCK) as journal:
            assert ids(await journal.read(0)) == expected
            events = sentences(first, first + length)
            new = [event.id for event in events if event.id not in expected]
            assert ids(await journal.append(events, state={"number": bytes([number])})) == new
            expected += new
            if dies:
                remains = path.parent / f"remains-{number}"
                remains.mkdir()
                for file in path.parent.glob("journal.db*"):
                    shutil.copy(file, remains / file.name)
                path = remains / "journal.db"
    if batches:
        async with Journal.open(path, clock=CLOCK) as journal:
            assert ids(await journal.read(0)) == expected
            assert await journal.state("number") == bytes([number])


_WRITER = """
import asyncio, itertools, sys
from pathlib import Path
from earmark.clock import SystemClock
from earmark.journal import Journal
from tests.core.talk import sentences

async def main():
    async with Journal.open(Path(sys.argv[1]), clock=SystemClock()) as journal:
        at = journal.last
        while True:
            await journal.append(sentences(at, at + 3), state={"at": str(at + 3).encode()})
            at += 3
            print(at, flush=True)

asyncio.run(main())
"""


def _write_until_killed(path: Path, lines: int) -> int:
    """Kill a writer after it has said so many times what it has stored, and give the last that it said."""
    arguments = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    # The very last line may have been cut.
    return int([line for line in said if line.endswith("\n")][-1])


async def test_a_killed_process_loses_nothing_that_it_had_acknowledged(path: Path) -> None:
    draw = random.Random(20)
    for _ in range(10):
        acknowledged = await asyncio.to_thread(_write_until_killed, path, draw.randint(1, 60))
        async with Journal.open(path, clock=CLOCK) as journal:
            assert journal.last >= acknowledged
            entries = await journal.read(0, most=10_000)
            assert ids(entries) == [f"u{number}" for number in range(journal.last)]
            assert await journal.state("at") == str(journal.last).encode()


# -- bad files and full disks ---------------------------------------------------------------------------------------


@pytest.fixture
def no_journal(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all" * 1000)
    return path


def overwrite(path: Path) -> None:
    """What a dying disk does to everything but the first page."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


async def test_a_file_that_is_no_journal_is_set_aside_and_a_new_one_begun(no_journal: Path) -> None:
    path = no_journal
    async with Journal.open(path, clock=CLOCK) as journal:
        assert ids(await journal.append([said("u1")])) == ["u1"]
        (notice,) = journal.notices
    (aside,) = path.parent.glob("journal.db.broken-*")
    assert aside.read_bytes().startswith(b"no database")
    assert str(aside) in notice


async def test_a_journal_that_breaks_while_it_is_used_is_set_aside_and_the_room_goes_on(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append(sentences(0, 300))
        await journal.move_cursor("mqtt", "", 300)
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.cursor("mqtt", "")
        overwrite(path)
        (entry,) = await journal.append([said("after")])
        assert entry.seq == 301, "cursors must not stand behind what comes next"
        assert len(journal.notices) == 1
        assert await journal.read(300) == [entry]
        assert await journal.cursor("mqtt", "") == 300
    async with Journal.open(path, clock=CLOCK) as journal:
        assert await journal.cursor("mqtt", "") == 300
        assert journal.last == 301


async def test_a_journal_of_a_newer_earmark_is_left_alone(path: Path) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append([said("u1")])
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
        with pytest.raises(JournalError, match="newer Earmark"):
            async with Journal.open(path, clock=CLOCK):
                pass
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)
    connection.close()


async def test_a_file_that_was_only_just_made_is_nothing_to_read_yet(path: Path) -> None:
    connect(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 0")
    connection.close()
    with pytest.raises(JournalError, match="brings it up to date"):
        async with Journal.open(path, clock=CLOCK, read_only=True):
            pass


async def test_an_event_of_a_newer_earmark_is_passed_over(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Journal.open(path, clock=CLOCK) as journal:
        await journal.append(sentences(0, 4))
    with sqlite3.connect(path) as connection:
        connection.execute("""UPDATE events SET body = '{"type": "smell"}' WHERE seq IN (1, 2)""")
    connection.close()
    async with Journal.open(path, clock=CLOCK) as journal:
        assert ids(await journal.read(0, most=1)) == ["u2"]
        assert "cannot be read" in caplog.text


_FULL = """
import asyncio, resource, sys
from pathlib import Path
from earmark.bus import Bus
from earmark.clock import SystemClock
from earmark.errors import JournalError
from earmark.journal import Journal
from earmark.recorder import Recorder
from tests.core.talk import sentences

async def main():
    async with Journal.open(Path(sys.argv[1]), clock=SystemClock()) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        stored = 0
        try:
            while True:
                await journal.append(sentences(stored, stored + 50))
                stored += 50
        except JournalError as error:
            print(error)
        assert len(await journal.read(0, most=100_000)) == stored > 0
        recorder = Recorder(journal, Bus(), SystemClock())
        recording = asyncio.create_task(recorder.record(sentences(stored, stored + 50)))
        while recorder.problem is None:
            await asyncio.sleep(0.01)
        assert not recording.done()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert len(await recording) == 50
        assert recorder.problem is None
        events = await journal.read(0, most=100_000)
        assert [entry.event.id for entry in events] == [f"u{number}" for number in range(stored + 50)]

asyncio.run(main())
"""


def test_when_the_disk_takes_no_more_it_says_so_and_goes_on_where_it_was_when_it_does(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _FULL, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert str(path) in done.stdout
    assert "free" in done.stdout


async def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="check that the folder exists"):
        async with Journal.open(tmp_path / "file" / "journal.db", clock=CLOCK):
            pass
