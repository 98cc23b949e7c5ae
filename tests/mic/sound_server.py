"""A sound server of the test's own, with microphones that can be spoken into, unplugged and plugged in.

PortAudio, ALSA, PulseAudio and time are real; only the air between a mouth and a microphone is a null sink.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

RATE = 48_000


class SoundServer:
    """PulseAudio, running in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.environ = os.environ | {"HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder / "run")}
        (folder / "home").mkdir()
        (folder / "run").mkdir(mode=0o700)
        (folder / "home" / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        self._log = (folder / "pulseaudio.log").open("w")
        self._plugged: dict[str, tuple[int, int]] = {}
        self._modules: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        self._awake: dict[str, subprocess.Popen[bytes]] = {}
        self.process = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--load=module-native-protocol-unix"],
            env=self.environ,
            stdout=self._log,
            stderr=self._log,
        )
        self._await_answer()

    def _await_answer(self) -> None:
        end = time.monotonic() + 20
        while subprocess.run(["pactl", "info"], env=self.environ, capture_output=True).returncode:
            assert self.process.poll() is None, Path(self._log.name).read_text()
            assert time.monotonic() < end, "PulseAudio does not answer"
            time.sleep(0.05)

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(10)
        self._log.close()

    def pactl(self, *words: str) -> str:
        """Ask the server for something."""
        done = subprocess.run(["pactl", *words], env=self.environ, capture_output=True, text=True)
        assert done.returncode == 0, f"pactl {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def plug(self, name: str, *, rate: int = RATE, channels: int = 1) -> None:
        """Plug a microphone in, if it is not, and make it the default; `playing` speaks into it."""
        if self._plugged.get(name) != (rate, channels):
            if name in self._plugged:
                self.unplug(name)
            self._plug(name, rate, channels)
        self.pactl("set-default-source", name)

    def _plug(self, name: str, rate: int, channels: int) -> None:
        self._plugged[name] = rate, channels
        self._modules[name] = self.pactl(
            "load-module", "module-null-sink", f"sink_name={name}-air", f"rate={rate}", f"channels={channels}"
        )
        self.push(name)
        # An idle null sink moves two seconds of silence at a time; somebody who listens closely keeps it awake.
        self._awake[name] = subprocess.Popen(
            ["parec", f"--device={name}", "--raw", "--latency-msec=20"], env=self.environ, stdout=subprocess.DEVNULL
        )

    def unplug(self, name: str) -> None:
        """Take it away."""
        del self._plugged[name]
        listener = self._awake.pop(name)
        listener.kill()
        listener.wait(10)
        self.pull(name)
        self.pactl("unload-module", self._modules.pop(name))

    def pull(self, name: str) -> None:
        """Pull only its plug: what is spoken there goes on."""
        if module := self._sources.pop(name, None):
            self.pactl("unload-module", module)

    def push(self, name: str) -> None:
        """Push the plug in again."""
        self._sources[name] = self.pactl(
            "load-module",
            "module-remap-source",
            f"master={name}-air.monitor",
            f"source_name={name}",
            f"source_properties=device.description={name.title()}-Microphone",
        )

    def unplug_all(self) -> None:
        """Leave none."""
        for name in list(self._modules):
            self.unplug(name)

    @contextmanager
    def playing(self, name: str, samples: NDArray[np.int16], *, rate: int = RATE, channels: int = 1) -> Iterator[None]:
        """Let raw sound be heard in the room, from its start, for as long as the context lasts."""
        command = ["pacat", "--playback", f"--device={name}-air", "--raw", f"--rate={rate}", f"--channels={channels}"]
        player = subprocess.Popen(
            [*command, "--format=s16le", "--latency-msec=50"], env=self.environ, stdin=subprocess.PIPE, stderr=self._log
        )
        feeding = asyncio.get_running_loop().run_in_executor(None, _feed, player, samples.tobytes())
        try:
            yield
        finally:
            player.send_signal(signal.SIGKILL)
            player.wait(10)
            assert player.stdin is not None
            feeding.add_done_callback(lambda _: player.stdin and player.stdin.close())

    def recorders(self) -> list[int]:
        """The processes that hear a microphone now."""
        outputs = msgspec.json.decode(self.pactl("-f", "json", "list", "source-outputs"))
        found = (output["properties"].get("application.process.id") for output in outputs)
        own = {listener.pid for listener in self._awake.values()}
        return [int(process) for process in found if process and int(process) not in own]


def _feed(player: subprocess.Popen[bytes], data: bytes) -> None:
    assert player.stdin is not None
    try:
        player.stdin.write(data)
        player.stdin.flush()
    except (BrokenPipeError, ValueError):
        return


def tone(hertz: float, *, seconds: float, rate: int = RATE, peak: float = 0.5) -> NDArray[np.int16]:
    """A sine."""
    time_axis = np.arange(int(rate * seconds)) / rate
    return (peak * 32_767 * np.sin(2 * np.pi * hertz * time_axis)).astype(np.int16)


def loudest_hertz(samples: NDArray[np.int16], rate: int) -> float:
    """The frequency that is loudest."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))
