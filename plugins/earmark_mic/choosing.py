"""Which microphone is heard: a pure choice among those that are there.

A wish is matched in this order: `default`; an id; a whole name; a part of a name or of an id. Of several that match,
the system's default is taken, else the first. What a loudspeaker plays is only heard by who names it wholly.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from earmark_mic.wire import Device, Listing, Served

DEFAULT = "default"


@dataclass(frozen=True)
class Choice:
    """A microphone to open, and the reason."""

    device: Device
    why: str
    wish: int
    """Which of the wishes it fulfils; 0 is the dearest."""


def choices(devices: Iterable[Device], wanted: Sequence[str], *, host_api: str | None = None) -> list[Choice]:
    """The microphones to try, the best first; each once."""
    usable = [device for device in devices if host_api is None or device.host_api.casefold() == host_api.casefold()]
    found: list[Choice] = []
    for wish, text in enumerate(wanted):
        choice = _match(usable, text, wish)
        if choice and all(choice.device.id != other.device.id for other in found):
            found.append(choice)
    return found


@dataclass(frozen=True)
class Wishes:
    """What is wished for: microphones in order of preference, perhaps of one sound system only."""

    wanted: tuple[str, ...]
    host_api: str | None = None

    def among(self, devices: Iterable[Device]) -> list[Choice]:
        """The microphones to try."""
        return choices(devices, self.wanted, host_api=self.host_api)


def why_reopen(
    listing: Listing, opened: Device, *, process: int, wishes: Wishes, unwilling: Container[str] = ()
) -> str | None:
    """Why the microphone that is open should not stay the one that is heard; None if it should.

    The devices that are `unwilling`, by id, were preferred and could not be opened.
    """
    server = opened.pulse_source is not None and any(device.pulse_source for device in listing.devices)
    there = any(device.id == opened.id for device in listing.devices)
    if server and not there:
        return f"The microphone “{opened.name}” is gone."
    # A device that only one program can hold is not listed while we hold it.
    devices = listing.devices if there else [opened, *listing.devices]
    best = next((choice for choice in wishes.among(devices) if choice.device.id not in unwilling), None)
    if best is not None and best.device.id != opened.id:
        return f"The microphone “{best.device.name}” is there: {best.why}. It is heard instead of “{opened.name}”."
    served = _served_by(listing, process)
    if server and served and served.source != opened.pulse_source:
        return f"The sound server gave “{served.source}” in place of the microphone “{opened.name}”."
    return None


def _served_by(listing: Listing, process: int) -> Served | None:
    return next((served for served in listing.served if served.process == process), None)


def _match(devices: Sequence[Device], text: str, wish: int) -> Choice | None:
    standing = "" if wish == 0 else ", because what is preferred to it is not there"
    wanted = text.strip().casefold()
    if wanted == DEFAULT:
        return _default(devices, wish, standing)
    for how, found in (
        ("its id is", [device for device in devices if device.id.casefold() == wanted]),
        ("its name is", [device for device in devices if device.name.casefold() == wanted]),
        ("its name has", [device for device in devices if _has(device, wanted) and not device.monitor]),
    ):
        if found:
            best = next((device for device in found if device.default), found[0])
            several = f", the first of {len(found)} such" if len(found) > 1 and not best.default else ""
            return Choice(best, f"{how} “{text}”{several}{standing}", wish)
    return None


def _default(devices: Sequence[Device], wish: int, standing: str) -> Choice | None:
    for device in devices:
        if device.default and not device.monitor:
            return Choice(device, f"it is the system's default{standing}", wish)
    for device in devices:
        if not device.monitor and device.channels:
            return Choice(device, f"the system has no default, and it is the first{standing}", wish)
    return None


def _has(device: Device, wanted: str) -> bool:
    whole = f"{device.name} {device.id}".casefold()
    return all(word in whole for word in wanted.split())
