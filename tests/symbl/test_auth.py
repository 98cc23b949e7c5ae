import asyncio
from datetime import UTC, datetime

import pytest

from earmark_symbl.auth import AppTokens, GivenToken, Grant
from earmark_symbl.http import retry_after_seconds


class Office:
    """Grants tokens, each of a given life, and tells the time."""

    def __init__(self, life_seconds: float) -> None:
        self.life_seconds = life_seconds
        self.now = 0.0
        self.granted = 0

    async def fetch(self) -> Grant:
        self.granted += 1
        number = self.granted
        await asyncio.sleep(0)
        return Grant(access_token=f"token-{number}", expires_in=self.life_seconds)

    def tokens(self) -> AppTokens:
        return AppTokens(self.fetch, lambda: self.now)


async def test_a_token_is_fetched_once_while_it_lives() -> None:
    office = Office(86400)
    tokens = office.tokens()
    assert list(await asyncio.gather(tokens.get(), tokens.get())) == ["token-1", "token-1"]
    office.now = 86_000
    assert await tokens.get() == "token-1"


@pytest.mark.parametrize(("life", "moment"), [(86400, 86101), (100, 91), (0, 0)])
async def test_a_token_is_renewed_before_it_expires(life: float, moment: float) -> None:
    office = Office(life)
    tokens = office.tokens()
    await tokens.get()
    office.now = moment
    assert await tokens.get() == "token-2"


async def test_a_refused_token_is_renewed_once_for_all_who_were_refused() -> None:
    office = Office(86400)
    tokens = office.tokens()
    refused = await tokens.get()
    assert list(await asyncio.gather(tokens.renew(refused), tokens.renew(refused))) == ["token-2", "token-2"]
    assert office.granted == 2


async def test_a_given_token_has_no_successor() -> None:
    given = GivenToken("mine")
    assert await given.get() == "mine"
    assert await given.renew("mine") is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), ("Sat, 21 Nov 2026 03:00:10 GMT", 10), ("Sat, 21 Nov 2026 02:00:00 GMT", 0), ("soon", None),
     (None, None), ("-5", None)],
)  # fmt: skip
def test_a_service_may_name_seconds_or_a_date_to_come_back(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, now=datetime(2026, 11, 21, 3, tzinfo=UTC)) == seconds
