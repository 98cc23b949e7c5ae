import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from earmark.clock import SystemClock
from earmark.room import Archive, Controls, Room, StageReport, Watch
from tests.symbl.service import Service, serving


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving(Service()) as service:
        yield service


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A room whose controls nobody touches."""
    return Room(
        name="kitchen",
        rate=16_000,
        folder=tmp_path,
        runtime=tmp_path,
        clock=SystemClock(),
        log=logging.getLogger("earmark.test"),
        controls=cast(Controls, None),
        watch=cast(Watch, None),
        archive=cast(Archive, None),
        stage=StageReport(kind="transport", name="symbl"),
    )
