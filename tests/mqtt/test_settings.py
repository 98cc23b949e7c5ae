from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from earmark.config import Config
from earmark.errors import SettingsError
from earmark.host import Host, Kind
from earmark_mqtt import plugin
from earmark_mqtt.settings import MqttSettings


def decoded(*assignments: str, **environ: str) -> MqttSettings:
    host = Host(plugins=[("mqtt", plugin)])
    host.load()
    config = Config.load(None, environ=environ, assignments=assignments)
    found: MqttSettings = config.settings_for(host.find(Kind.SINK, "mqtt"))
    return found


def test_the_defaults_are_a_broker_on_this_machine() -> None:
    assert decoded().target == "localhost:1883/earmark"


@pytest.mark.parametrize(
    ("settings", "port"),
    [
        ({}, 1883),
        ({"tls": True}, 8883),
        ({"transport": "websockets"}, 80),
        ({"transport": "websockets", "tls": True}, 443),
        ({"port": 1884}, 1884),
    ],
)
def test_the_port_follows_from_the_way(settings: dict[str, Any], port: int) -> None:
    assert MqttSettings(**settings).port_number == port


@pytest.mark.parametrize(
    ("assignment", "key"),
    [
        ("mqtt.prefix=a/#", "prefix"),
        ("mqtt.prefix=/a", "prefix"),
        ("mqtt.kinds=['gossip']", "kinds"),
        ("mqtt.fingerprint=abc", "fingerprint"),
        ("mqtt.ca_file=ca.pem", "tls"),
        ("mqtt.key_file=key.pem", "certificate_file"),
        ("mqtt.keepalive=0", "keepalive"),
        ("mqtt.hots=there", "host"),
    ],
)
def test_a_wrong_setting_is_named(assignment: str, key: str) -> None:
    with pytest.raises(SettingsError, match=key):
        decoded(assignment)


def test_a_password_comes_from_a_file_and_is_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hush\n")
    settings = decoded(f"mqtt.password_file={tmp_path / 'password'}", EARMARK_MQTT_USER="ann")
    assert settings.password is not None
    assert settings.password.reveal() == "hush"
    assert settings.user == "ann"
    assert "hush" not in repr(settings)


def test_where_to_begin_can_be_set() -> None:
    assert decoded("mqtt.from=start").from_ == "start"


def test_listing_the_plugin_loads_no_client() -> None:
    code = (
        "import sys; from earmark_mqtt import plugin;"
        "list(plugin.earmark_sinks()); list(plugin.earmark_checks());"
        "print([name for name in sys.modules if name.split('.')[0] in ('paho', 'ssl')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "paho" not in found.stdout
