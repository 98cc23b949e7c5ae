"""Is a room heard as well as its recording, and what does a pulled plug cost?

    python -m tests.soak.room

Each recording is heard once as a file and once from a virtual microphone by `earmark listen`; the word error rates are
printed side by side. In a last run the plug is pulled and pushed in again in mid-conversation.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr

from earmark.audio import FULL_SCALE, to_int16
from earmark.events import AnyEvent, ConversationStarted, Gap, Utterance, decode
from tests.bench.recordings import Recording, bundled, errors, words
from tests.file.rooms import until
from tests.mic.sound_server import RATE, SoundServer

_RATE = 16_000
_OPEN_SECONDS = 60.0
_LAST_WORDS_SECONDS = 6.0
_END_SECONDS = 60.0
_PULL_AFTER_SECONDS = 18.0
_PULLED_SECONDS = 4.0


async def listen(
    folder: Path, *words_given: str, meanwhile: Callable[[], Awaitable[None]] | None = None
) -> list[AnyEvent]:
    """What `earmark listen` writes; it is ended as by Ctrl-C once `meanwhile` is over."""
    output = folder / "heard.jsonl"
    output.unlink(missing_ok=True)
    command = ["-m", "earmark", "listen", *words_given, "--sink", f"jsonl:{output}", "--set", "room=soak"]
    with (folder / "listen.log").open("a") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=folder,
            stdout=log,
            stderr=log,
            env=os.environ | {"EARMARK_STATE": str(folder)},
        )
        if meanwhile:
            await meanwhile()
            assert process.returncode is None, (folder / "listen.log").read_text()
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(_END_SECONDS + 120):
            code = await process.wait()
    print(f"  earmark listen {' '.join(words_given[:2])} ended with {code}", flush=True)
    return [decode(line) for line in output.read_bytes().splitlines()]


def heard(events: list[AnyEvent]) -> list[str]:
    """The words of all utterances, in the order in which they were said."""
    utterances = sorted((event for event in events if isinstance(event, Utterance)), key=lambda event: event.at)
    return words(" ".join(utterance.text for utterance in utterances))


async def compare(server: SoundServer, folder: Path, recording: Recording) -> None:
    """Hear a recording both ways."""
    path = folder / "recording.wav"
    soundfile.write(path, recording.samples, _RATE)
    said = words(recording.said)
    for name, events in {
        "file": await listen(folder, "--source", f"file:{path}", "--fast"),
        "microphone": await listen(folder, "--source", "mic", meanwhile=lambda: speak(server, recording)),
    }.items():
        rate = 100 * errors(said, heard(events)) / len(said)
        gaps = sum(isinstance(event, Gap) for event in events)
        print(f"{recording.name:12} {name:10} word error rate {rate:5.1f} %, gaps {gaps}", flush=True)


async def speak(server: SoundServer, recording: Recording) -> None:
    """Wait for somebody who listens, then say it."""
    await until(lambda: bool(server.recorders()), seconds=_OPEN_SECONDS)
    await asyncio.sleep(3)
    # Brought to the air's rate here: the sound server's own resampler is a poor one.
    sound = to_int16(soxr.resample(recording.samples.astype(np.float32) / FULL_SCALE, _RATE, RATE))
    with server.playing("kitchen", sound):
        await asyncio.sleep(recording.seconds + _LAST_WORDS_SECONDS)


async def pull_the_plug(server: SoundServer, folder: Path, recording: Recording) -> None:
    """Lose the microphone for a while in the middle."""

    async def lose() -> None:
        await asyncio.sleep(3 + _PULL_AFTER_SECONDS)
        server.pull("kitchen")
        await asyncio.sleep(_PULLED_SECONDS)
        server.push("kitchen")

    async def meanwhile() -> None:
        await until(lambda: bool(server.recorders()), seconds=_OPEN_SECONDS)
        await asyncio.gather(speak(server, recording), lose())

    events = await listen(folder, "--source", "mic", "--set", "mic.device=kitchen", meanwhile=meanwhile)
    for event in events:
        if isinstance(event, Gap):
            print(f"gap at {event.start:.1f} s: {event.seconds:.1f} s, {event.cause}, {event.outcome}")
    conversations = sum(isinstance(event, ConversationStarted) for event in events)
    print(f"unplugged for {_PULLED_SECONDS:g} s: {conversations} conversation, {len(heard(events))} words heard")


async def run(folder: Path) -> None:
    """All of it."""
    server = SoundServer(folder)
    os.environ.update({name: server.environ[name] for name in ("HOME", "XDG_RUNTIME_DIR")})
    server.plug("kitchen")
    try:
        recordings = list(bundled())
        for recording in recordings:
            await compare(server, folder, recording)
        await pull_the_plug(server, folder, max(recordings, key=lambda recording: recording.seconds))
    finally:
        server.unplug_all()
        server.close()


def main() -> int:
    """Run it in a folder of its own, or in one that is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="an empty folder to leave everything in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(given.keep or Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
