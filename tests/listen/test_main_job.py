from __future__ import annotations

import json
import signal
import subprocess
import time
from importlib.resources import files
from pathlib import Path

from tests.bench.recordings import errors, words
from tests.listen.conftest import Home

TWO_CITIES = """
It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the
epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of Darkness, it was the
spring of hope, it was the winter of despair, we had everything before us, we had nothing before us, we were all going
direct to Heaven, we were all going direct the other way - in short, the period was so far like the present period, that
some of its noisiest authorities insisted on its being received, for good or for evil, in the superlative degree of
comparison only.
"""


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_demo_marks_questions_and_tasks_with_who_and_when(home: Home) -> None:
    done = home.earmark("demo", "--fast")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Question:") >= 2
    tasks = [line for line in done.stdout.splitlines() if "To do:" in line]
    assert len(tasks) >= 2
    assert any("who: Tom" in line and "by: " in line for line in tasks)
    assert "Topics:" in done.stdout
    assert not (home.path / ".local").exists()


def test_a_recording_goes_through_the_house_and_every_reader_of_the_journal_shows_it(quiet: Home) -> None:
    done = quiet.earmark("listen", "--source", f"file:{quiet.recording}", "--fast", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    events = lines(quiet.path / "events.jsonl")
    assert figures["utterances"] == sum(event["type"] == "utterance" for event in events) > 10
    assert (figures["lost_seconds"], figures["gaps"], figures["spooled_seconds"]) == (0, 0, 0)
    assert len({event["id"] for event in events}) == len(events)
    exported = quiet.earmark("export", "latest", "--format", "jsonl")
    assert [json.loads(line)["id"] for line in exported.stdout.splitlines()] == [event["id"] for event in events]
    assert "plumber" in quiet.earmark("search", "plumber").stdout
    assert "plumber" in quiet.earmark("export", "latest").stdout
    assert "-->" in quiet.earmark("export", "latest", "--format", "srt").stdout
    assert quiet.earmark("forget", "--all", "--yes").returncode == 0
    assert "plumber" not in quiet.earmark("search", "plumber").stdout


def test_words_are_told_at_the_time_they_were_said(quiet: Home) -> None:
    quiet.earmark("listen", "--source", f"file:{quiet.recording}", "--fast")
    said = [event for event in lines(quiet.path / "events.jsonl") if event["type"] == "utterance"]
    starts = [float(str(event["start"])) for event in said]
    assert starts == sorted(starts)
    assert all(float(str(event["end"])) <= 55.5 for event in said)
    plumber = next(event for event in said if "call the plumber" in str(event["text"]))
    assert 6 < float(str(plumber["start"])) < 14


def test_standard_input_is_heard(quiet: Home) -> None:
    import soundfile

    samples, _ = soundfile.read(quiet.recording, dtype="int16", frames=16000 * 8)
    done = subprocess.run(
        quiet.command("listen", "--source", "stdin", "--json"),
        cwd=quiet.path, env=quiet.environ, input=samples.tobytes(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["utterances"] >= 2


def test_ctrl_c_delivers_what_was_heard_and_ends_the_conversation(quiet: Home) -> None:
    with quiet.running("listen", "--source", f"file:{quiet.recording}") as process:
        wait_for(quiet.path / "events.jsonl", "utterance")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 0, said
    assert "Stopping" in said
    assert "Traceback" not in said
    assert lines(quiet.path / "events.jsonl")[-1]["type"] == "conversation_ended"


def test_a_room_obeys_what_is_asked_at_its_door(quiet: Home) -> None:
    with quiet.running("listen", "--source", f"file:{quiet.recording}") as process:
        wait_for(quiet.path / "events.jsonl", "utterance")
        assert "Room room: " in quiet.earmark("status").stdout
        assert "muted" in quiet.earmark("mute", "10 min").stdout
        assert "muted" in quiet.earmark("status").stdout
        assert "heard again" in quiet.earmark("unmute").stdout
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    nobody = quiet.earmark("mute")
    assert nobody.returncode == 1
    assert "Nobody listens" in nobody.stderr


def test_the_words_are_no_worse_than_the_recognisers_own(quiet: Home) -> None:
    recording = files("moonshine_voice") / "assets" / "two_cities.wav"
    done = quiet.earmark("listen", "--source", f"file:{recording}", "--fast")
    assert done.returncode == 0, done.stderr
    said = " ".join(str(e["text"]) for e in lines(quiet.path / "events.jsonl") if e["type"] == "utterance")
    heard = words(said)
    # The recogniser's own transcriber makes 8 errors in these 119 words.
    assert errors(words(TWO_CITIES), heard) <= 8, said


def wait_for(path: Path, kind: str, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and any(f'"type":"{kind}"' in line for line in path.read_text().splitlines()):
            return
        time.sleep(0.05)
    raise AssertionError(f"no {kind} in {path} within {seconds} s")


def test_a_listener_whose_only_reader_has_gone_stops(quiet: Home) -> None:
    words = [str(word) for word in quiet.command("listen", "--source", f"file:{quiet.recording}", "--sink", "console")]
    done = subprocess.run(
        ["sh", "-c", '"$@" | head -n 3', "sh", *words],
        cwd=quiet.path, env=quiet.environ, capture_output=True, text=True, timeout=45, check=False,
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == 3
    assert "Traceback" not in done.stderr
