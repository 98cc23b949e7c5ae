"""Copying to the clipboard of whoever sits before the terminal, through tmux, screen and ssh.

OSC 52 asks the terminal itself. tmux takes that from programs only where `set-clipboard` is `on`, so it is also asked
in its own way where it runs on this machine, and is begged to pass the request on where it runs on another.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import Mapping

_MOST_BYTES = 100_000
_SCREEN_CHUNK = 76
_TMUX_SECONDS = 2.0


def sequences(text: str, environ: Mapping[str, str]) -> list[str]:
    """What to write to the terminal, in order."""
    encoded = base64.b64encode(text.encode()[:_MOST_BYTES]).decode()
    osc = f"\x1b]52;c;{encoded}\a"
    term = environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith("tmux"):
        return [osc, f"\x1bPtmux;{osc.replace(chr(27), chr(27) * 2)}\x1b\\"]
    if environ.get("STY") or term.startswith("screen"):
        # screen cuts off what is longer than its buffer, so it is passed on piece by piece.
        pieces = [osc[at : at + _SCREEN_CHUNK] for at in range(0, len(osc), _SCREEN_CHUNK)]
        return [osc, "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)]
    return [osc]


async def tell_tmux(text: str, environ: Mapping[str, str]) -> bool:
    """Give the text to the tmux that this runs in, if it does; it hands it on to the terminal. Whether it took it."""
    program = shutil.which("tmux") if environ.get("TMUX") else None
    if program is None:
        return False
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "load-buffer",
            "-w",
            "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_TMUX_SECONDS):
            await process.communicate(text.encode()[:_MOST_BYTES])
    except TimeoutError:
        process.kill()
        await process.wait()
    return process.returncode == 0
