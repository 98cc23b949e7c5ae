from __future__ import annotations

import subprocess
import sys

from tests.packaging.conftest import Installed

LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(line, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # up and running: the only interface there is
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_the_demo_runs_where_no_network_leads_out(installed: Installed) -> None:
    unshared = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", LOOPBACK_UP]
    done = subprocess.run(
        [*unshared, installed.python.with_name("earmark"), "demo", "--fast"],
        cwd=installed.home,
        env=installed.environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "To do" in done.stdout
    assert "Question" in done.stdout
