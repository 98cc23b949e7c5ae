"""`earmark serve`: the engine for other machines, and for Symbl's own SDKs."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from earmark.errors import SettingsError
from earmark.settings import Duration, Secret
from earmark_engine.doors import Doors, loopback
from earmark_engine.engine import STREAMS, Limits
from earmark_engine.insights.types import Tracker

if TYPE_CHECKING:
    from earmark.cli.context import App
    from earmark_engine.opening import Plan
    from earmark_engine.tokens import Tokens

DEFAULT_PORT = 8801
_APP = re.compile(r"(?P<id>[\w.-]{1,200}):(?P<file>.+)")


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What `earmark serve` was asked for."""

    host: str
    port: int
    apps: tuple[str, ...]
    ephemeral: bool
    store: Path | None
    recognizer: str
    detector: str
    origins: tuple[str, ...]
    tls_certificate: Path | None
    tls_key: Path | None
    trackers: Path | None
    limits: Limits
    token_seconds: int


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65_535), help="0: any free one."
)
@click.option("--app", "apps", multiple=True, metavar="ID:FILE", help="An application, and the file with its secret.")
@click.option("--new-app", metavar="ID:FILE", help="Make a secret for an application, write it to the file, and leave.")
@click.option("--ephemeral", is_flag=True, help="Keep nothing on disk.")
@click.option("--store", type=click.Path(dir_okay=False, path_type=Path), help="Where conversations are kept.")
@click.option("--retain-days", default=30, show_default=True, type=click.IntRange(0), help="0: for ever.")
@click.option("--recognizer", default="moonshine", show_default=True, help="What turns sound into words.")
@click.option("--detector", default="linear", show_default=True, help="What finds questions and tasks.")
@click.option("--trackers", type=click.Path(dir_okay=False, path_type=Path), help="JSON: trackers for every client.")
@click.option("--cors-origin", "origins", multiple=True, metavar="ORIGIN", help="Pages that may use it; * is any.")
@click.option("--tls-cert", type=click.Path(dir_okay=False, path_type=Path), help="A certificate chain in PEM.")
@click.option("--tls-key", type=click.Path(dir_okay=False, path_type=Path), help="Its key in PEM.")
@click.option("--most-streams", default=STREAMS, show_default=True, type=click.IntRange(1), help="At the same time.")
@click.option("--most-subscribers", default=1000, show_default=True, type=click.IntRange(0), help="At the same time.")
@click.option("--silence", default="30 min", show_default=True, help="Ends a conversation.")
@click.option("--token-seconds", default=86_400, show_default=True, type=click.IntRange(120), help="A token's life.")
@click.pass_obj
def serve(
    app: App,
    /,
    *,
    new_app: str | None,
    retain_days: int,
    most_streams: int,
    most_subscribers: int,
    silence: str,
    tls_cert: Path | None,
    **options: object,
) -> None:
    """Run the engine for other machines and for Symbl's own SDKs, until told to stop.

    Without --app it takes any id and secret, and listens to this machine only.
    """
    if new_app:
        _make_app(new_app)
        return
    try:
        limits = Limits(
            streams=most_streams, subscribers=most_subscribers, silence=Duration(silence), retain_days=retain_days
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--silence") from error
    app.start_logging()
    asyncio.run(_serve(app, Serving(limits=limits, tls_certificate=tls_cert, **options)))  # type: ignore[arg-type]


async def _serve(app: App, serving: Serving) -> None:
    from earmark.paths import private, state_folder
    from earmark_engine.opening import alone, open_engine
    from earmark_engine.server import Address, create_app
    from earmark_engine.server import serving as listening
    from earmark_engine.tokens import Tokens

    folder = state_folder(app.config.settings, app.environ) / "engine"
    file = None if serving.ephemeral else serving.store or private(folder) / "conversations.db"
    tokens = Tokens(_apps(serving), anybody=not serving.apps, life_seconds=serving.token_seconds)
    plan = _plan(app, serving, tokens, file)
    room = alone(logging.getLogger("earmark.engine"), folder)
    address = Address(host=serving.host, port=serving.port, tls=_tls(serving))
    async with open_engine(plan, host=app.host, settings_of=app.config.settings_for, room=room) as engine:
        doors = Doors(tokens, engine.clock, serving.origins)
        async with listening(create_app(engine, doors), address) as port:
            _greet(serving, port, file)
            await _told_to_stop()
            click.echo("Stopping: conversations are brought to an end.", err=True)


def _plan(app: App, serving: Serving, tokens: Tokens, file: Path | None) -> Plan:
    from earmark_engine.opening import Plan

    return Plan(
        tokens=tokens,
        recognizer=serving.recognizer,
        detector=serving.detector,
        limits=serving.limits,
        file=file,
        people=app.config.settings.people,
        owner=app.config.settings.owner,
        trackers=_trackers(serving.trackers),
    )


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)


