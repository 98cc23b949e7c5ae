from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mic.sound_server import SoundServer


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    server = SoundServer(tmp_path_factory.mktemp("sound"))
    yield server
    server.unplug_all()
    server.close()


@pytest.fixture
def server(running_server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> SoundServer:
    for name in ("HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, running_server.environ[name])
    return running_server
