from __future__ import annotations

import tomllib
import zipfile

from tests.packaging.conftest import ROOT, Installed


def test_every_package_of_the_checkout_is_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    folders = [ROOT / "core", ROOT / "plugins", ROOT / "tui"]
    found = {str(package.parent.relative_to(ROOT)) for folder in folders for package in folder.glob("*/__init__.py")}
    assert listed == found


def test_the_wheel_holds_what_a_run_needs_besides_code(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    for needed in (
        "earmark/py.typed",
        "earmark_file/recordings/kitchen.flac",
        "earmark_engine/insights/background.txt",
    ):
        assert needed in names
    assert any(name.startswith("earmark_engine/insights/weights/") for name in names)
    assert installed.wheel.stat().st_size < 8_000_000


def test_the_wheel_runs_the_demo(installed: Installed) -> None:
    done = installed.run("demo", "--fast")
    assert done.returncode == 0, done.stderr
    assert "Question" in done.stdout
    assert done.stdout.count("To do") >= 2
    assert "Topics:" in done.stdout


def test_every_bundled_plugin_loads_from_the_wheel(installed: Installed) -> None:
    listed = installed.run("plugins")
    assert listed.returncode == 0, listed.stderr
    assert "broken" not in listed.stdout, listed.stdout