# -- what it says -----------------------------------------------------------------------------------------------------


def _greet(serving: Serving, port: int, file: Path | None) -> None:
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    url = f"{'https' if serving.tls_certificate else 'http'}://{host}:{port}"
    socket = url.replace("http", "ws", 1)
    click.echo(f"The engine listens on {url}")
    if not serving.apps:
        click.echo("Open mode: every program on this machine is let in with any id and secret (--app names your own).")
    if not serving.tls_certificate and not loopback(serving.host):
        click.echo("Without --tls-cert and --tls-key, speech and tokens cross the network unencrypted.")
    click.echo(f"Conversations are kept in {file}." if file else "Nothing is kept on disk.")
    click.echo(f"""
Point your application at it:
  socket      {socket}/v1/streaming/YOUR-ID?access_token=TOKEN
  token       POST {url}/oauth2/token:generate
  Earmark     transport = "symbl" and [symbl] url = "{url}"
  JavaScript  sdk.oauth2.setBasePath("{url}"); sdk.init({{appId, appSecret, basePath: "{url}"}})
  browser     new Symbl({{appId, appSecret, basePath: "{url}"}})
  Python      import examples/symbl_sdk/earmark_base.py before symbl, with EARMARK_URL={url}
  described   {url}/openapi.json
""")


# -- what it was given ------------------------------------------------------------------------------------------------


def _apps(serving: Serving) -> dict[str, Secret]:
    if not serving.apps and not loopback(serving.host):
        raise SettingsError(
            f"--host {serving.host} would let the whole network in: name the applications that may come with "
            "--app ID:FILE, or listen on 127.0.0.1."
        )
    apps = {}
    for app in serving.apps:
        name, file = _named(app)
        try:
            secret = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise SettingsError(f"--app {name}: the secret in {file} cannot be read: {error}.") from error
        if not secret:
            raise SettingsError(f"--app {name}: the file {file} is empty; `earmark serve --new-app` writes a secret.")
        apps[name] = Secret(secret)
    return apps


def _named(given: str) -> tuple[str, Path]:
    found = _APP.fullmatch(given)
    if not found:
        raise SettingsError(f"{given!r} is not ID:FILE, such as kitchen:kitchen.secret.")
    return found["id"], Path(found["file"]).expanduser()


def _make_app(given: str) -> None:
    name, file = _named(given)
    try:
        # The browser SDK takes no secret but one of 128 letters and digits.
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(secrets.token_hex(64) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror}.") from error
    click.echo(f"Wrote a secret for {name} to {file}; start the engine with --app {name}:{file}")


def _trackers(file: Path | None) -> tuple[Tracker, ...]:
    if file is None:
        return ()
    try:
        return msgspec.json.decode(file.read_bytes(), type=tuple[Tracker, ...])
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsError(
            f'{file} holds no trackers such as [{{"name": "…", "vocabulary": ["…"]}}]: {error}.'
        ) from error


def _tls(serving: Serving) -> ssl.SSLContext | None:
    if not serving.tls_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(serving.tls_certificate, serving.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"The certificate {serving.tls_certificate} cannot be used: {error}.") from error
    return context
