"""The host: finding, loading, blocking, and surviving plugins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from earmark import CommandOffer, Offer, Room, hookimpl
from earmark.errors import SettingsError
from earmark.host import Host, Kind, Plugin
from tests.core.guests import install


class Colours(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of what is offered here."""

    path: str = "here"


@asynccontextmanager
async def open_nothing(settings: Colours, room: Room) -> AsyncIterator[object]:
    yield object()


def offer(name: str, **others: Any) -> Offer[Any]:
    return Offer(name, f"What {name} does", open_nothing, **{"settings": Colours, **others})


def sinks(answer: Callable[[], object]) -> object:
    """A plugin whose only hook gives that answer."""

    class Sinks:
        @hookimpl
        def earmark_sinks(self) -> Any:
            return answer()

    return Sinks()


def loaded(*plugins: tuple[str, object], **others: Any) -> Host:
    host = Host(plugins=plugins, discover=False, **others)
    host.load()
    return host


def raises(error: BaseException) -> Callable[[], object]:
    def answer() -> object:
        raise error

    return answer


def yields_then_raises() -> Iterator[Offer[Any]]:
    yield offer("good")
    raise RuntimeError("half way")


def endless() -> Iterator[Offer[Any]]:
    while True:
        yield offer("more")


GOOD = sinks(lambda: [offer("good")])


def test_nothing_happens_before_a_host_is_loaded() -> None:
    answer = iter([[offer("asked")]])
    host = Host(plugins=[("curious", sinks(lambda: next(answer)))], discover=False)
    assert host.plugins == []
    host.load()
    assert [offered.name for offered in host.offers(Kind.SINK)] == ["asked"]
    assert next(answer, None) is None


def test_an_offer_is_found_by_its_kind_and_name() -> None:
    host = loaded(("shelf", GOOD))
    found = host.find(Kind.SINK, "good")
    assert (found.name, found.kind, found.plugin) == ("good", "sink", "shelf")
    assert host.offers(Kind.SINK) == [found]
    assert host.offers(Kind.SOURCE) == []


