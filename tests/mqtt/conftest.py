from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mqtt.brokers import Broker, Mosquitto, Nats, running


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    yield from running(Mosquitto(tmp_path / "mosquitto"))


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Broker]:
    yield from running(Nats(tmp_path / "nats"))


@pytest.fixture(params=["mosquitto", "nats"])
def broker(request: pytest.FixtureRequest) -> Broker:
    found: Broker = request.getfixturevalue(request.param)
    return found
