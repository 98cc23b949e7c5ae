"""What the engine offers, and that finding out costs nothing."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

from earmark.hookspecs import Verdict
from earmark.host import Host
from earmark_engine.check import EngineCheck
from earmark_engine.opening import alone
from earmark_engine.transport import EngineSettings
from tests.engine.scripted import Plugin


def test_everything_is_offered_under_its_name() -> None:
    host = Host()
    host.load()
    for kind, name in (
        ("transport", "engine"),
        ("check", "engine"),
        ("recognizer", "moonshine"),
        ("recognizer", "whisper"),
        ("detector", "linear"),
    ):
        assert host.find(kind, name).plugin == "engine"
    assert "serve" in [command.name for command in host.commands()]


def test_another_plugin_may_bring_a_recogniser_and_a_detector() -> None:
    host = Host(plugins=[("guest", Plugin())])
    host.load()
    assert host.find("recognizer", "scripted").plugin == "guest"
    assert host.find("detector", "rules").plugin == "guest"


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    heavy = ("aiohttp", "onnxruntime", "moonshine_voice", "soundfile", "soxr", "parsedatetime", "vaderSentiment")
    code = f"import sys, earmark_engine.plugin; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_the_doctor_says_what_is_wrong_with_the_engine(tmp_path: Path) -> None:
    check = EngineCheck(EngineSettings(recognizer="parrot"), alone(logging.getLogger("test"), tmp_path))
    (diagnosis,) = await check.diagnose()
    assert diagnosis.verdict is Verdict.FAILED
    assert "parrot" in diagnosis.message
    assert diagnosis.advice
