"""PLUGINS.md runs as it stands, and names everything that there is; REFERENCE.md is what the code says."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import earmark.testing
from earmark.cli.new_plugin import KINDS, rendered
from earmark.cli.reference import document, hook_specifications
from earmark.describe import settings_of
from earmark.events import Durable, Live
from earmark.hookspecs import Diagnosis
from earmark.host import Host
from earmark.testing import (
    EnricherConformance,
    FilterConformance,
    SinkConformance,
    SourceConformance,
    Subject,
    TransportConformance,
    house,
    noise,
)
from earmark_engine.api import Context, Sentence
from tests.guests.misdeeds import table

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "PLUGINS.md").read_text()
REFERENCE = (ROOT / "REFERENCE.md").read_text()
BLOCKS = {
    found[1]: code
    for code in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    if (found := re.search(r"def (earmark_\w+)", code))
}


def example(hook: str) -> types.ModuleType:
    """The example of a hook, as a module."""
    module = types.ModuleType(f"guide_{hook}")
    sys.modules[module.__name__] = module
    exec(compile(BLOCKS[hook], f"PLUGINS.md ({hook})", "exec"), module.__dict__)
    return module


def bundled() -> Host:
    host = Host()
    host.load()
    host.plugins = [plugin for plugin in host.plugins if plugin.dist == "earmark"]
    return host


def subject(hook: str, offer: str, **settings: Any) -> Subject:
    return Subject(plugin=example(hook), offer=offer, settings=settings)


class LightEnough:
    """Examples are no files: they cannot be imported alone, and their source cannot be read again.

    The projects that `earmark new-plugin` writes hold the same code, and are checked for both.
    """

    test_importing_it_is_light_and_starts_nothing: Any = None
    test_every_setting_is_documented: Any = None


class TestTheSource(LightEnough, SourceConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        return subject("earmark_sources", "tone")


class TestTheFilter(LightEnough, FilterConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        return subject("earmark_filters", "louder")


class TestTheTransport(LightEnough, TransportConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        return subject("earmark_transports", "loudness", every="1 s")


class TestTheEnricher(LightEnough, EnricherConformance):
    @pytest.fixture
    def subject(self) -> Subject:
        return subject("earmark_enrichers", "hide", words=["call"])


class TestTheSink(LightEnough, SinkConformance):
    # The example writes marks only, so it cannot say of every event whether it arrived.
    test_it_acknowledges_only_what_has_arrived: Any = None
    test_everything_arrives: Any = None

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        return subject("earmark_sinks", "marks", path=str(tmp_path / "marks.txt"))


def test_every_hook_has_an_example() -> None:
    assert set(hook_specifications()) == set(BLOCKS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_are_what_new_plugin_writes(kind: str) -> None:
    hook = f"earmark_{kind}s"
    name = re.search(r'Offer\(\s*"([a-z]+)"', BLOCKS[hook])
    assert name and rendered(f"{kind}.py", name[1], kind) == BLOCKS[hook]


async def test_the_service_runs_beside_a_room(tmp_path: Path) -> None:
    module = example("earmark_services")
    async with house(tmp_path, ("pulse", module), settings={"services": ["pulse"]}) as room:
        await room.running
        assert room.stage("pulse").failures == 0


async def test_the_check_gives_a_diagnosis() -> None:
    (offer,) = example("earmark_checks").earmark_checks()
    async with offer.open(None, None) as check:
        assert all(isinstance(found, Diagnosis) for found in await check.diagnose())


def test_the_command_greets() -> None:
    (offer,) = example("earmark_commands").earmark_commands()
    assert CliRunner().invoke(offer.load(), ["kitchen"]).output == "Hello, kitchen.\n"


def test_the_panel_makes_a_widget() -> None:
    (offer,) = example("earmark_panels").earmark_panels()
    assert callable(offer.make().show)


async def test_the_recogniser_hears_something() -> None:
    (offer,) = example("earmark_recognizers").earmark_recognizers()
    async with offer.open(None, None) as recognizer, recognizer.stream() as ears:
        await ears.feed(noise(1)[0].samples)
        await ears.finish()
        heard = [item async for item in ears]
    assert heard[0].text == "Something."


async def test_the_detector_finds_a_question() -> None:
    from datetime import UTC, datetime

    (offer,) = example("earmark_detectors").earmark_detectors()
    async with offer.open(None, None) as make:
        said = Sentence(id="1", text="Who calls?", start=0, end=1, at=datetime.now(UTC))
        assert len(make(Context()).said(said).marks) == 1


def test_what_plugins_do_wrong_is_the_table_of_the_tests() -> None:
    assert table() in GUIDE


def test_the_kit_is_named_in_the_guide() -> None:
    words = ("house", "ScriptedPlugin", "ScriptedPeer", "Fault", "VirtualClock", "QuickLoop", "run_quickly", "Subject")
    assert [name for name in words if name not in GUIDE or name not in earmark.testing.__all__] == []


def test_the_reference_is_what_the_code_says() -> None:
    told = "\n".join(document(bundled())) + "\n"
    assert told == REFERENCE, "run `earmark reference > REFERENCE.md`"


def test_no_hook_event_or_setting_is_undocumented() -> None:
    from earmark.core_settings import Settings

    for name, hook in hook_specifications().items():
        assert hook.__doc__ and f"### {name}\n" in REFERENCE
    for kind in (*Durable.__args__, *Live.__args__):
        assert kind.__doc__ and f"### {kind.__name__} (" in REFERENCE
    structs: Mapping[str, Any] = {"": Settings, **{o.name: o.offer.settings for o in bundled().all_offers()}}
    silent = [f"[{name}] {s.key}" for name, struct in structs.items() for s in settings_of(struct) if not s.help]
    assert silent == []


def test_the_kit_is_not_imported_by_the_running_product() -> None:
    import subprocess

    code = (
        "import sys, earmark.listener, earmark.cli.listen;"
        "print([m for m in sys.modules if 'earmark.testing' in m or m == 'pytest'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
