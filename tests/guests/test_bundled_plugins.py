"""Every bundled plugin keeps to the contract that is asked of anyone's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import earmark_file.plugin
import earmark_gate.plugin
import earmark_symbl.plugin
from earmark.audio import Frame
from earmark.cli.demo import bundled_recording
from earmark.testing import FilterConformance, SinkConformance, SourceConformance, Subject, TransportConformance, noise
from tests.faults.house import engine


class TestJsonl(SinkConformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        path = tmp_path / "events.jsonl"

        def arrived() -> set[str]:
            return {json.loads(line)["id"] for line in path.read_text().splitlines()} if path.exists() else set()

        return Subject(plugin=earmark_file.plugin, offer="jsonl", settings={"path": str(path)}, arrived=arrived)


class TestConsole(SinkConformance):
    # A terminal does not say what arrived; tests/file/test_console.py reads what is printed.
    test_it_acknowledges_only_what_has_arrived: Any = None
    test_everything_arrives: Any = None

    @pytest.fixture
    def subject(self) -> Subject:
        return Subject(plugin=earmark_file.plugin, offer="console")


class TestRecording(SourceConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        settings = {"path": str(bundled_recording()), "fast": True}
        return Subject(plugin=earmark_file.plugin, offer="file", settings=settings)


class TestGate(FilterConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject(plugin=earmark_gate.plugin, offer="gate")


class TestSymbl(TransportConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        @asynccontextmanager
        async def around() -> AsyncIterator[Mapping[str, object]]:
            async with engine() as served:
                yield {"url": f"ws://127.0.0.1:{served.port}", "token": served.token, "sentiment": False}

        return Subject(plugin=earmark_symbl.plugin, offer="symbl", around=around, sound=silence)


def silence(seconds: float, *, first: int = 0, block: int = 1600) -> list[Frame]:
    """What the numbered recogniser understands as nothing."""
    return [replace(frame, samples=np.zeros_like(frame.samples)) for frame in noise(seconds, first=first, block=block)]
