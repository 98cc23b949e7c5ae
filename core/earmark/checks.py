"""What the core checks of itself for `earmark doctor`, and how checks of plugins are asked."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from earmark.apart import room_apart
from earmark.clock import moment
from earmark.config import Config
from earmark.core_settings import Settings
from earmark.errors import EarmarkError
from earmark.hookspecs import Check, Diagnosis, Verdict
from earmark.host import Host, Kind, Offered
from earmark.paths import private, room_folders

LIMIT_SECONDS = 30.0
_GRACE_SECONDS = 0.5
_SCARCE_BYTES, _LOW_BYTES = 50_000_000, 500_000_000
_BUILT = 1_735_689_600  # no machine that runs this has a clock that says less than 2025
_TIMESYNC = Path("/run/systemd/timesync")
_STAGES = (Kind.SOURCE, Kind.FILTER, Kind.TRANSPORT, Kind.ENRICHER, Kind.SINK, Kind.SERVICE)


def core_diagnoses(settings: Settings, environ: Mapping[str, str], *, now: float) -> Iterator[Diagnosis]:
    """Whether folders can be written, the disk has space and the clock is right."""
    folders = room_folders(settings.room, settings, environ)
    yield folder_diagnosis("state folder", folders.state, "state_folder or EARMARK_STATE")
    yield folder_diagnosis("runtime folder", folders.runtime, "runtime_folder or EARMARK_RUNTIME")
    if folders.state.exists():
        yield space_diagnosis("disk", folders.state, shutil.disk_usage(folders.state).free)
    yield clock_diagnosis(now, _TIMESYNC)


def folder_diagnosis(subject: str, folder: Path, setting: str) -> Diagnosis:
    """Whether a folder is ours alone and can be written."""
    try:
        private(folder)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"earmark")
            file.flush()
            os.fsync(file.fileno())
    except EarmarkError as error:
        return Diagnosis(subject, Verdict.FAILED, str(error))
    except OSError as error:
        advice = f"Make it writable for this user and free some space, or name another one ({setting})."
        return Diagnosis(subject, Verdict.FAILED, f"{folder} cannot be written: {error.strerror}.", advice)
    return Diagnosis(subject, Verdict.OK, f"{folder} can be written.")


def space_diagnosis(subject: str, folder: Path, free: int) -> Diagnosis:
    """Whether there is space for a while."""
    message = f"{free / 1e6:,.0f} MB are free where {folder} lies."
    if free >= _LOW_BYTES:
        return Diagnosis(subject, Verdict.OK, message)
    verdict = Verdict.FAILED if free < _SCARCE_BYTES else Verdict.WARNING
    return Diagnosis(subject, verdict, message, "Free some space, or keep events for fewer days (retain_days).")


def clock_diagnosis(now: float, timesync: Path) -> Diagnosis:
    """Whether the machine knows what time it is; `timesync` is systemd's folder, which says whether it asked."""
    advice = "Connect it to the network and see `timedatectl`; until then, times and due dates are wrong."
    if now < _BUILT:
        return Diagnosis("clock", Verdict.FAILED, f"The clock says {moment(now):%Y-%m-%d %H:%M} UTC.", advice)
    if timesync.is_dir() and not (timesync / "synchronized").exists():
        return Diagnosis("clock", Verdict.WARNING, "The clock was not set from the network since the start.", advice)
    return Diagnosis("clock", Verdict.OK, f"The clock says {moment(now).astimezone():%Y-%m-%d %H:%M %Z}.")


def secret_diagnoses(files: Iterable[Path]) -> Iterator[Diagnosis]:
    """Whether others can read files that hold secrets."""
    for file in sorted(file for file in files if file.is_file()):
        if file.stat().st_mode & 0o077:
            advice = f"Make it its owner's alone: chmod 600 {file}"
            yield Diagnosis("secrets", Verdict.WARNING, f"Others can read {file}, which holds a secret.", advice)


def plugin_diagnoses(host: Host) -> Iterator[Diagnosis]:
    """Which plugins are broken."""
    for plugin in host.plugins:
        if plugin.state == "broken":
            advice = f'Install it anew, or switch it off with disable_plugins = ["{plugin.name}"].'
            yield Diagnosis(f"plugin {plugin.name}", Verdict.FAILED, f"{plugin.reason}.", advice)
    loaded = sum(plugin.state == "loaded" for plugin in host.plugins)
    yield Diagnosis("plugins", Verdict.OK if loaded else Verdict.WARNING, f"{loaded} are loaded.")


def ask(offered: Offered, config: Config, host: Host, *, limit_seconds: float = LIMIT_SECONDS) -> list[Diagnosis]:
    """What a plugin's check found; never raises for the plugin's fault, and never waits for longer than the limit."""
    if not _in_use(offered, config, host):
        return [Diagnosis(offered.name, Verdict.SKIPPED, "It is not in use.")]
    try:
        settings = config.settings_for(offered)
    except EarmarkError as error:
        return [Diagnosis(offered.name, Verdict.FAILED, str(error))]
    room = room_apart(config.settings, config.environ, kind=offered.kind, name=offered.name)
    return _within(limit_seconds, offered.name, lambda: offered.offer.open(settings, room))


def _in_use(offered: Offered, config: Config, host: Host) -> bool:
    """A check that bears a stage's name is for that stage; others are always asked."""
    if not any(offered.name == other.name for kind in _STAGES for other in host.offers(kind)):
        return True
    return any(offered.name == name for kind in _STAGES for name in config.names(kind))


def _within(limit_seconds: float, subject: str, opens: Any) -> list[Diagnosis]:
    found: list[Diagnosis] = []

    def run() -> None:
        try:
            found.extend(asyncio.run(_diagnose(opens, limit_seconds)))
        except BaseException as error:  # a plugin may raise anything, and must not silence the other checks
            kind = "it took too long" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
            words = str(error) if isinstance(error, EarmarkError) else f"The check itself failed: {kind}."
            found.append(Diagnosis(subject, Verdict.FAILED, words))

    # A thread of its own: a check that blocks cannot be interrupted, only left behind.
    thread = threading.Thread(target=run, name=f"check {subject}", daemon=True)
    thread.start()
    thread.join(limit_seconds + _GRACE_SECONDS)
    if thread.is_alive():
        return [Diagnosis(subject, Verdict.FAILED, f"The check did not answer within {limit_seconds:g} s.")]
    return found


async def _diagnose(opens: Any, limit_seconds: float) -> list[Diagnosis]:
    async with asyncio.timeout(limit_seconds):
        manager: AbstractAsyncContextManager[Check] = opens()
        async with manager as check:
            found: Iterable[Any] = await check.diagnose()
            answers = list(found)
    for answer in answers:
        if not isinstance(answer, Diagnosis):
            raise TypeError(f"it gave a {type(answer).__name__} where a Diagnosis was expected")
    return answers
