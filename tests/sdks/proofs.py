"""Symbl's own SDKs, as published, against `earmark serve`: each streams real speech and gets what it was promised.

Not part of the normal suite: `tests/sdks/run` installs the SDKs and runs this file.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import soundfile
import soxr

HERE = Path(__file__).parent
CLIENTS = HERE / "clients"
INSTALLED = Path(os.environ.get("EARMARK_SDKS", ""))
RECORDING = HERE.parents[1] / "plugins/earmark_file/recordings/kitchen.flac"
SECONDS = 27
APP_ID = "A" * 64
Json = dict[str, Any]


@dataclass(frozen=True)
class Engine:
    """A running `earmark serve`."""

    url: str
    secret: str
    sound: Path
    """The recording as 16-bit samples at 16 kHz."""

    def get(self, path: str) -> Any:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token()}"})
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def token(self) -> str:
        body = json.dumps({"type": "application", "appId": APP_ID, "appSecret": self.secret}).encode()
        request = urllib.request.Request(
            self.url + "/oauth2/token:generate", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as response:
            return str(json.load(response)["accessToken"])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    samples, rate = soundfile.read(RECORDING, dtype="int16", stop=SECONDS * 16_000)
    sound = folder / "speech.pcm"
    sound.write_bytes(soxr.resample(samples, rate, 16_000).tobytes())
    earmark = [sys.executable, "-m", "earmark", "serve"]
    subprocess.run([*earmark, "--new-app", f"{APP_ID}:{folder}/secret"], check=True)
    command = [*earmark, "--port", "0", "--ephemeral", "--app", f"{APP_ID}:{folder}/secret"]
    environment = os.environ | {"EARMARK_STATE": str(folder), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Engine(found[0], (folder / "secret").read_text().strip(), sound)
        process.terminate()
        assert process.wait(30) == 0


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages, served from this machine, as a developer's own would be."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "raw.html").write_text((CLIENTS / "raw_page.html").read_text())
    bundler = INSTALLED / "node_modules/.bin/esbuild"
    page = INSTALLED / "web_sdk_page.js"
    page.write_text((CLIENTS / "web_sdk_page.js").read_text())
    bundle: list[str | Path] = [
        bundler,
        page,
        "--bundle",
        f"--outfile={folder}/sdk.js",
        "--log-level=error",
        "--define:global=window",
    ]
    subprocess.run(bundle, check=True, cwd=INSTALLED)
    (folder / "sdk.html").write_text('<!doctype html><meta charset="utf-8"><script src="sdk.js"></script>')
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(*command: object, **environment: str) -> Json:
    """Run a client and read the last line that it printed."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=120, env=os.environ | environment
    )
    results = [line.removeprefix("RESULT ") for line in done.stdout.splitlines() if line.startswith(("RESULT {", "{"))]
    assert done.returncode == 0, done.stdout + done.stderr
    assert results, done.stdout + done.stderr
    came: Json = json.loads(results[-1])
    return came


def node(name: str, engine: Engine) -> Json:
    # Node looks for packages beside the script: it is run from where they are installed.
    for file in ("common.js", name):
        (INSTALLED / file).write_text((CLIENTS / file).read_text())
    return run("node", INSTALLED / name, engine.url, APP_ID, engine.secret, engine.sound, 16_000)


def browser(page: str, engine: Engine, folder: Path) -> Json:
    samples, rate = soundfile.read(RECORDING, dtype="int16", stop=SECONDS * 16_000)
    soundfile.write(folder / "speech.wav", soxr.resample(samples, rate, 48_000), 48_000)
    (INSTALLED / "browser.mjs").write_text((CLIENTS / "browser.mjs").read_text())
    query = urlencode({"url": engine.url, "appId": APP_ID, "appSecret": engine.secret, "seconds": SECONDS + 1})
    return run("node", INSTALLED / "browser.mjs", f"{page}?{query}", folder / "speech.wav", folder / "profile", 100)


