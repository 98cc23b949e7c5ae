"""The command line: how commands are found, and how failures are told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from earmark.cli.context import App, pass_app
from earmark.cli.main import COMMANDS, cli, main
from earmark.errors import (
    AlreadyListening,
    ConnectionFailed,
    EarmarkError,
    JournalError,
    PeerRefused,
    SettingsError,
    TokenRefused,
)
from tests.core.guests import install

HELLO = """
import click
from earmark import CommandOffer, hookimpl

def load():
    @click.command()
    @click.option("--room", help="Its own meaning.")
    def hello(room): click.echo(f"hello {room}")
    return hello

def load_nothing(): return 7
def load_badly(): raise RuntimeError("no luck")

@hookimpl
def earmark_commands():
    yield CommandOffer("hello", "Says hello.", load)
    yield CommandOffer("nothing", "Is none.", load_nothing)
    yield CommandOffer("badly", "Cannot be loaded.", load_badly)
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder and a home without any configuration."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("EARMARK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("EARMARK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("EARMARK_RUNTIME", str(tmp_path / "runtime"))
    return tmp_path


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "hello", HELLO)
    monkeypatch.syspath_prepend(tmp_path)


Raising = Callable[[BaseException], None]


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Raising:
    """Adds a command `fail` that raises."""

    def add(error: BaseException) -> None:
        @click.command("fail")
        def fail() -> None:
            raise error

        get = type(cli).get_command
        monkeypatch.setattr(
            type(cli), "get_command", lambda self, ctx, name: fail if name == "fail" else get(self, ctx, name)
        )

    return add


# -- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EarmarkError("it failed"), 1),
        (JournalError("it failed"), 1),
        (ConnectionFailed("it failed"), 1),
        (SettingsError("it failed"), 2),
        (TokenRefused("it failed"), 3),
        (PeerRefused("it failed"), 3),
        (AlreadyListening("it failed"), 4),
    ],
)
def test_a_failure_is_one_line_on_stderr_and_an_exit_code(
    error: EarmarkError, code: int, raising: Raising, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(error)
    assert main(["fail"]) == code
    assert capsys.readouterr() == ("", "earmark: it failed\n")


def test_of_failures_in_a_group_those_that_a_person_can_act_on_are_told(
    raising: Raising, capsys: pytest.CaptureFixture[str]
) -> None:
    led_to = RuntimeError("led to")
    raising(BaseExceptionGroup("several", [led_to, ExceptionGroup("below", [SettingsError("a\nb"), led_to])]))
    assert main(["fail"]) == 2
    assert capsys.readouterr().err == "earmark: a b\n"


def test_a_mistake_of_ours_is_told_without_a_traceback(raising: Raising, capsys: pytest.CaptureFixture[str]) -> None:
    raising(ZeroDivisionError("division by zero"))
    assert main(["fail"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "ZeroDivisionError: division by zero (EARMARK_DEBUG=1 shows where)" in told


def test_a_traceback_is_shown_to_who_asks_for_it(raising: Raising, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_DEBUG", "1")
    raising(SettingsError("it failed"))
    with pytest.raises(SettingsError):
        main(["fail"])


def test_an_error_of_the_system_names_its_file(raising: Raising, capsys: pytest.CaptureFixture[str]) -> None:
    raising(PermissionError(13, "Permission denied", "/etc/shadow"))
    assert main(["fail"]) == 1
    assert capsys.readouterr().err == "earmark: /etc/shadow: Permission denied\n"


def test_an_interrupted_command_is_silent_and_ends_with_130(
    raising: Raising, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(KeyboardInterrupt())
    assert main(["fail"]) == 130
    assert capsys.readouterr().err.strip() == ""


def test_a_question_that_was_declined_is_a_plain_failure(raising: Raising) -> None:
    raising(click.Abort())
    assert main(["fail"]) == 1


def test_a_command_that_exits_ends_with_its_code(raising: Raising) -> None:
    raising(SystemExit(7))
    assert main(["fail"]) == 7


def test_a_reader_who_has_gone_is_no_failure(elsewhere: Path) -> None:
    command = f"{sys.executable} -m earmark init --stdout --all | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments", [["--nonsense"], ["plugins", "--nonsense"], ["completion", "tcsh"], ["completion"]]
)
def test_a_wrong_command_line_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Usage: earmark" in capsys.readouterr().err


def test_an_unknown_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugin"]) == 2
    assert 'There is no command "plugin"; did you mean "plugins"?' in capsys.readouterr().err


# -- commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_core_can_be_loaded_and_explains_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    assert f"earmark {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_loading_a_command_of_the_core_loads_no_plugin(name: str) -> None:
    app = App()
    command = cli.get_command(click.Context(cli, obj=app), name)
    assert command is not None
    assert "host" not in vars(app)


@pytest.mark.usefixtures("guest")
def test_commands_of_plugins_are_in_the_help_and_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "Commands of plugins:" in (told := capsys.readouterr().out)
    assert "Says hello." in told
    assert main(["hello", "--room", "you", "--set", "rate=8000"]) == 0
    assert capsys.readouterr().out == "hello you\n"


@pytest.mark.usefixtures("guest")
@pytest.mark.parametrize(("name", "told"), [("badly", "RuntimeError: no luck"), ("nothing", "is no click command")])
def test_a_plugins_command_that_cannot_be_loaded_is_a_plain_failure(
    name: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name]) == 1
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("guest")
def test_the_command_of_a_disabled_plugin_is_missed_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EARMARK_DISABLE_PLUGINS", "hello")
    assert main(["hello"]) == 2
    assert 'The plugin "hello" is disabled: switched off by disable_plugins.' in capsys.readouterr().err


# -- options ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Adds a command `look` that writes down what it was handed."""
    seen: list[tuple[str, int, int]] = []

    @click.command("look")
    @pass_app
    def look(app: App) -> None:
        seen.append((app.config.settings.room, app.config.settings.rate, app.verbosity))

    from earmark.cli import main as module

    get = type(cli).get_command
    wrapped = module._with_shared_options(look)  # noqa: SLF001 - what the group does with every command
    monkeypatch.setattr(
        type(cli), "get_command", lambda self, ctx, name: wrapped if name == "look" else get(self, ctx, name)
    )
    return seen


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "a.toml", "--room", "kitchen", "--set", "rate=8000", "-v", "look"],
        ["look", "--config", "a.toml", "--room", "kitchen", "--set", "rate=8000", "-v"],
        ["--config", "a.toml", "-v", "look", "--room", "kitchen", "--set", "rate=8000"],
    ],
)
def test_the_options_of_earmark_may_stand_before_and_after_the_command(
    arguments: list[str], rooms: list[tuple[str, int, int]], elsewhere: Path
) -> None:
    (elsewhere / "a.toml").write_text("room = 'cellar'\nrate = 48000")
    assert main(arguments) == 0
    assert rooms == [("kitchen", 8000, 1)]


def test_a_rooms_name_is_taken_as_it_is(rooms: list[tuple[str, int, int]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--room", "12", "look"]) == 0
    assert rooms[0][0] == "12"
    assert main(["--room", "../x", "look"]) == 2
    assert "cannot be a room's name" in capsys.readouterr().err


def test_a_broken_configuration_is_told_by_whatever_reads_it(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "earmark.toml").write_text("romo = 'x'")
    assert main(["config"]) == 2
    assert capsys.readouterr().err == 'earmark: earmark.toml: romo: there is no such setting; did you mean "room"?\n'
    assert main(["plugins"]) == 0
