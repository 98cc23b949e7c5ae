from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from earmark.pulse import Facts, trouble
from earmark.room import StageReport
from earmark.service_unit import Unit
from earmark.systemd import Notifier


def facts() -> Facts:
    source = StageReport(kind="source", name="mic", state="running")
    return Facts(
        now=1000,
        heard_at=999,
        muted=False,
        live=True,
        source=source,
        held_since=None,
        journal_problem=None,
        unsaid_seconds=0,
    )


def test_a_quiet_kitchen_is_well() -> None:
    assert trouble(facts()) is None


def test_a_source_that_falls_silent_without_a_word_is_not() -> None:
    assert "no sound" in (trouble(replace(facts(), heard_at=980)) or "")


@pytest.mark.parametrize("state", ["starting", "retrying"])
def test_a_source_that_is_being_opened_again_is_well(state: str) -> None:
    reopened = StageReport(kind="source", name="mic", state=state)
    assert trouble(replace(facts(), heard_at=900, source=reopened)) is None


def test_a_room_that_its_owner_muted_is_well() -> None:
    assert trouble(replace(facts(), heard_at=0, muted=True)) is None


def test_a_wait_counts_only_until_its_end() -> None:
    waiting = StageReport(kind="source", name="wyoming", state="running")
    waiting.waiting("the satellite", 1005)
    assert trouble(replace(facts(), heard_at=900, source=waiting)) is None
    assert trouble(replace(facts(), now=1006, heard_at=900, source=waiting)) is not None


def test_a_journal_that_takes_nothing_and_says_nothing_is_stuck_but_a_full_disk_is_told_of() -> None:
    assert "journal" in (trouble(replace(facts(), held_since=980)) or "")
    assert trouble(replace(facts(), held_since=980, journal_problem="the disk is full")) is None


def test_an_open_line_that_takes_no_sound_is_stuck() -> None:
    assert trouble(replace(facts(), unsaid_seconds=30)) is None
    assert "line" in (trouble(replace(facts(), unsaid_seconds=60)) or "")


def test_systemd_is_told_over_its_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000000"})
        notifier.tell(READY="1", STATUS="listening")
        assert systemd.recv(1000) == b"READY=1\nSTATUS=listening"
    assert notifier.watchdog_seconds == 60
    notifier.tell(WATCHDOG="1")


def test_a_watchdog_meant_for_another_process_is_left_alone() -> None:
    assert Notifier({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid() + 1)}).watchdog_seconds is None


def unit(**changes: object) -> Unit:
    made = Unit(program=Path("/bin/true"), config=None, room="kitchen", system=True, user="root")
    return replace(made, **changes)  # type: ignore[arg-type] # the tests name real fields


def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "earmark-kitchen.service"
    path.write_text(unit().text())
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False, timeout=30
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_users_unit_keeps_to_the_folders_that_the_users_commands_look_in() -> None:
    text = unit(system=False).text()
    assert "StateDirectory" not in text
    assert "User=" not in text
    assert "WatchdogSec=" in text


def test_odd_paths_and_credentials_are_written_as_systemd_reads_them() -> None:
    text = unit(config=Path("/etc/my rooms/100%.toml"), credentials=[("mqtt.password", Path("/etc/secret"))]).text()
    assert 'ExecStart=/bin/true listen --config "/etc/my rooms/100%%.toml" --room kitchen' in text
    assert "LoadCredential=mqtt.password:/etc/secret" in text