BROKEN = {
    "a hook that raises": (sinks(raises(RuntimeError("no\nluck"))), "RuntimeError: no luck"),
    "a hook that exits": (sinks(raises(SystemExit(3))), "SystemExit: 3"),
    "a hook that fails half way": (sinks(yields_then_raises), "RuntimeError: half way"),
    "a hook that cannot stop": (sinks(endless), "more than 256 offers"),
    "an answer that is no list": (sinks(lambda: 7), "gave a int where a list"),
    "a text for a list": (sinks(lambda: "offers"), "gave a str where a list"),
    "an offer that is none": (sinks(lambda: [("good", open_nothing)]), "gave a tuple where an earmark.Offer"),
    "a name that is none": (sinks(lambda: [offer("My Sink!")]), "'My Sink!' is no name"),
    "a name of the wrong type": (sinks(lambda: [offer(3)]), "3 is no name"),  # type: ignore[arg-type]
    "an offer that cannot be opened": (sinks(lambda: [Offer("x", "", None)]), "cannot be opened"),  # type: ignore[arg-type]
    "settings that are no struct": (sinks(lambda: [offer("x", settings=dict)]), "no msgspec.Struct"),
    "an argument that is no setting": (sinks(lambda: [offer("x", argument="file")]), '"file" as its argument'),
    "one name twice": (sinks(lambda: [offer("x"), offer("x")]), 'offers "x" twice'),
    "a name of the core's": (sinks(lambda: [offer("spool")]), "choose another"),
    "no hooks at all": (object(), "it has no hooks"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_listed_with_its_reason_and_nothing_else_suffers(case: str) -> None:
    plugin, reason = BROKEN[case]
    host = loaded(("first", GOOD), ("broken", plugin), ("last", sinks(lambda: [offer("other")])), reserved={"spool"})
    broken = host.plugins[1]
    assert broken.state == "broken" and reason in (broken.reason or "")
    assert broken.offers == ()
    assert [offered.name for offered in host.offers(Kind.SINK)] == ["good", "other"]
    assert not host.manager.is_registered(plugin)


def test_a_hook_with_parameters_that_the_core_does_not_know_breaks_its_plugin() -> None:
    class Sinks:
        @hookimpl
        def earmark_sinks(self, room: str) -> Iterable[Offer[Any]]:
            return [offer(room)]

    host = loaded(("eager", Sinks()), ("good", GOOD))
    assert [plugin.state for plugin in host.plugins] == ["broken", "loaded"]
    assert "room" in (host.plugins[0].reason or "")


def test_a_misspelt_hook_is_named_with_the_right_one() -> None:
    class Sinks:
        @hookimpl
        def earmark_sink(self) -> Iterable[Offer[Any]]:
            return [offer("x")]

    assert 'did you mean "earmark_sinks"' in (loaded(("typo", Sinks())).plugins[0].reason or "")


def test_a_keyboard_interrupt_is_not_taken_for_a_broken_plugin() -> None:
    with pytest.raises(KeyboardInterrupt):
        loaded(("slow", sinks(raises(KeyboardInterrupt()))))


def test_a_name_belongs_to_the_plugin_that_came_first() -> None:
    host = loaded(("first", GOOD), ("second", sinks(lambda: [offer("good")])))
    assert host.find(Kind.SINK, "good").plugin == "first"
    assert 'taken by the plugin "first"' in (host.plugins[1].reason or "")


def test_one_plugin_may_use_a_name_for_several_kinds_and_their_settings_share_a_table() -> None:
    class More(msgspec.Struct, frozen=True, kw_only=True):
        port: int = 1

    class Both:
        @hookimpl
        def earmark_sinks(self) -> Iterable[Offer[Any]]:
            return [offer("mqtt")]

        @hookimpl
        def earmark_checks(self) -> Iterable[Offer[Any]]:
            return [offer("mqtt", settings=More)]

    found = loaded(("both", Both())).find(Kind.SINK, "mqtt")
    assert found.shared_keys == {"path", "port"}


def test_two_plugins_of_one_name_are_told_apart_by_order() -> None:
    host = loaded(("same", GOOD), ("same", sinks(lambda: [offer("other")])))
    assert [plugin.state for plugin in host.plugins] == ["loaded", "broken"]
    assert 'called "same" already' in (host.plugins[1].reason or "")


def test_a_disabled_plugin_is_not_asked_and_not_even_imported() -> None:
    host = loaded(("noisy", sinks(raises(RuntimeError()))), disabled=["noisy"])
    assert host.plugins[0].state == "disabled"
    assert "disable_plugins" in (host.plugins[0].reason or "")


def test_an_unknown_name_is_answered_with_the_nearest_and_with_what_is_missing() -> None:
    host = loaded(("shelf", GOOD), ("mqtt", sinks(raises(OSError("no PortAudio")))))
    with pytest.raises(SettingsError, match='did you mean "good"'):
        host.find(Kind.SINK, "god")
    with pytest.raises(SettingsError, match=r'"mqtt" is broken: OSError: no PortAudio.*earmark plugins'):
        host.find(Kind.SINK, "mqtt")


def test_hooks_of_other_packages_are_collected_like_the_cores() -> None:
    class Ears:
        @hookimpl
        def earmark_recognizers(self) -> Iterable[Offer[Any]]:
            return [offer("parrot")]

        @hookimpl
        def earmark_panels(self) -> Iterable[object]:
            return [object()]

        @hookimpl
        def earmark_with_arguments(self, width: int) -> Iterable[object]:
            raise AssertionError("nobody has asked")

    host = loaded(("ears", Ears()))
    assert host.plugins[0].state == "loaded"
    assert host.find("recognizer", "parrot").plugin == "ears"
    assert [offered.kind for offered in host.all_offers()] == ["recognizer"]


def command(name: str) -> CommandOffer:
    return CommandOffer(name, "Says hello", lambda: click.Command(name))


def commands(*offers: object) -> object:
    class Commands:
        @hookimpl
        def earmark_commands(self) -> Iterable[Any]:
            return offers

    return Commands()


def test_commands_are_offered_once_by_each_name() -> None:
    host = loaded(("a", commands(command("hello"))), ("b", commands(command("hello"))), ("c", commands("hello")))
    assert [offered.name for offered in host.commands()] == ["hello"]
    assert 'a command "hello" already' in (host.plugins[1].reason or "")
    assert "gave a str where" in (host.plugins[2].reason or "")


def test_a_command_cannot_take_the_name_of_one_of_the_cores() -> None:
    host = loaded(("bold", commands(command("listen"))), reserved_commands={"listen"})
    assert 'a command "listen" already' in (host.plugins[0].reason or "")


# -- found through entry points ---------------------------------------------------------------------------------------

PLUGINS = {
    "fine": "from earmark import hookimpl, Offer\n@hookimpl\ndef earmark_sinks(): return [Offer('fine', '', print)]\n",
    "missing_part": "import a_part_that_is_not_there\n",
    "no_library": "raise OSError('PortAudio library not found')\n",
    "leaves": "import sys; sys.exit(3)\n",
    "cancels": "import asyncio; raise asyncio.CancelledError\n",
    "not_python": "def (:\n",
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of distributions with a plugin each, as pip would have left them."""
    for name, source in PLUGINS.items():
        install(tmp_path, name, source)
    install(tmp_path, "gone", "")
    (tmp_path / "guest_gone.py").unlink()
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def by_name(host: Host) -> dict[str, Plugin]:
    return {plugin.name: plugin for plugin in host.plugins}


def test_plugins_are_found_through_entry_points_and_each_failure_stays_its_own(installed: Path) -> None:
    host = Host()
    host.load()
    plugins = by_name(host)
    assert (plugins["fine"].state, plugins["fine"].dist, plugins["fine"].version) == ("loaded", "guest-fine", "1.2")
    reasons = {name: plugin.reason for name, plugin in plugins.items() if plugin.state == "broken"}
    assert "a_part_that_is_not_there" in (reasons["missing_part"] or "")
    assert reasons["no_library"] == "OSError: PortAudio library not found"
    assert reasons["leaves"] == "SystemExit: 3"
    assert reasons["cancels"] == "CancelledError"
    assert "SyntaxError" in (reasons["not_python"] or "")
    assert "guest_gone" in (reasons["gone"] or "")
    assert host.find(Kind.SINK, "fine").plugin == "fine"


def test_a_disabled_entry_point_is_not_imported(installed: Path) -> None:
    host = Host(disabled=["fine", "leaves"])
    host.load()
    assert by_name(host)["leaves"].state == "disabled"
    assert "guest_leaves" not in sys.modules


HEAVY = ("aiohttp", "sounddevice", "paho", "textual", "moonshine_voice", "onnxruntime", "soundfile", "scipy", "torch")


def imported_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_the_core_imports_nothing_heavy() -> None:
    every = "import importlib, pathlib, earmark\n" + (
        "for p in sorted(pathlib.Path(earmark.__file__).parent.rglob('*.py')):\n"
        "    parts = p.relative_to(pathlib.Path(earmark.__file__).parent).with_suffix('').parts\n"
        "    if 'testing' not in parts and parts[-1] != '__main__':\n"
        "        importlib.import_module('.'.join(('earmark', *(x for x in parts if x != '__init__'))))"
    )
    assert imported_by(every).isdisjoint(HEAVY)


def test_loading_every_bundled_plugin_imports_nothing_heavy() -> None:
    code = "from earmark.host import Host\nhost = Host()\nhost.load()\nassert len(host.plugins) >= 8, host.plugins"
    assert imported_by(code).isdisjoint(HEAVY)


def test_asking_for_the_version_imports_neither_numpy_nor_plugins() -> None:
    code = "from earmark.cli.main import main\nassert main(['--version']) == 0"
    found = imported_by(code)
    assert found.isdisjoint({*HEAVY, "numpy", "msgspec", "pluggy", "asyncio", "earmark_file"})
