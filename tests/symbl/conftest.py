from collections.abc import AsyncIterator

import pytest
from tests.symbl.service import Service, serving


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving(Service()) as service:
        yield service
