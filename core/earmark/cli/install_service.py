"""`earmark install-service`: listen from the start of the machine, under systemd's eyes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click

from earmark.cli.context import App, pass_app
from earmark.errors import EarmarkError
from earmark.service_unit import Unit


@click.command(name="install-service")
@click.option("--user", "scope", flag_value="user", default=True, help="For this user, with lingering (the default).")
@click.option("--system", "scope", flag_value="system", help="For the machine, under a user of its own; needs root.")
@click.option(
    "--credential", "credentials", multiple=True, metavar="TABLE.KEY=FILE", help="A secret that systemd hands over."
)
@click.option("--uninstall", is_flag=True, help="Stop it and take it away; what was heard stays.")
@click.option("--print", "only_print", is_flag=True, help="Print the unit and do nothing.")
@pass_app
def install_service(app: App, *, scope: str, credentials: tuple[str, ...], uninstall: bool, only_print: bool) -> None:
    """Listen from the start of the machine, as a service of systemd.

    The service is started again when it fails or stops doing its work. `earmark tui`, `status`, `history` and `doctor`
    find it as they find any listener of yours.
    """
    unit = unit_for(app, system=scope == "system", credentials=credentials)
    if only_print:
        click.echo(unit.text(), nl=False)
        return
    manager = Manager(system=unit.system)
    if uninstall:
        manager.uninstall(unit)
        click.echo(f"{unit.name} is stopped and gone. What was heard is kept: earmark forget --all deletes it.")
        return
    app.config.check(app.host)
    manager.install(unit)
    click.echo(f"{unit.name} runs, and will after every start of the machine.")
    click.echo(f"  its log     journalctl {manager.flag}-u {unit.name} -f")
    click.echo(f"  its state   earmark --room {unit.room} status")
    click.echo("  take away   earmark install-service --uninstall")


def unit_for(app: App, *, system: bool, credentials: tuple[str, ...] = ()) -> Unit:
    """The unit for the configuration that counts now."""
    config = app.config.path.absolute() if app.config.path else None
    if system and config is not None and Path("/home") in config.parents:
        raise EarmarkError(f"{config}: the service cannot read a home; move it to /etc/earmark/earmark.toml.")
    handed = [_credential(text) for text in credentials]
    return Unit(program=_program(), config=config, room=app.config.settings.room, system=system, credentials=handed)


def _credential(text: str) -> tuple[str, Path]:
    key, separator, file = text.partition("=")
    if not separator or "." not in key:
        raise click.UsageError(f"--credential {text}: write it as mqtt.password=/path/to/file.")
    if not Path(file).is_file():
        raise EarmarkError(f"{file}: there is no such file with a secret.")
    return key, Path(file).absolute()


def _program() -> Path:
    """The `earmark` that runs now, by its whole path."""
    beside = Path(sys.executable).with_name("earmark")
    found = beside if beside.exists() else shutil.which("earmark")
    if found is None:
        raise EarmarkError("The program `earmark` is not found; install Earmark as INSTALL.md says.")
    return Path(found).absolute()


class Manager:
    """The service manager of the machine, or of the user."""

    def __init__(self, *, system: bool) -> None:
        self._system = system
        self.flag = "" if system else "--user "

    def install(self, unit: Unit) -> None:
        """Write the unit and start it; raises `EarmarkError` with the command to give by hand."""
        self._ready()
        path = self._folder() / unit.name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(unit.text())
        except OSError as error:
            raise EarmarkError(f"{path}: cannot be written ({error.strerror}).") from None
        if self._system:
            self._user(unit.user)
        else:
            self._run("loginctl", "enable-linger")
        self._systemctl("daemon-reload")
        self._systemctl("enable", "--now", unit.name)

    def uninstall(self, unit: Unit) -> None:
        """Stop the unit and remove it."""
        self._ready()
        path = self._folder() / unit.name
        if not path.exists():
            raise EarmarkError(f"{path}: there is no such service; --room names another one.")
        self._systemctl("disable", "--now", unit.name)
        path.unlink()
        self._systemctl("daemon-reload")

    def _folder(self) -> Path:
        if self._system:
            return Path("/etc/systemd/system")
        base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        return Path(base) / "systemd" / "user"

    def _ready(self) -> None:
        if shutil.which("systemctl") is None or not Path("/run/systemd/system").exists():
            raise EarmarkError("systemd does not run here; start `earmark listen` by the means of this machine.")
        if self._system and os.geteuid() != 0:
            raise EarmarkError("A service of the machine takes root: sudo earmark install-service --system.")

    def _user(self, name: str) -> None:
        """Make the user that the service runs as, if there is none."""
        if subprocess.run(["id", name], capture_output=True, check=False).returncode != 0:  # noqa: S603, S607 # fixed words
            self._run("useradd", "--system", "--groups", "audio", "--home-dir", "/var/lib/earmark", name)

    def _systemctl(self, *words: str) -> None:
        self._run("systemctl", *([] if self._system else ["--user"]), *words)

    def _run(self, *words: str) -> None:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 # words of our own
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines()
            raise EarmarkError(f"`{' '.join(words)}` failed: {reason[-1] if reason else done.returncode}")
