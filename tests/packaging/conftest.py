"""The wheel, built once and installed beside the libraries that are there already."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installed:
    """An environment that holds Earmark's wheel and none of the checkout."""

    wheel: Path
    python: Path
    home: Path

    @property
    def environ(self) -> Mapping[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {**kept, "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.home / "run"), "NO_COLOR": "1"}

    def run(self, *words: str | Path, timeout: float = 100) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python.with_name("earmark"), *words],
            cwd=self.home,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-deps"]
    pip = [sys.executable, "-m", "pip"]
    subprocess.run([*pip, "wheel", *quiet, "--no-build-isolation", "--wheel-dir", folder, ROOT], check=True)
    (wheel,) = folder.glob("earmark-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", *quiet, "--no-index", wheel], check=True)
    packages = next((folder / "env" / "lib").glob("python3*/site-packages"))
    # The libraries come from this environment; a `.pth` adds them without the checkout's own editable install.
    (packages / "libraries.pth").write_text(f"import sys; sys.path.append({sysconfig.get_path('purelib')!r})\n")
    home = folder / "home"
    (home / "run").mkdir(parents=True)
    return Installed(wheel, python, home)
