"""`earmark doctor`: checks everything, and says what to do about what fails."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import click

from earmark.checks import LIMIT_SECONDS, ask, core_diagnoses, plugin_diagnoses, secret_diagnoses
from earmark.cli.context import App, pass_app, print_json
from earmark.clock import SystemClock
from earmark.config import Config, Settings
from earmark.errors import EarmarkError
from earmark.hookspecs import Diagnosis, Verdict
from earmark.host import Kind

_WIDTH = 100
_SIGNS = {
    Verdict.OK: ("ok", "green"),
    Verdict.WARNING: ("warning", "yellow"),
    Verdict.FAILED: ("FAILED", "red"),
    Verdict.SKIPPED: ("skipped", "bright_black"),
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write it for a program to read.")
@click.option("--limit", default=LIMIT_SECONDS, show_default=True, metavar="SECONDS", help="How long a check may take.")
@pass_app
def doctor(app: App, as_json: bool, limit: float) -> int:
    """Check everything, and say what to do about what fails.

    Exit code 1 if anything failed.
    """
    found: list[Diagnosis] = []
    for diagnosis in diagnoses(app, limit):
        found.append(diagnosis)
        if not as_json:
            _show(diagnosis)
    failed = [diagnosis for diagnosis in found if diagnosis.verdict is Verdict.FAILED]
    if as_json:
        print_json(
            [{"subject": d.subject, "verdict": d.verdict, "message": d.message, "advice": d.advice} for d in found]
        )
    else:
        click.echo(f"{len(failed)} of {len(found)} checks failed." if failed else "Nothing failed.")
    return 1 if failed else 0


def diagnoses(app: App, limit_seconds: float) -> Iterator[Diagnosis]:
    """What every check finds, the core's own first."""
    config: Config | None = None
    try:
        config = app.config
        config.check(app.host)
        for kind in Kind:
            if kind is not Kind.CHECK:
                config.chosen(app.host, kind)
        yield Diagnosis("configuration", Verdict.OK, f"{config.path or 'There is no file; defaults'} count.")
    except EarmarkError as error:
        yield Diagnosis("configuration", Verdict.FAILED, str(error), "Mend it; `earmark plugins NAME` lists settings.")
    yield from plugin_diagnoses(app.host)
    settings = config.settings if config else Settings()
    yield from core_diagnoses(settings, app.environ, now=SystemClock().now())
    if config is None:
        return
    yield from secret_diagnoses(config.secret_files)
    for offered in app.host.offers(Kind.CHECK):
        yield from ask(offered, config, app.host, limit_seconds=limit_seconds)


def _show(diagnosis: Diagnosis) -> None:
    sign, colour = _SIGNS[diagnosis.verdict]
    click.echo(f"{click.style(f'{sign:8}', fg=colour)} {diagnosis.subject}: {diagnosis.message}")
    if diagnosis.advice and diagnosis.verdict is not Verdict.OK:
        click.echo(textwrap.fill(diagnosis.advice, _WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 9))
