"""What the integrations that a headless Home Assistant loads by itself need: `requirements.py FOLDER_OF_HOMEASSISTANT`.

Without these it goes into recovery mode.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

WANTED = {"mqtt", "api", "http", "local_todo", "todo", "automation", "persistent_notification", "input_text"}
WANTED |= {"sensor", "binary_sensor", "switch", "button", "event", "number", "select", "device_automation"}


def main(base: Path) -> None:
    """Print one requirement a line."""
    bootstrap = (base / "bootstrap.py").read_text()
    defaults = re.search(r"DEFAULT_INTEGRATIONS = \{(.*?)\n\}", bootstrap, re.DOTALL)
    assert defaults, "this version lists its default integrations elsewhere"
    left = WANTED | set(re.findall(r'"(\w+)"', defaults[1]))
    seen: set[str] = set()
    needs: set[str] = set()
    while left:
        name = left.pop()
        manifest = base / "components" / name / "manifest.json"
        if name in seen or not manifest.exists():
            continue
        seen.add(name)
        told = json.loads(manifest.read_text())
        needs |= set(told.get("requirements", []))
        left |= set(told.get("dependencies", []))
    print("\n".join(sorted(needs)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
