"""A real Home Assistant, headless: configured in its storage, asked and commanded over its REST interface."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import shutil
import signal
import subprocess
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from tests.mqtt.brokers import free_port

_CONFIGURATION = """
homeassistant:
  name: Test
  latitude: 0
  longitude: 0
  elevation: 0
  unit_system: metric
  time_zone: UTC
  country: GB
  currency: EUR
  auth_providers:
    - type: homeassistant
  packages: !include_dir_named packages
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
persistent_notification:
logger:
  default: info
automation: {automations}
"""


class HomeAssistant:
    """One instance in a folder of its own."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""
        self.automations: list[dict[str, Any]] = []
        self.packages: list[Path] = []

    # -- configuration ------------------------------------------------------------------------------------------------

    def configure(self, *, broker_port: int, user: str, password: str, blueprints: Path) -> None:
        """Write what a person would click together: an owner, the MQTT integration, a to-do list."""
        storage = self._folder / ".storage"
        storage.mkdir(parents=True)
        shutil.copytree(blueprints, self._folder / "blueprints" / "automation" / "earmark")
        (self._folder / "packages").mkdir()
        for package in self.packages:
            shutil.copy(package, self._folder / "packages")
        mqtt = {
            "broker": "127.0.0.1",
            "port": broker_port,
            "username": user,
            "password": password,
            "discovery": True,
            "discovery_prefix": "homeassistant",
        }
        entries = [_entry("mqtt", mqtt), _entry("local_todo", {"todo_list_name": "Tasks", "storage_key": "tasks"})]
        self._store("core.config_entries", {"entries": entries})
        self._store("onboarding", {"done": ["user", "core_config", "integration", "analytics"]}, version=4)
        self._store("auth_provider.homeassistant", {"users": []})
        self._store("auth", self._owner())
        (self._folder / "configuration.yaml").write_text(
            _CONFIGURATION.format(port=self._port, automations=json.dumps(self.automations))
        )

    def _store(self, key: str, data: dict[str, Any], *, version: int = 1) -> None:
        text = json.dumps({"version": version, "minor_version": 1, "key": key, "data": data})
        (self._folder / ".storage" / key).write_text(text)

    def _owner(self) -> dict[str, Any]:
        """An owner with a long-lived token, which is signed here."""
        user, refresh, key = uuid.uuid4().hex, uuid.uuid4().hex, secrets.token_hex(64)
        now = int(time.time())
        self._token = _signed({"iss": refresh, "iat": now, "exp": now + 86_400 * 365}, key)
        owner = {"id": user, "group_ids": ["system-admin"], "is_owner": True, "is_active": True, "name": "test"}
        token = {
            "id": refresh,
            "user_id": user,
            "client_id": None,
            "client_name": "test",
            "client_icon": None,
            "token_type": "long_lived_access_token",
            "created_at": datetime.now(UTC).isoformat(),
            "access_token_expiration": 315_360_000.0,
            "token": secrets.token_hex(64),
            "jwt_key": key,
            "last_used_at": None,
            "last_used_ip": None,
            "expire_at": None,
            "credential_id": None,
            "version": None,
        }
        groups = {"system-admin": "Administrators", "system-users": "Users", "system-read-only": "Read Only"}
        return {
            "users": [owner | {"system_generated": False, "local_only": False}],
            "groups": [{"id": group, "name": name} for group, name in groups.items()],
            "credentials": [],
            "refresh_tokens": [token],
        }

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Return when it runs."""
        process = self._process = self._launch()
        async with asyncio.timeout(180):
            while await self._state() != "RUNNING":
                assert process.poll() is None, self.log()[-3000:]
                await asyncio.sleep(0.2)

    def _launch(self) -> subprocess.Popen[bytes]:
        command = [str(self._program), "-c", str(self._folder), "--skip-pip"]
        with (self._folder / "output").open("ab") as output:
            return subprocess.Popen(command, stdout=output, stderr=output)

    async def stop(self) -> None:
        """Stop as a person would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self._process.wait, 60)
            self._process = None

    def log(self) -> str:
        """What it wrote."""
        return (self._folder / "home-assistant.log").read_text(errors="replace")

    async def _state(self) -> str:
        try:
            return str((await self._ask("GET", "config"))["state"])
        except (aiohttp.ClientError, OSError, KeyError):
            return ""

    # -- questions and commands ---------------------------------------------------------------------------------------

    async def states(self) -> dict[str, dict[str, Any]]:
        """Every entity's state and attributes."""
        return {one["entity_id"]: one for one in await self._ask("GET", "states")}

    async def state(self, entity: str) -> str:
        """One entity's state, or nothing."""
        return str((await self.states()).get(entity, {}).get("state", ""))

    async def call(self, service: str, **data: Any) -> None:
        """Call a service such as `switch.turn_on`."""
        await self._ask("POST", f"services/{service.replace('.', '/')}", data)

    def items(self) -> list[str]:
        """What is on the to-do list."""
        found = self._folder / ".storage" / "local_todo.tasks.ics"
        lines = found.read_text().replace("\n ", "").splitlines() if found.exists() else []
        return [line.removeprefix("SUMMARY:").replace("\\,", ",") for line in lines if line.startswith("SUMMARY:")]

    async def _ask(self, method: str, path: str, data: Any = None) -> Any:
        url = f"http://127.0.0.1:{self._port}/api/{path}"
        headers = {"Authorization": f"Bearer {self._token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, url, json=data) as response,
        ):
            response.raise_for_status()
            return await response.json()


def _entry(domain: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "entry_id": uuid.uuid4().hex,
        "version": 1,
        "minor_version": 1,
        "domain": domain,
        "title": domain,
        "data": data,
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "unique_id": None,
        "disabled_by": None,
    }


def _signed(claims: dict[str, Any], key: str) -> str:
    parts = [_base64(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.new(key.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _base64(signature)])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
