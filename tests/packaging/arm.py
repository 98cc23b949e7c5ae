"""Download every dependency as a wheel for 64-bit ARM, for each Python and C library of Raspberry Pi OS.

    python tests/packaging/arm.py

Bookworm is Python 3.11 on glibc 2.36, Trixie is Python 3.13 on glibc 2.41. Nothing is installed and nothing is
compiled: a dependency without a wheel is an error.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.11", "3.13")
GLIBCS = (34, 36)
OLDEST_GLIBC = 17


def platforms(glibc: int) -> list[str]:
    """Every wheel platform that a machine with this C library takes."""
    tags = [f"manylinux_2_{minor}_aarch64" for minor in range(OLDEST_GLIBC, glibc + 1)]
    return [word for tag in [*tags, "manylinux2014_aarch64"] for word in ("--platform", tag)]


def download(python: str, glibc: int, requirements: list[str]) -> tuple[int, float]:
    """How many wheels, and how many megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder, "--only-binary=:all:"]
        command += ["--python-version", python, "--constraint", str(ROOT / "constraints.txt"), *platforms(glibc)]
        subprocess.run([*command, *requirements], check=True)
        wheels = list(Path(folder).glob("*.whl"))
        return len(wheels), sum(wheel.stat().st_size for wheel in wheels) / 1e6


def main() -> None:
    """Print a table."""
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    print(f"{'Python':<8}{'glibc':<8}{'wheels':>8}{'MB':>8}")
    for python in PYTHONS:
        for glibc in GLIBCS:
            count, megabytes = download(python, glibc, requirements)
            print(f"{python:<8}2.{glibc:<6}{count:>8}{megabytes:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
