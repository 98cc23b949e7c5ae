"""Whatever a user can cause ends in one sentence, an exit code, and no traceback."""

from __future__ import annotations

import resource
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.listen.conftest import Home

FILE = "--source"


def told(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    said = done.stderr + done.stdout
    assert done.returncode == code, said
    assert "Traceback" not in said
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("missing.wav", lambda path: None, "no file"),
        ("folder.wav", lambda path: path.mkdir(), "folder"),
        ("empty.wav", lambda path: path.write_bytes(b""), "empty"),
        ("text.wav", lambda path: path.write_text("not sound"), "not a recording"),
    ],
)
def test_a_recording_that_is_none_is_named(quiet: Home, name: str, make: Callable[[Path], object], words: str) -> None:
    make(quiet.path / name)
    told(quiet.earmark("listen", FILE, f"file:{name}"), 1, name, words)


def test_a_recording_without_a_single_sample_is_named(quiet: Home) -> None:
    soundfile.write(quiet.path / "silent.wav", [], 16000)
    told(quiet.earmark("listen", FILE, "file:silent.wav"), 1, "silent.wav")


def test_a_host_that_is_not_there_is_named_with_its_port(quiet: Home) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    done = quiet.earmark(
        "listen", FILE, f"file:{quiet.recording}", "--transport", f"symbl:http://127.0.0.1:{port}", "--set",
        "symbl.token=t", "--fast", timeout=90,
    )  # fmt: skip
    told(done, 1, f"127.0.0.1:{port}")


def test_a_service_without_a_url_says_that_the_old_one_is_gone(quiet: Home) -> None:
    done = quiet.earmark("listen", FILE, f"file:{quiet.recording}", "--transport", "symbl")
    told(done, 2, "api.symbl.ai is gone", "engine")


def test_a_refused_token_ends_with_exit_code_three(quiet: Home) -> None:
    secret = quiet.path / "secret"
    secret.write_text("s" * 40)
    with quiet.running("serve", "--port", "0", "--app", f"me:{secret}", "--ephemeral") as engine:
        assert engine.stdout is not None
        address = next(word for line in engine.stdout for word in line.split() if word.startswith("http://127"))
        done = quiet.earmark(
            "listen", FILE, f"file:{quiet.recording}", "--transport", f"symbl:{address}",
            "--set", "symbl.app_id=me", "--set", "symbl.app_secret=wrong", "--fast",
        )  # fmt: skip
    told(done, 3, "does not accept")
    assert "wrong" not in done.stderr + done.stdout


def test_a_port_that_is_taken_is_named(quiet: Home) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        told(quiet.earmark("serve", "--port", str(port)), 1, str(port))


def test_a_language_that_the_recogniser_lacks_is_refused_by_name_before_listening(quiet: Home) -> None:
    done = quiet.earmark("listen", FILE, f"file:{quiet.recording}", "--set", "engine.language_code=de-DE", "--fast")
    told(done, 3, "de-DE", "knows: en")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("room = ", ["earmark.toml", "TOML"]),
        ('sink = ["console"]', ["sink", "sinks"]),
        ("[engin]\nx = 1", ["engin", "engine"]),
        ('[file]\npath = "a"\nfst = true', ["fst", "fast"]),
        ('rate = "fast"', ["rate"]),
    ],
)
def test_a_broken_configuration_is_told_with_file_table_and_key(home: Home, text: str, words: list[str]) -> None:
    (home.path / "earmark.toml").write_text(text)
    told(home.earmark("listen", FILE, f"file:{home.recording}"), 2, "earmark.toml", *words)


def test_a_state_folder_that_cannot_be_made_is_named(quiet: Home) -> None:
    (quiet.path / "file").write_text("")
    done = quiet.earmark("listen", FILE, f"file:{quiet.recording}", "--set", "state_folder=file/state")
    told(done, 1, "file/state")


def test_a_second_listener_for_a_room_says_so_and_stops(quiet: Home) -> None:
    with quiet.running("listen", FILE, f"file:{quiet.recording}") as first:
        waited = quiet.path / ".local/state/earmark/room/journal.db"
        while not waited.exists() and first.poll() is None:
            pass
        done = quiet.earmark("listen", FILE, f"file:{quiet.recording}")
    told(done, 4, "already listened to", str(first.pid))


def test_on_a_full_disk_nothing_is_told_to_sinks_and_the_reason_is_shown(home: Home) -> None:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    process = subprocess.Popen(
        home.command("listen", FILE, f"file:{home.recording}", "--sink", "console", "--fast"),
        cwd=home.path, env=home.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=small,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "journal" in line:
                break
        assert "journal" in said
        assert "Traceback" not in said
        assert "Good morning" not in said
    finally:
        process.kill()
        process.communicate(timeout=10)
