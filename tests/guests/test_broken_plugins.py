"""Deliberately broken plugins fail the checks that are meant for them, and no check lets them all through."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from earmark.cli.new_plugin import write_project

# (kind, what is replaced in a plugin that is right, by what, the check that must find it)
BREAKS = [
    ("sink", '    """The file that marks are appended to."""\n', "", "test_every_setting_is_documented"),
    ("sink", "import asyncio\n", "import asyncio\nimport aiohttp as aiohttp\n", "test_importing_it_is_light"),
    ("sink", "import asyncio\n", "import asyncio\nimport threading, time\nthreading.Thread(target=time.sleep, "
     "args=(3,), daemon=True).start()\n", "test_importing_it_is_light"),
    ("sink", "        async for event in events:\n", "        return\n        async for event in events:\n",
     "test_it_takes_every_kind_of_event"),
    ("sink", "        async for event in events:\n", "        import time\n        time.sleep(0.2)\n"
     "        async for event in events:\n", "test_it_never_holds_up_the_event_loop"),
    ("sink", "    yield Demo(settings)\n",
     "    asyncio.create_task(asyncio.sleep(99))\n    yield Demo(settings)\n",
     "test_it_leaves_no_task_behind"),
    ("sink", "    yield Demo(settings)\n", "    open('/dev/null').fileno() and __import__('os').open('/dev/null', 0)\n"
     "    yield Demo(settings)\n", "test_it_leaves_no_file_or_socket_open"),
    ("sink", "    yield Demo(settings)\n",
     "    try:\n        yield Demo(settings)\n    except Exception:\n        pass\n",
     "test_it_does_not_swallow"),
    ("sink", "frozen=True, ", "", "test_its_settings_are_frozen"),
    ("sink", '"Append marks to a file."', '"marks"', "test_its_help_is_one_short_sentence"),
    ("sink", "    path: Path\n", "    path: Path\n    token: str = ''\n", "test_what_is_secret_is_a_secret"),
    ("source", "position += length", "position += length + 1", "test_positions_count_from_zero_without_holes"),
    ("source", "position=position, at", "position=position + 5, at", "test_positions_count_from_zero_without_holes"),
    ("source", ".astype(np.int16)", ".astype(np.float32)", "test_its_sound_is_16_bit_mono"),
    ("source", "rate=rate, position", "rate=8000, position", "test_its_sound_is_16_bit_mono"),
    ("source", "_FRAME_SECONDS = 0.1", "_FRAME_SECONDS = 0.7", "test_frames_are_short"),
    ("filter", "return [replace(item, samples=louder)]", "return []", "test_every_sample_goes_on"),
    ("filter", "            return [item]\n", "            return []\n", "test_what_was_lost_before_it_stays_lost"),
    ("filter", ".astype(np.int16)", "", "test_its_sound_stays_16_bit_mono"),
    ("enricher", 'replace(event, text=" ".join(words))', 'replace(event, text=" ".join(words), id="new")',
     "test_what_it_changes_keeps_its_id"),
    ("enricher", "            return [event]\n", "            return [None]\n", "test_it_gives_events_for_every_kind"),
    ("transport", "uuid.uuid4().hex\n\n    @", '"same"\n\n    @', "test_connection_ids_are_unique"),
    ("transport", "        self._told.put_nowait(None)\n", "        await asyncio.sleep(0)\n",
     "test_a_conversation_begins_and_ends"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "right", "wrong", "check"), BREAKS, ids=[f"{b[0]}-{n}" for n, b in enumerate(BREAKS)])
def test_the_right_check_fails(tmp_path: Path, kind: str, right: str, wrong: str, check: str) -> None:
    project = write_project("demo", kind, tmp_path)
    plugin = project / "earmark_demo" / "plugin.py"
    code = plugin.read_text()
    assert right in code
    plugin.write_text(code.replace(right, wrong, 1))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", check, "tests"],
        cwd=project, env={"PYTHONPATH": str(project), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout[-2000:]
    assert f"::{check}" in done.stdout
