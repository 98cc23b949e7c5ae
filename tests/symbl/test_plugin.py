import subprocess
import sys

import pytest

from earmark.host import Host, Kind
from earmark_symbl import api, plugin
from earmark_symbl.settings import SymblSettings


def imported(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_plugin_offers_a_transport_and_a_check() -> None:
    host = Host(plugins=[("symbl", plugin)])
    host.load()
    for kind in (Kind.TRANSPORT, Kind.CHECK):
        assert host.find(kind, "symbl").offer.settings is SymblSettings


def test_listing_the_plugin_loads_nothing_heavy() -> None:
    assert not imported("earmark_symbl.plugin") & {"aiohttp", "soxr"}


@pytest.mark.parametrize("module", ["messages", "session"])
def test_the_wire_and_the_session_do_no_input_or_output(module: str) -> None:
    found = imported(f"earmark_symbl.{module}")
    assert not found & {"aiohttp", "asyncio", "socket", "earmark.clock", "numpy"}


def test_every_name_of_the_api_is_there() -> None:
    assert all(getattr(api, name) is not None for name in api.__all__)
    with pytest.raises(AttributeError):
        api.nothing  # noqa: B018
