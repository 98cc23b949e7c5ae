"""Plugins as pip would have left them, for tests of what is found through entry points."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, name: str, source: str) -> None:
    """Put a distribution with one plugin into a folder that is on the path."""
    (folder / f"guest_{name}.py").write_text(source)
    info = folder / f"guest_{name}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: guest-{name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[earmark]\n{name} = guest_{name}\n")
