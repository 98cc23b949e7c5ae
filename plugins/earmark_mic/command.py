"""`earmark devices`: which microphones there are, which one would be heard, and how well each hears you."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from earmark.cli.context import App, pass_app, print_json
from earmark.errors import SourceError
from earmark_mic.choosing import Choice, Wishes
from earmark_mic.looking import look
from earmark_mic.metering import Meter, Reading, advice, meter, record
from earmark_mic.settings import MicSettings
from earmark_mic.source import wishes_of
from earmark_mic.wire import Device

_BAR = 30
_BAR_DBFS = 60.0
_REDRAW_SECONDS = 0.2


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the list for a program.")
@click.option("--meter", "metering", is_flag=True, help="Show live levels of all at once, until Ctrl-C.")
@click.option("--seconds", type=click.FloatRange(min=0.5), help="End --meter after so long.")
@click.option(
    "--record", "record_seconds", type=click.FloatRange(0.5, 600), help="Record so many seconds to listen to."
)
@click.option("--output", type=click.Path(path_type=Path), default="earmark-test.wav", show_default=True)
@pass_app
def devices(
    app: App, as_json: bool, metering: bool, seconds: float | None, record_seconds: float | None, output: Path
) -> None:
    """List microphones, meter them, or record a test.

    The one that would be heard is marked, and why. `--meter` shows which one hears you, and suggests a gain.
    """
    settings = _settings(app)
    wishes = wishes_of(settings, None)
    found = asyncio.run(look()).devices
    choice = next(iter(wishes.among(found)), None)
    if as_json:
        print_json([_row(device, choice) for device in found])
    elif record_seconds is not None:
        _record(settings, wishes, record_seconds, output)
    elif metering:
        _meter(settings, found, choice, seconds)
    else:
        _table(found, choice, wishes)


def _settings(app: App) -> MicSettings:
    from earmark.host import Kind

    settings = app.config.settings_for(app.host.find(Kind.SOURCE, "mic"))
    assert isinstance(settings, MicSettings)
    return settings


def _row(device: Device, choice: Choice | None) -> dict[str, object]:
    chosen = choice is not None and choice.device.id == device.id
    row: dict[str, object] = msgspec.to_builtins(device)
    return {**row, "chosen": chosen, "why": choice.why if chosen and choice else None}


def _table(found: Sequence[Device], choice: Choice | None, wishes: Wishes) -> None:
    if not found:
        raise SourceError("There is no microphone here; plug one in and try again.")
    width = max(len(device.name) for device in found)
    for device in found:
        sign = "→" if choice and choice.device.id == device.id else " "
        notes = [f"{device.channels} ch, {device.rate} Hz", device.host_api]
        notes += ["the system's default"] * device.default + ["what a loudspeaker plays"] * device.monitor
        click.echo(f"{sign} {device.name:<{width}}  {', '.join(notes)}\n  {'':<{width}}  device = {device.id!r}")
    if choice:
        click.echo(f"\n→ is heard: {choice.why}.")
    else:
        wanted = " or ".join(f"“{wish}”" for wish in wishes.wanted)
        click.echo(f"\nNone of them is {wanted}; set `device` in the table [mic] to an id or a part of a name.")


def _record(settings: MicSettings, wishes: Wishes, seconds: float, output: Path) -> None:
    click.echo(f"Recording {seconds:g} s: speak as you would in the room…")
    reading = asyncio.run(record(settings, wishes, seconds=seconds, path=output))
    click.echo(f"{output}: “{reading.name}”, loudest {reading.peak_dbfs:.0f} dB, mean {reading.rms_dbfs:.0f} dB.")
    click.echo(advice(reading, gain_db=settings.gain_db))
    player = next(
        (program for program in ("pw-play", "paplay", "aplay", "afplay", "play") if shutil.which(program)), None
    )
    click.echo(f"Listen to it: {player or 'any player'} {output}")


def _meter(settings: MicSettings, found: Sequence[Device], choice: Choice | None, seconds: float | None) -> None:
    wanted = [device for device in found if not device.monitor or (choice and choice.device.id == device.id)]
    if not wanted:
        raise SourceError("There is no microphone here; plug one in and try again.")
    meters = [Meter(device) for device in wanted]
    try:
        asyncio.run(_show(settings, meters, seconds))
    except KeyboardInterrupt:
        click.echo()
    for gauge in meters:
        click.echo(f"{gauge.device.name}: {advice(gauge.total, gain_db=settings.gain_db)}")


async def _show(settings: MicSettings, meters: Sequence[Meter], seconds: float | None) -> None:
    """Redraw all meters in place on a terminal, until the time is over or Ctrl-C."""
    terminal = sys.stdout.isatty()
    loop = asyncio.get_running_loop()
    async with meter(settings, meters):
        end = loop.time() + seconds if seconds else None
        first = True
        while end is None or loop.time() < end:
            await asyncio.sleep(_REDRAW_SECONDS)
            if terminal:
                click.echo("" if first else f"\x1b[{len(meters)}A", nl=False)
                click.echo("\n".join(f"\x1b[2K{_line(gauge)}" for gauge in meters))
                first = False


def _line(gauge: Meter) -> str:
    if gauge.problem:
        return f"{gauge.device.name}: {gauge.problem}"
    reading: Reading = gauge.recent()
    filled = round(_BAR * max(0.0, 1 + reading.rms_dbfs / _BAR_DBFS))
    bar = "█" * filled + "·" * (_BAR - filled)
    return f"{bar} {reading.rms_dbfs:6.1f} dB, loudest {gauge.total.peak_dbfs:6.1f} dB  {gauge.device.name}"
