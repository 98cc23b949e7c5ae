"""Real brokers on free loopback ports: Debian's Mosquitto, and NATS, which speaks MQTT 3.1.1."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from earmark_mqtt.settings import MqttSettings


def free_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def program(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = (
        str(beside) if beside.exists() else shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    )
    assert found, f"{name} is not installed"
    return found


def _answers(port: int) -> bool:
    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
        return True
    return False


class Broker:
    """A broker that can be started, killed and started again where it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.more_ports: list[int] = []
        """Of further listeners."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def settings(self, **more: Any) -> MqttSettings:
        return MqttSettings(**{"host": "127.0.0.1", "port": self.port, **more})

    def start(self) -> None:
        assert self._process is None
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        for _ in range(400):
            assert self._process.poll() is None, (self.folder / "log").read_text()
            if self.answers():
                return
            time.sleep(0.025)
        raise AssertionError(f"no answer on port {self.port}: {(self.folder / 'log').read_text()}")

    def answers(self) -> bool:
        return all(map(_answers, (self.port, *self.more_ports)))

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class Mosquitto(Broker):
    """With lines of configuration in place of the plain listener, if given."""

    def __init__(self, folder: Path, *lines: str) -> None:
        super().__init__(folder)
        self.lines = lines

    def command(self) -> list[str]:
        lines = self.lines or (f"listener {self.port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0")
        lines += ("persistence true", f"persistence_location {self.folder}/")
        config = self.folder / "mosquitto.conf"
        text = "\n".join((*lines, "user root" if os.geteuid() == 0 else "")) + "\n"
        config.write_text(text.replace("PORT", str(self.port)))
        return [program("mosquitto"), "-c", str(config)]

    def forget(self) -> None:
        """Lose what it kept, as one without a disk does; only while it is down."""
        (self.folder / "mosquitto.db").unlink(missing_ok=True)


class Nats(Broker):
    """Keeps what it acknowledged on disk, whatever it dies of."""

    _CONFIG: ClassVar[str] = """
        server_name: earmark
        listen: "127.0.0.1:-1"
        jetstream {{ store_dir: "{folder}/store" }}
        mqtt {{ listen: "127.0.0.1:{port}", ack_wait: "2s" }}
    """

    def command(self) -> list[str]:
        config = self.folder / "nats.conf"
        config.write_text(self._CONFIG.format(folder=self.folder, port=self.port))
        return [program("nats-server"), "-c", str(config)]


class Subscriber:
    """Anyone's subscriber, with a session that outlives its line: what came, in order."""

    def __init__(
        self, broker: Broker, *topics: str, name: str = "subscriber", user: str = "", password: str = ""
    ) -> None:
        self.messages: list[tuple[str, bytes, bool, float]] = []
        self._topics = topics
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, clean_session=False, protocol=MQTTProtocolVersion.MQTTv311
        )
        if user:
            self._client.username_pw_set(user, password)
        self._client.reconnect_delay_set(1, 1)
        self._subscribed = False
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect_async("127.0.0.1", broker.port, keepalive=5)
        self._client.loop_start()

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(self, *_: Any) -> None:
        self._subscribed = True

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload), message.retain, time.monotonic()))

    @property
    def subscribed(self) -> bool:
        return self._subscribed

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for where, payload, _, _ in self.messages if where == topic]

    async def come(self, topic: str, *, count: int = 1, seconds: float = 20.0) -> list[bytes]:
        """Wait for messages on a topic."""
        async with asyncio.timeout(seconds):
            while len(found := self.payloads(topic)) < count:
                await asyncio.sleep(0.01)
        return found

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


B = TypeVar("B", bound=Broker)


def running(broker: B) -> Iterator[B]:
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
