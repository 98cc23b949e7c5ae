from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.events import InsightKind
from earmark.hookspecs import Diagnosis, Verdict
from earmark.settings import Secret
from earmark_mqtt.check import BrokerCheck
from earmark_mqtt.settings import MqttSettings
from tests.core.talk import marked
from tests.mqtt.brokers import Broker, Mosquitto, program, running
from tests.mqtt.rooms import at_work, ids, subscribed, until

_ACL = """
user ann
topic readwrite #
user ben
topic readwrite earmark/kitchen/#
topic deny earmark/kitchen/question
topic readwrite homeassistant/#
user eve
topic read $SYS/#
"""


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Broker]:
    """Ann may do all, Ben not publish questions, Eve nothing."""
    folder = tmp_path / "guarded"
    folder.mkdir()
    (folder / "acl").write_text(_ACL)
    for name in ("ann", "ben", "eve"):
        create = [] if (folder / "passwords").exists() else ["-c"]
        subprocess.run(
            [program("mosquitto_passwd"), "-b", *create, str(folder / "passwords"), name, f"{name}'s"], check=True
        )
    for file in (folder / "acl", folder / "passwords"):
        file.chmod(0o644)
    lines = ("allow_anonymous false", f"password_file {folder / 'passwords'}", f"acl_file {folder / 'acl'}")
    broker = Mosquitto(folder, "listener PORT 127.0.0.1", *lines)
    yield from running(broker)


def as_user(broker: Broker, name: str, password: str | None = None, **more: object) -> MqttSettings:
    return broker.settings(user=name, password=Secret(password or f"{name}'s"), **more)


async def test_what_the_broker_refuses_is_counted_and_named_and_the_rest_goes_on(
    guarded: Broker, tmp_path: Path
) -> None:
    async with (
        subscribed(guarded, "earmark/kitchen/+", user="ann", password="ann's") as subscriber,
        at_work(tmp_path, as_user(guarded, "ben")) as stand,
    ):
        await stand.say(
            marked("a", "Buy milk"), marked("q", "Who?", kind=InsightKind.QUESTION), marked("b", "Buy bread")
        )
        await stand.delivered()
        await until(lambda: len(ids(subscriber)) == 2)
        assert ids(subscriber) == ["a-0", "b-0"]
        assert (stand.report.refused, stand.report.counters["published"], stand.report.failures) == (1, 2, 0)
        assert stand.report.details["refused"] == "earmark/kitchen/question: Not authorized"


async def test_nothing_says_connected_where_the_password_is_refused(guarded: Broker, tmp_path: Path) -> None:
    async with at_work(tmp_path, as_user(guarded, "ben", "wrong")) as stand:
        await stand.say(marked("m", "Buy milk"))
        await until(lambda: stand.report.problem)
        assert stand.report.problem is not None
        assert "see user and password" in stand.report.problem
        assert stand.report.details["broker"].endswith("away")
        assert not stand.report.delivered


async def diagnose(settings: MqttSettings, folder: Path) -> list[Diagnosis]:
    async with at_work(folder, settings) as stand:
        return await BrokerCheck(settings, stand.room).diagnose()


async def test_the_doctor_finds_nothing_wrong_where_nothing_is(broker: Broker, tmp_path: Path) -> None:
    found = await diagnose(broker.settings(), tmp_path)
    assert len(found) == 4
    assert {one.verdict for one in found} == {Verdict.OK}


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_the_doctor_sees_what_the_broker_does_not_take(guarded: Broker, tmp_path: Path, protocol: str) -> None:
    found = await diagnose(as_user(guarded, "eve", protocol=protocol), tmp_path)
    failed = [one for one in found if one.verdict is Verdict.FAILED]
    assert "earmark/kitchen/doctor" in failed[0].message
    assert "eve" in failed[0].advice


async def test_the_doctor_says_what_to_do_about_a_wrong_password(guarded: Broker, tmp_path: Path) -> None:
    (found,) = await diagnose(as_user(guarded, "ann", "wrong"), tmp_path)
    assert found.verdict is Verdict.FAILED
    assert "user and password" in found.message
    assert "add-on" in found.advice


async def test_the_doctor_tells_of_a_broker_that_is_not_there(tmp_path: Path) -> None:
    (found,) = await diagnose(MqttSettings(host="127.0.0.1", port=1), tmp_path)
    assert found.verdict is Verdict.FAILED
    assert "127.0.0.1:1 cannot be reached" in found.message


async def test_the_doctor_leaves_nothing_behind(mosquitto: Broker, tmp_path: Path) -> None:
    await diagnose(mosquitto.settings(discovery="components"), tmp_path)
    async with subscribed(mosquitto, "earmark/kitchen/doctor", "homeassistant/sensor/+/doctor/#") as subscriber:
        assert not subscriber.messages
