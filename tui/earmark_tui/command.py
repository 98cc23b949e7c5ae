"""`earmark tui`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from earmark.cli.context import App
from earmark.cli.listen import Together

if TYPE_CHECKING:
    from earmark.listener import Outcome


def _size(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, int]:
    width, _, height = value.partition("x")
    if not (width.isdecimal() and height.isdecimal() and 20 <= int(width) <= 500 and 8 <= int(height) <= 200):
        raise click.BadParameter(f"{value!r} is no size such as 120x40", context, parameter)
    return int(width), int(height)


@click.command()
@click.option("--connect", multiple=True, metavar="ADDRESS", help="A listener elsewhere, by its local API.")
@click.option("--token-file", type=click.Path(path_type=Path), help="The file that holds its token.")
@click.option("--mqtt", is_flag=True, help="Every room that tells the broker of the [mqtt] settings.")
@click.option("--replay", metavar="CONVERSATION|FILE", help="A past conversation: latest, an id, or JSON lines.")
@click.option("--speed", type=click.FloatRange(0.25, 64), default=1.0, show_default=True, help="How fast to replay.")
@click.option("--at", "at_seconds", type=click.FloatRange(0), default=0.0, help="Where to begin, in seconds.")
@click.option("--demo", is_flag=True, help="Play the recorded conversation that comes along.")
@click.option("--screenshot", type=click.Path(path_type=Path), help="Write an SVG of the screen, and leave.")
@click.option(
    "--size",
    callback=_size,
    metavar="WIDTHxHEIGHT",
    default="120x36",
    show_default=True,
    help="How large the screenshot is.",
)
@click.option("--with-listener", is_flag=True, hidden=True)
@click.pass_obj
def tui(
    given: App | Together,
    *,
    connect: tuple[str, ...],
    token_file: Path | None,
    mqtt: bool,
    replay: str | None,
    speed: float,
    at_seconds: float,
    demo: bool,
    screenshot: Path | None,
    size: tuple[int, int],
    with_listener: bool,
) -> Outcome | None:
    """Watch a listener, a house of them, or a past conversation.

    Without options: the listeners of this machine. Leaving it leaves them alone. `?` shows the keys.
    """
    if with_listener:
        from earmark_tui.together import listen_and_watch

        assert isinstance(given, Together)
        return asyncio.run(listen_and_watch(given))
    assert isinstance(given, App)
    if sum(map(bool, (connect, mqtt, replay, demo))) > 1:
        raise click.UsageError("Of --connect, --mqtt, --replay and --demo, only one makes sense at a time.")
    from earmark_tui.opening import Wanted, watch

    wanted = Wanted(
        connect=connect, token_file=token_file, mqtt=mqtt, replay=replay, demo=demo, speed=speed, at_seconds=at_seconds
    )
    asyncio.run(watch(given, wanted, screenshot=screenshot, size=size))
    return None
