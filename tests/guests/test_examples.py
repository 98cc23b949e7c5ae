"""The example projects are third-party ones: each is installed beside Earmark's wheel into a fresh environment."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT, Installed
from tests.packaging.conftest import installed as installed

PROJECTS = ("webhook", "wyoming", "redact")


@pytest.mark.xdist_group("guests")
@pytest.mark.parametrize("name", PROJECTS)
def test_an_example_is_installed_and_passes_its_own_tests(installed: Installed, name: str, tmp_path: Path) -> None:
    project = tmp_path / name
    shutil.copytree(ROOT / "examples" / f"earmark-{name}", project)
    done = installed.run("install", "--no-index", "--no-deps", project)
    assert done.returncode == 0, done.stderr
    assert f"the plugin {name}" in done.stdout
    listed = json.loads(installed.run("plugins", name, "--json").stdout)
    assert listed[0]["state"] == "loaded", listed
    passed = subprocess.run(
        [installed.python, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project, env=installed.environ, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert passed.returncode == 0, passed.stdout[-3000:]
    gone = installed.run("uninstall", f"earmark-{name}")
    assert "no longer has" in gone.stdout, gone.stderr
    assert "broken" not in installed.run("plugins").stdout


def test_earmark_itself_is_not_uninstalled() -> None:
    words = [sys.executable, "-m", "earmark", "uninstall", "earmark"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Earmark itself" in done.stderr
