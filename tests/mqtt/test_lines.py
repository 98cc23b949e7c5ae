from __future__ import annotations

import asyncio
import hashlib
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.errors import SettingsError
from earmark.settings import Duration
from earmark_mqtt.connecting import open_line
from earmark_mqtt.errors import BrokerAway, BrokerError, BrokerRefused
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.tls import context_of
from earmark_mqtt.topics import Message
from tests.mqtt.brokers import Broker, Mosquitto, free_port, running
from tests.mqtt.rooms import subscribed, until


def certificates(folder: Path) -> None:
    """An authority, and a certificate each for the broker and a client that it signed; all last a day."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1")
    for authority in ("ca", "other"):
        openssl(
            "req", "-x509", *key, "-keyout", f"{authority}.key", "-out", f"{authority}.crt", "-subj", f"/CN={authority}"
        )
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("broker", "client"):
        openssl("req", *key[:-2], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signing = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signing)
    for file in folder.iterdir():
        file.chmod(0o644)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    certificates(folder)
    return folder


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[dict[str, MqttSettings]]:
    """One broker, reached in every way there is."""
    folder = tmp_path_factory.mktemp("ways")
    tls = (f"cafile {keys / 'ca.crt'}", f"certfile {keys / 'broker.crt'}", f"keyfile {keys / 'broker.key'}")
    ports = {name: free_port() for name in ("tls", "mutual", "ws", "wss")}
    broker = Mosquitto(
        folder,
        "allow_anonymous true",
        "listener PORT 127.0.0.1",
        f"listener {ports['tls']} 127.0.0.1",
        *tls,
        f"listener {ports['mutual']} 127.0.0.1",
        *tls,
        "require_certificate true",
        f"listener {ports['ws']} 127.0.0.1",
        "protocol websockets",
        f"listener {ports['wss']} 127.0.0.1",
        "protocol websockets",
        *tls,
        f"listener 0 {folder / 'socket'}",
    )
    broker.more_ports = list(ports.values())
    ca, fingerprint = keys / "ca.crt", fingerprint_of(keys / "broker.crt")
    for _ in running(broker):
        yield {
            "plain": broker.settings(),
            "tls": broker.settings(port=ports["tls"], tls=True, ca_file=ca),
            "pinned": broker.settings(port=ports["tls"], tls=True, fingerprint=fingerprint),
            "signed and pinned": broker.settings(port=ports["tls"], tls=True, ca_file=ca, fingerprint=fingerprint),
            "client certificate": broker.settings(
                port=ports["mutual"],
                tls=True,
                ca_file=ca,
                certificate_file=keys / "client.crt",
                key_file=keys / "client.key",
            ),
            "websockets": broker.settings(port=ports["ws"], transport="websockets"),
            "websockets with tls": broker.settings(port=ports["wss"], transport="websockets", tls=True, ca_file=ca),
            "Unix socket": MqttSettings(unix_socket=folder / "socket"),
            "_wrong authority": broker.settings(port=ports["tls"], tls=True, ca_file=keys / "other.crt"),
            "_unknown authority": broker.settings(port=ports["tls"], tls=True),
            "_wrong pin": broker.settings(port=ports["tls"], tls=True, fingerprint="ab" * 32),
            "_no client certificate": broker.settings(port=ports["mutual"], tls=True, ca_file=ca),
        }


def fingerprint_of(certificate: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


GOOD = [
    "plain",
    "tls",
    "pinned",
    "signed and pinned",
    "client certificate",
    "websockets",
    "websockets with tls",
    "Unix socket",
]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize("way", GOOD)
async def test_a_message_goes_and_comes_on_every_kind_of_line(
    ways: dict[str, MqttSettings], way: str, version: str
) -> None:
    came: list[bytes] = []
    async with open_line(
        ways[way], "test", version=version, handler=lambda message: came.append(message.payload)
    ) as line:
        assert await line.subscribe("way/#") == []
        texts = [f"{n}".encode() * 500 for n in range(100)]
        answers = await line.publish_all([Message("way/there", text) for text in texts])
        assert not [answer for answer in answers if answer.lost or answer.refused]
        await until(lambda: len(came) == 100)
        assert came == texts


@pytest.mark.parametrize("way", ["_wrong authority", "_unknown authority", "_wrong pin", "_no client certificate"])
async def test_a_line_that_is_not_what_it_should_be_is_not_spoken_on(ways: dict[str, MqttSettings], way: str) -> None:
    with pytest.raises(BrokerAway):
        async with open_line(ways[way], "test", version="5"):
            pass


def test_a_file_that_holds_no_certificate_is_named(keys: Path) -> None:
    with pytest.raises(SettingsError, match=r"ca_file: .*names holds no certificate"):
        context_of(MqttSettings(tls=True, ca_file=keys / "names"))
    with pytest.raises(SettingsError, match=r"certificate_file: .*client\.crt and its key cannot be used"):
        context_of(MqttSettings(tls=True, certificate_file=keys / "client.crt", key_file=keys / "broker.key"))


async def test_a_broker_of_an_older_protocol_says_so(nats: Broker) -> None:
    with pytest.raises(BrokerRefused, match="does not speak this version"):
        async with open_line(nats.settings(), "test", version="5"):
            pass


async def test_the_will_is_told_when_a_line_breaks_and_only_then(mosquitto: Broker) -> None:
    will = Message("will", b"gone", retain=True)
    async with subscribed(mosquitto, "will") as subscriber:
        async with open_line(mosquitto.settings(), "polite", version="5", will=will):
            pass
        assert not subscriber.messages
        async with open_line(mosquitto.settings(), "rude", version="5", will=will) as line:
            line.drop(BrokerAway("test"))
        await until(lambda: subscriber.payloads("will") == [b"gone"])


async def test_a_line_whose_broker_dies_gives_up_what_was_on_its_way(mosquitto: Broker) -> None:
    async with open_line(mosquitto.settings(), "test", version="5") as line:
        mosquitto.freeze()
        sending = [Message("there", b"x")] * 10
        task = asyncio.create_task(line.publish_all(sending))
        await asyncio.sleep(0)
        mosquitto.kill()
        assert [answer.lost for answer in await task] == [True] * 10
        assert isinstance(await line.loss(), BrokerError)
        assert (await line.publish(Message("there", b"x"))).lost


async def test_what_is_no_broker_does_no_harm() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        settings = MqttSettings(host="127.0.0.1", port=port, connect_timeout=Duration(2))
        with pytest.raises(BrokerAway):
            async with open_line(settings, "test", version="5"):
                pass
