"""Another look at what microphones there are, without disturbing the one that is open.

PortAudio's list is made when it is initialised and never changes, so a process of its own is asked each time.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from earmark.errors import SourceError, SourceFailed
from earmark_mic.listing import NO_PORTAUDIO
from earmark_mic.wire import Listing

_LOOK_SECONDS = 15


async def look() -> Listing:
    """What microphones there are now; raises `SourceFailed` without PortAudio, `SourceError` without an answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # what lies in the working folder is not to be imported
        "-m",
        "earmark_mic.listing",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise SourceError("The system does not say which microphones there are; is its sound server hung?") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 2:
        raise SourceFailed(NO_PORTAUDIO)
    try:
        return msgspec.json.decode(output, type=Listing)
    except msgspec.MsgspecError:
        raise SourceError("PortAudio failed while it was looking for microphones; it is asked again.") from None
