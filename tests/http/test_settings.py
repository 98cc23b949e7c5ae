"""The settings of the local API: what is refused before anything is opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from earmark.config import Config
from earmark.errors import EarmarkError, SettingsError
from earmark.host import Host
from earmark.settings import Secret
from earmark_http import plugin
from earmark_http.keys import key_of
from earmark_http.settings import HttpSettings, is_loopback


def decoded(*assignments: str, **environ: str) -> HttpSettings:
    host = Host(plugins=[("http", plugin)], discover=False)
    host.load()
    config = Config.load(None, environ=environ, assignments=[f"http.{one}" for one in assignments])
    settings = config.settings_for(host.find("service", "http"))
    assert isinstance(settings, HttpSettings)
    return settings


def test_alone_it_keeps_to_this_machine() -> None:
    settings = decoded()
    assert (settings.host, settings.port, settings.loopback) == ("127.0.0.1", 8788, True)
    assert not decoded("host=0.0.0.0").loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "kitchen.local", "localhost.example", ""])
def test_what_others_can_reach_is_no_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("token=short-secret", "16 characters"),
        ("token=this one has spaces in it", "header"),
        ('allowed_origins=["*"]', "is not an origin"),
        ('allowed_origins=["https://home.example/page"]', "is not an origin"),
        ('allowed_hosts=["home.example:80"]', "without a port"),
        ("host=", "0.0.0.0 listens on every one"),
        ("key_file=key.pem", "needs the certificate"),
        ("port=70000", "65535"),
        ("prot=1", 'did you mean "port"'),
    ],
)
def test_a_setting_that_cannot_be_is_told_with_its_place(assignment: str, words: str) -> None:
    with pytest.raises(SettingsError) as told:
        decoded(assignment)
    assert words in str(told.value)
    assert "short-secret" not in str(told.value)


def test_the_token_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-in-a-file-1\n")
    settings = decoded(EARMARK_HTTP_TOKEN_FILE=str(tmp_path / "token"))
    assert settings.token == Secret("a-token-in-a-file-1")
    assert "a-token" not in repr(settings)


def test_a_spoilt_token_is_drawn_anew(tmp_path: Path) -> None:
    (tmp_path / "token").touch(0o600)
    key = key_of(None, tmp_path)
    assert len(key.token.reveal()) >= 40
    assert key_of(None, tmp_path) == key
    assert [file.name for file in tmp_path.iterdir()] == ["token"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(EarmarkError, match="set `token`"):
        key_of(None, tmp_path / "not" / "there")


def test_the_plugin_is_light_to_import() -> None:
    code = "import sys, earmark_http.plugin; print('aiohttp' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "False"
