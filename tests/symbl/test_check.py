from aiohttp.test_utils import unused_port

from earmark.hookspecs import Verdict
from earmark.room import Room
from earmark.settings import Secret
from earmark_symbl.check import open_check
from earmark_symbl.settings import SymblSettings
from tests.symbl.service import Service, Talk


async def verdict(settings: SymblSettings, room: Room) -> tuple[Verdict, str]:
    async with open_check(settings, room) as check:
        (diagnosis,) = await check.diagnose()
    return diagnosis.verdict, diagnosis.message


async def test_a_service_that_takes_the_token_is_well(service: Service, room: Room) -> None:
    async def quiet(talk: Talk) -> None:
        assert await talk.hear() is None
        assert talk.socket.close_code == 1000

    service.scripts.append(quiet)
    found, _ = await verdict(SymblSettings(url=service.url, token=Secret("token-one")), room)
    assert found is Verdict.OK


async def test_what_is_wrong_with_a_service_is_said(service: Service, room: Room) -> None:
    found, message = await verdict(SymblSettings(url=service.url, token=Secret("bad")), room)
    assert (found, "401" in message) == (Verdict.FAILED, True)
    found, message = await verdict(SymblSettings(url=f"ws://127.0.0.1:{unused_port()}", token=Secret("t")), room)
    assert (found, "Nobody answers" in message) == (Verdict.FAILED, True)
    found, message = await verdict(SymblSettings(url="ws://example.com", token=Secret("t")), room)
    assert (found, "plain_anywhere" in message) == (Verdict.FAILED, True)


async def test_a_room_without_such_a_service_has_nothing_to_check(room: Room) -> None:
    found, _ = await verdict(SymblSettings(), room)
    assert found is Verdict.SKIPPED