def well_heard(messages: list[str]) -> None:
    text = " ".join(messages).lower()
    # Each client cuts and resamples in its own way: a word here or there ("cart" for "car") may differ.
    for words in ("did you sleep well", "call the plumber on thursday", "to the garage tomorrow morning"):
        assert words in text


def well_answered(engine: Engine, conversation: str) -> None:
    base = f"/v1/conversations/{conversation}"
    well_heard([said["text"] for said in engine.get(f"{base}/messages")["messages"]])
    assert engine.get(f"{base}/questions")["questions"]
    assert engine.get(f"{base}/action-items")["actionItems"]
    assert engine.get(f"{base}/analytics")["members"][0]["talkTime"]["seconds"] > 5


def test_the_python_sdk(engine: Engine) -> None:
    python = INSTALLED / "venv/bin/python"
    came = run(python, CLIENTS / "python_sdk.py", engine.url, APP_ID, engine.secret, engine.sound, 16_000)
    well_heard(came["messages"])
    assert {"question", "action_item"} <= set(came["insights"])
    assert "Repairs" in came["trackers"]
    assert "recognition_result" in came["speech"]
    assert came["closed"]
    for name, answer in came["api"].items():
        assert "either invalid" not in str(answer), f"{name}: {answer}"
    assert came["api"]["get_questions"]["questions"]
    assert came["api"]["get_action_items"]["action_items"]
    assert came["api"]["get_messages"]["messages"][0]["sentiment"]["suggested"]
    assert came["api"]["get_members"]["members"][0]["name"] == "Anna"


def test_the_javascript_sdk_with_a_pause_and_a_subscriber(engine: Engine) -> None:
    came = node("js_stream.js", engine)
    well_heard(came["messages"])
    assert {"question", "action_item"} <= set(came["insights"])
    assert "Repairs" in came["trackers"]
    assert came["types"].count("started_listening") == 2
    assert {"message", "message_response", "insight_response"} <= set(came["subscribed"])
    well_answered(engine, came["conversationId"])


def test_the_javascript_sdk_by_its_older_call_whose_stop_returns(engine: Engine) -> None:
    came = node("js_legacy.js", engine)
    well_heard(came["messages"])
    assert {"question", "action_item"} <= set(came["insights"])
    assert came["stopped"]["conversationId"] == came["conversationId"]
    well_answered(engine, came["conversationId"])


def test_the_javascript_sdk_reconnects_to_its_conversation(engine: Engine) -> None:
    came = node("js_reconnect.js", engine)
    assert len(set(came["conversations"])) == 1
    assert len(came["conversations"]) == 2
    assert {"question", "action_item"} <= set(came["insights"])
    assert "did you sleep well" in " ".join(came["messages"]).lower()
    assert "tomorrow morning" in " ".join(came["messages"]).lower()


def test_the_javascript_sdk_with_a_bad_token_is_made_to_wait(engine: Engine) -> None:
    came = node("js_refused.js", engine)
    assert 2 <= came["attempts"] < 60


def test_the_browser_sdk_in_chromium(engine: Engine, pages: str, tmp_path: Path) -> None:
    came = browser(f"{pages}/sdk.html", engine, tmp_path)
    well_heard(came["messages"])
    assert {"question", "action_item"} <= set(came["insights"])
    assert came["speech"] > 3
    well_answered(engine, came["conversationId"])


def test_a_page_without_any_sdk_in_chromium(engine: Engine, pages: str, tmp_path: Path) -> None:
    came = browser(f"{pages}/raw.html", engine, tmp_path)
    well_heard(came["messages"])
    assert {kind for kind, _ in came["insights"]} == {"question", "action_item"}
    assert came["closed"] == {"code": 1000, "clean": True}
    assert came["live"] > 3
    assert came["sentiments"][0] == {"status": 200, "body": {"messages": []}}
    assert came["sentiments"][-1]["body"]["messages"][0]["sentiment"]["suggested"]
