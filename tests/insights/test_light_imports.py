"""What the insights need is loaded when it is first needed, and not before."""

from __future__ import annotations

import subprocess
import sys

MODULES = "who due topics sentiment trackers entities sentences"


def test_importing_the_insights_loads_no_library() -> None:
    names = ", ".join(MODULES.split())
    code = f"import sys; from earmark_engine.insights import {names}; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"parsedatetime", "vaderSentiment", "numpy"}.intersection(run.stdout.split())
