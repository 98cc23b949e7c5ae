"""The commands that look after an installation: plugins, config, init, doctor and completion."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from earmark.apart import room_apart
from earmark.checks import clock_diagnosis, folder_diagnosis, space_diagnosis
from earmark.cli.main import main
from earmark.config import Config, Settings
from earmark.errors import EarmarkError
from earmark.events import State
from earmark.hookspecs import Verdict
from earmark.host import Host
from tests.core.guests import install

GUEST = '''
import asyncio, time
from contextlib import asynccontextmanager
import msgspec
from earmark import Diagnosis, Offer, Secret, Verdict, hookimpl

class Settings(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    """Where it is."""
    password: Secret | None = None
    """Nobody knows."""

@asynccontextmanager
async def open_sink(settings, room):
    yield None

class Check:
    def __init__(self, room): self.room = room
    async def diagnose(self):
        return [
            Diagnosis("well", Verdict.OK, f"in {self.room.name}", "unseen advice"),
            Diagnosis("sick", Verdict.FAILED, "it is lost", "Find it."),
        ]

def opens(diagnose):
    @asynccontextmanager
    async def open_check(settings, room):
        check = Check(room)
        if diagnose:
            check.diagnose = diagnose
        yield check
    return open_check

async def hangs(): await asyncio.sleep(3600)
async def blocks(): time.sleep(4)
async def exits(): raise SystemExit(3)
async def babbles(): return ["fine"]

@hookimpl
def earmark_sinks():
    yield Offer("beacon", "Shines.", open_sink, settings=Settings, argument="host")

@hookimpl
def earmark_checks():
    yield Offer("general", "Looks around.", opens(None))
    yield Offer("hangs", "Hangs.", opens(hangs))
    yield Offer("blocks", "Blocks.", opens(blocks))
    yield Offer("exits", "Exits.", opens(exits))
    yield Offer("babbles", "Babbles.", opens(babbles))
    yield Offer("beacon", "Needs settings.", opens(None), settings=Settings)
'''


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, a home and a guest, without any configuration and without the bundled plugins."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("EARMARK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("EARMARK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("EARMARK_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setenv("EARMARK_DISABLE_PLUGINS", "engine,file,gate,http,mic,mqtt,symbl,tui")
    install(tmp_path, "guest", GUEST)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


BEACON = ["--set", "sinks=beacon:lighthouse", "--set", "beacon.password=hunter2"]


# -- plugins ----------------------------------------------------------------------------------------------------------


def test_plugins_are_listed_with_what_they_offer_and_what_is_wrong(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(home, "ill", "raise OSError('PortAudio library not found')")
    assert main(["plugins"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"guest +loaded +guest-guest 1.2 \(guest_guest\)", told)
    assert re.search(r"sink +beacon +Shines\.", told)
    assert re.search(r"ill +broken +guest-ill 1.2", told)
    assert "OSError: PortAudio library not found" in told
    assert re.search(r"mqtt +disabled", told)


def test_a_plugins_settings_are_told_with_type_default_and_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "beacon"]) == 0
    told = capsys.readouterr().out
    assert "sink beacon: Shines." in told
    assert "beacon:VALUE sets host" in told
    assert "  host: text, required\n      Where it is." in told
    assert "  password: secret, not set\n      Nobody knows." in told


def test_plugins_can_be_read_by_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--json"]) == 0
    found = {plugin["name"]: plugin for plugin in json.loads(capsys.readouterr().out)}
    offered = {"kind": "check", "name": "general", "help": "Looks around.", "running": None}
    assert found["guest"]["offers"][0] == offered
    assert found["mic"]["state"] == "disabled"
    assert main(["plugins", "guest", "--json"]) == 0
    (guest,) = json.loads(capsys.readouterr().out)
    (beacon,) = [offer for offer in guest["settings"] if offer["offer"] == "beacon" and offer["kind"] == "sink"]
    assert beacon["argument"] == "host"
    assert [key["variable"] for key in beacon["keys"]] == ["EARMARK_BEACON_HOST", "EARMARK_BEACON_PASSWORD"]


def test_asking_for_a_plugin_that_is_not_there_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "becon"]) == 2
    assert 'called "becon"; did you mean "beacon"?' in capsys.readouterr().err


def test_asking_for_a_broken_plugin_tells_why_and_fails(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(home, "ill", "raise OSError('PortAudio library not found')")
    assert main(["plugins", "ill"]) == 1
    assert "OSError: PortAudio library not found" in capsys.readouterr().out


# -- config -----------------------------------------------------------------------------------------------------------

STAGES = ["--set", "source=none", "--set", "transport=none"]


@pytest.fixture
def staged(home: Path) -> None:
    """What a configuration needs to be whole."""
    stages = (
        "from earmark import Offer, hookimpl\n"
        "@hookimpl\ndef earmark_sources(): yield Offer('silence', '', print)\n"
        "@hookimpl\ndef earmark_transports(): yield Offer('nowhere', '', print)\n"
    )
    install(home, "stages", stages)
    (home / "earmark.toml").write_text("source = 'silence'\nfilters = []\ntransport = 'nowhere'\nsinks = []\n")


@pytest.mark.usefixtures("staged")
def test_the_settings_that_count_are_shown_with_their_origins_and_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_SPOOL_SECONDS", "5 min")
    assert main(["config", *BEACON]) == 0
    told = capsys.readouterr().out
    assert "hunter2" not in told
    lines = {line.partition(" ")[0]: line.split() for line in told.splitlines() if line and line[0] not in "#["}
    assert lines["source"][-1] == "earmark.toml"
    assert lines["seconds"][-4:] == ['"5', 'min"', "#", "EARMARK_SPOOL_SECONDS"]
    assert lines["host"][2:] == ['"lighthouse"', "#", "--set"]
    assert lines["rate"][2:] == ["16000", "#", "default"]
    assert tomllib.loads(told)["beacon"]["password"] == "••••"


@pytest.mark.usefixtures("staged")
def test_the_settings_that_count_can_be_read_by_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--json", "--set-only", *BEACON]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"table": "beacon", "key": "host", "value": "lighthouse", "origin": "--set"} in rows
    assert not [row for row in rows if row["origin"] == "default"]
    assert "hunter2" not in str(rows)


def test_a_configuration_that_would_not_run_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 2
    assert 'There is no source called "mic". The plugin "mic" is disabled' in capsys.readouterr().err


# -- init -------------------------------------------------------------------------------------------------------------


def test_a_file_is_written_for_its_owner_alone_and_never_over_another(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    written = home / "earmark.toml"
    assert written.stat().st_mode & 0o077 == 0
    before = written.read_text()
    assert main(["init"]) == 1
    assert "earmark.toml is there already; name another file" in capsys.readouterr().err
    assert written.read_text() == before
    assert main(["init", "--output", "no/such/folder.toml"]) == 1
    assert "folder.toml cannot be written (No such file or directory)" in capsys.readouterr().err


def uncommented(text: str) -> str:
    """The text with every setting that has a default no longer commented out."""
    return re.sub(r"^# ([\w-]+ = .+)$", r"\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize("disabled", ["", "file"])
def test_what_is_written_is_valid_with_and_without_its_comment_signs(
    disabled: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_DISABLE_PLUGINS", disabled)
    assert main(["init", "--all", "--stdout"]) == 0
    text = capsys.readouterr().out
    host = Host(disabled=[disabled])
    host.load()
    for name, content in (("a.toml", text), ("b.toml", uncommented(text))):
        (home / name).write_text(content)
        config = Config.load(home / name, environ={})
        config.check(host)
        assert config.settings == Settings()
    assert len(tomllib.loads(uncommented(text))) > 15


def test_further_stages_are_explained_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--stdout"]) == 0
    assert "[beacon]" not in capsys.readouterr().out
    assert main(["init", "--stdout", "beacon"]) == 0
    assert "[beacon]\n\n# Where it is. (text, required)\n# host =\n" in capsys.readouterr().out
    assert main(["init", "--stdout", "becon"]) == 2
    assert 'did you mean "beacon"' in capsys.readouterr().err


# -- doctor -----------------------------------------------------------------------------------------------------------


def diagnosed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["doctor", "--json", "--limit", "0.3", *arguments]) == 1
    return {found["subject"]: found for found in json.loads(capsys.readouterr().out)}


@pytest.mark.usefixtures("staged")
def test_every_check_is_asked_and_none_can_silence_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnosed([], capsys)
    assert found["configuration"]["verdict"] == "ok"
    assert found["state folder"]["verdict"] == "ok"
    assert found["well"] == {
        "subject": "well", "verdict": "ok", "message": "in room", "advice": "unseen advice",
    }  # fmt: skip
    assert found["hangs"]["message"] == "The check itself failed: it took too long."
    assert found["blocks"]["message"] == "The check did not answer within 0.3 s."
    assert found["exits"]["message"] == "The check itself failed: SystemExit: 3."
    assert "gave a str where a Diagnosis" in found["babbles"]["message"]
    assert found["beacon"] == {
        "subject": "beacon", "verdict": "skipped", "message": "It is not in use.", "advice": "",
    }  # fmt: skip


@pytest.mark.usefixtures("staged")
def test_the_check_of_a_stage_in_use_is_asked_with_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert "beacon" not in diagnosed(["--set", "sinks=beacon", "--set", "beacon.host=x"], capsys)
    found = diagnosed(["--set", "sinks=beacon"], capsys)
    assert "[beacon] host: this setting is missing" in found["beacon"]["message"]
    assert found["configuration"]["verdict"] == "failed"


def test_a_broken_configuration_and_a_broken_plugin_are_failures_with_advice(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "earmark.toml").write_text("romo = 1")
    install(home, "ill", "import nothing_of_that_name")
    found = diagnosed([], capsys)
    assert "earmark.toml: romo: there is no such setting" in found["configuration"]["message"]
    assert "nothing_of_that_name" in found["plugin ill"]["message"]
    assert 'disable_plugins = ["ill"]' in found["plugin ill"]["advice"]
    assert found["state folder"]["verdict"] == "ok"


@pytest.mark.usefixtures("staged")
def test_people_are_told_what_to_do_about_what_fails_and_nothing_about_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--limit", "0.3"]) == 1
    told = capsys.readouterr().out
    assert "FAILED   sick: it is lost\n         Find it.\n" in told
    assert "ok       well: in room\n" in told and "unseen advice" not in told
    assert re.search(r"\d+ of \d+ checks failed\.\n$", told)


def test_nothing_that_fails_means_exit_code_0(
    staged: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_DISABLE_PLUGINS", "guest,engine,file,gate,http,mic,mqtt,symbl,tui")
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("Nothing failed.\n")


def test_a_folder_that_cannot_be_written_is_a_failure(home: Path) -> None:
    (home / "file").write_text("")
    found = folder_diagnosis("state folder", home / "file" / "room", "state_folder")
    assert found.verdict is Verdict.FAILED and "Not a directory" in found.message
    assert folder_diagnosis("state folder", Path("/proc/room"), "state_folder").verdict is Verdict.FAILED


@pytest.mark.usefixtures("staged")
def test_a_file_with_a_secret_that_others_can_read_is_warned_of(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, mode in (("inline.toml", 0o644), ("shut.toml", 0o600)):
        text = 'source = "silence"\nfilters = []\ntransport = "nowhere"\nsinks = ["beacon:x"]\n'
        (home / name).write_text(f'{text}[beacon]\npassword = "hunter2"\n')
        (home / name).chmod(mode)
    assert diagnosed(["--config", "inline.toml"], capsys)["secrets"]["advice"].endswith("chmod 600 inline.toml")
    assert "secrets" not in diagnosed(["--config", "shut.toml"], capsys)


def test_a_full_disk_fails_and_a_nearly_full_one_warns(home: Path) -> None:
    verdicts = [space_diagnosis("disk", home, free).verdict for free in (10**6, 10**8, 10**10)]
    assert verdicts == [Verdict.FAILED, Verdict.WARNING, Verdict.OK]


def test_a_clock_that_was_never_set_is_noticed(home: Path) -> None:
    assert clock_diagnosis(0.0, home / "none").verdict is Verdict.FAILED
    assert clock_diagnosis(1.8e9, home / "none").verdict is Verdict.OK
    assert clock_diagnosis(1.8e9, home).verdict is Verdict.WARNING
    (home / "synchronized").touch()
    assert clock_diagnosis(1.8e9, home).verdict is Verdict.OK


async def test_a_room_apart_can_be_looked_at_and_refuses_the_rest(home: Path) -> None:
    room = room_apart(Settings(room="kitchen"), {"EARMARK_STATE": str(home)}, kind="check", name="mic")
    assert room.folder == home / "kitchen" / "mic" and not room.folder.exists()
    assert room.controls.status().state is State.STOPPED
    assert room.controls.tuned("gate", "threshold", 0.5) == 0.5
    assert [event async for event in room.watch()] == []
    assert await room.archive.read(0) == []
    with pytest.raises(EarmarkError, match='Nothing listens in the room "kitchen"; start it'):
        await room.controls.mute(by="cli")


# -- completion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_EARMARK_COMPLETE" in capsys.readouterr().out


def test_bash_completes_a_command_with_that_script(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = home / "completion.bash"
    script.write_text(capsys.readouterr().out)
    earmark = Path(sys.executable).with_name("earmark")
    call = f"COMP_WORDS=(earmark hist); COMP_CWORD=1; _earmark_completion {earmark}"
    line = f'source {script}; {call}; echo "${{COMPREPLY[@]}}"'
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run([bash, "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "history"
