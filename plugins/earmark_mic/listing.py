"""What microphones there are, asked of PortAudio and, where there is one, of the sound server.

`python -m earmark_mic.listing` prints a `Listing` as JSON. ALSA's `default`, `pulse` and `pipewire` may stand for any
of a sound server's microphones; `pactl` knows these by name, and the server's libraries take the one that the
environment names.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from earmark_mic.wire import Device, Listing, Served

NO_PORTAUDIO = (
    "PortAudio, which the microphone needs, is not installed: `sudo apt install libportaudio2` on Debian, Ubuntu and"
    " Raspberry Pi OS, `sudo dnf install portaudio` on Fedora, `brew install portaudio` on macOS."
)
_PULSE = "PulseAudio"
_DOORS = ("pulse", "pipewire", "default")
"""ALSA's names for a sound server, PipeWire's or PulseAudio's."""
_PACTL_SECONDS = 3
_CARD = re.compile(r"\(hw:(\d+),(\d+)\)$")
_SAMPLE = re.compile(r"(\d+)ch (\d+)Hz")


def list_now() -> Listing:
    """What there was when this process initialised PortAudio; raises `OSError` where that is missing."""
    import sounddevice

    apis = [api["name"] for api in sounddevice.query_hostapis()]
    default = sounddevice.default.device[0]
    found: list[Device] = []
    for index, info in enumerate(sounddevice.query_devices()):
        if info["max_input_channels"] > 0:
            found.append(_device(index, info, apis[info["hostapi"]], default=index == default))
    return _with_pulse(found)


def _device(index: int, info: dict[str, Any], api: str, *, default: bool) -> Device:
    name = info["name"]
    return Device(
        id=f"{api.lower().replace(' ', '-')}:{_stable(name)}",
        name=name,
        host_api=api,
        channels=info["max_input_channels"],
        rate=round(info["default_samplerate"]),
        index=index,
        default=default,
    )


def _stable(name: str) -> str:
    """A name in which the card's number, which depends on the order of plugging, is replaced by its id."""
    found = _CARD.search(name)
    if not found:
        return name
    try:
        card = Path(f"/proc/asound/card{found[1]}/id").read_text().strip()
    except OSError:
        return name
    return f"{card},{found[2]}"


def _with_pulse(devices: list[Device]) -> Listing:
    """The same with the sound server's microphones by their own names, where it can be asked."""
    door = next((device for name in _DOORS for device in devices if device.name == name), None)
    sources = _pactl("list", "sources") if door else None
    if not door or sources is None:
        return Listing(devices=devices)
    first = _pactl_default()
    named = [_pulse_device(source, door, default=source["name"] == first) for source in sources]
    rest = [device for device in devices if device.name not in _DOORS]
    if any(device.default for device in named):
        rest = [msgspec.structs.replace(device, default=False) for device in rest]
    return Listing(devices=[*sorted(named, key=lambda device: device.monitor), *rest], served=_served(sources))


def _pulse_device(source: dict[str, Any], door: Device, *, default: bool) -> Device:
    sample = _SAMPLE.search(source.get("sample_specification", ""))
    return Device(
        id=f"pulse:{source['name']}",
        name=source.get("description") or source["name"],
        host_api=_PULSE,
        channels=int(sample[1]) if sample else 1,
        rate=int(sample[2]) if sample else door.rate,
        index=door.index,
        default=default,
        monitor=_is_monitor(source),
        pulse_source=source["name"],
    )


def _is_monitor(source: dict[str, Any]) -> bool:
    return bool(source.get("properties", {}).get("device.class") == "monitor")


def _served(sources: list[dict[str, Any]]) -> list[Served]:
    by_index = {source["index"]: source for source in sources}
    served = []
    for output in _pactl("list", "source-outputs") or []:
        source = by_index.get(output.get("source"))
        process = str(output.get("properties", {}).get("application.process.id", ""))
        if source and process.isdigit():
            served.append(Served(process=int(process), source=source["name"], monitor=_is_monitor(source)))
    return served


def _pactl_default() -> str | None:
    info = _pactl("info")
    return info.get("default_source_name") if isinstance(info, dict) else None


def _pactl(*words: str) -> Any:
    program = shutil.which("pactl")
    if not program:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system's own, with words of our own
            [program, "-f", "json", *words], capture_output=True, timeout=_PACTL_SECONDS, check=True
        )
        return msgspec.json.decode(done.stdout)
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError):
        return None


def main() -> int:
    """Print what there is; 2 says that PortAudio is missing."""
    try:
        listing = list_now()
    except OSError:
        return 2
    sys.stdout.buffer.write(msgspec.json.encode(listing))
    return 0


if __name__ == "__main__":
    sys.exit(main())
