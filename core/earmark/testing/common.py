"""The checks that every stage must pass, whatever its kind."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from earmark.decoding import holds_secret
from earmark.describe import plain, settings_of
from earmark.errors import SettingsError
from earmark.host import Kind
from earmark.settings import Secret
from earmark.testing.subject import Bench, Subject, handles, module_name, threads_settled

_BLOCK_SECONDS = 0.05
_HEAVY = (
    "aiohttp", "av", "faster_whisper", "httpx", "moonshine_voice", "onnxruntime", "paho", "pandas", "requests", "scipy",
    "silero_vad", "sounddevice", "soundfile", "soxr", "tensorflow", "textual", "torch", "transformers",
)  # fmt: skip
_SECRET_NAMES = re.compile(r"(^|_)(password|secret|token|api_key|apikey|credentials?)$")
_IMPORT = """
import sys, threading, earmark.hookspecs, earmark.events, earmark.settings
import {module}
print([name for name in {heavy!r} if name in sys.modules], threading.active_count())
"""


class Conformance:
    """Give it a fixture `subject`; the checks do the rest."""

    kind: ClassVar[Kind]

    @pytest.fixture
    def subject(self) -> Subject:
        """What is looked at; define it in your own class."""
        raise NotImplementedError("define a fixture `subject` that returns an earmark.testing.Subject")

    @pytest.fixture
    def bench(self, subject: Subject, tmp_path: Path) -> Bench:
        """Where it is opened."""
        return Bench(subject, self.kind, tmp_path)

    async def exercise(self, opened: Any, bench: Bench) -> None:
        """Do what the room does with an opened stage; each kind has its own."""
        raise NotImplementedError

    # -- what it says of itself -----------------------------------------------------------------------------------

    def test_the_plugin_loads_and_has_the_offer(self, bench: Bench) -> None:
        """The host takes the plugin and finds the offer in it."""
        assert bench.offer.name == bench.subject.offer

    def test_its_hook_may_be_asked_again(self, subject: Subject, bench: Bench, tmp_path: Path) -> None:
        """Listing plugins twice gives the same offers."""
        again = Bench(subject, self.kind, tmp_path)
        assert [o.name for o in again.host.all_offers()] == [o.name for o in bench.host.all_offers()]

    def test_its_help_is_one_short_sentence(self, bench: Bench) -> None:
        """`earmark plugins` shows it in one line."""
        text = bench.offer.help
        assert text.strip() == text, "the help begins or ends with white space"
        assert text.endswith(".") and text[0].isupper(), f"{text!r} is no sentence"
        assert "\n" not in text and len(text) <= 120, f"{text!r} does not fit in a line"

    def test_every_setting_is_documented(self, bench: Bench) -> None:
        """A sentence below each field; `earmark plugins NAME` shows it."""
        silent = [setting.key for setting in settings_of(bench.offer.settings) if not setting.help]
        assert not silent, f"these settings have no sentence below them: {', '.join(silent)}"

    def test_its_settings_are_frozen(self, bench: Bench) -> None:
        """Nobody changes them under a running stage."""
        assert bench.offer.settings.__struct_config__.frozen, "write `class MySettings(msgspec.Struct, frozen=True, …)`"

    def test_its_settings_are_decoded(self, bench: Bench) -> None:
        """The settings of the subject are what the product would take."""
        bench.run(_settings)

    def test_its_settings_survive_a_round_trip(self, bench: Bench) -> None:
        """Written as TOML and read again they are the same."""
        bench.run(self._round_trip)

    async def _round_trip(self, bench: Bench) -> None:
        settings = bench.settings()
        secret = {setting.key for setting in settings_of(bench.offer.settings) if setting.secret}
        shown = {key: value for key, value in _flat(settings).items() if key not in secret}
        assert bench.settings(**shown) == settings

    def test_an_unknown_setting_is_an_error_that_names_it(self, bench: Bench) -> None:
        """A slip of the pen is found before anything opens."""
        bench.run(self._unknown)

    async def _unknown(self, bench: Bench) -> None:
        with pytest.raises(SettingsError, match="no_such_setting"):
            bench.settings(no_such_setting=1)

    def test_what_is_secret_is_a_secret(self, bench: Bench) -> None:
        """Passwords and tokens are of the type `Secret`, which no log shows."""
        bare = [
            spec.name
            for spec in msgspec.structs.fields(bench.offer.settings)
            if _SECRET_NAMES.search(spec.name) and not holds_secret(spec.type)
        ]
        assert not bare, f"use earmark.Secret for {', '.join(bare)}"

    # -- what its import does -------------------------------------------------------------------------------------

    def test_importing_it_is_light_and_starts_nothing(self, subject: Subject) -> None:
        """Every command of `earmark` imports every plugin; heavy things are imported when a stage is opened."""
        module = module_name(subject.plugin)
        if module is None:
            pytest.skip("the plugin is no module that could be imported alone")
        code = _IMPORT.format(module=module, heavy=_HEAVY)
        done = subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
            env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        )  # fmt: skip
        assert done.returncode == 0, f"it cannot be imported alone: {done.stderr}"
        assert done.stdout.strip() == "[] 1", f"imported or started at import: {done.stdout.strip()}"

    # -- its life -------------------------------------------------------------------------------------------------

    def test_it_opens_works_and_closes(self, bench: Bench) -> None:
        """From the beginning to the end."""
        bench.run(self._once)

    async def _once(self, bench: Bench) -> None:
        async with bench.opened() as opened:
            await self.exercise(opened, bench)

    def test_it_opens_again_after_it_was_closed(self, bench: Bench) -> None:
        """Every retry and every `earmark restart` opens it anew."""
        bench.run(self._twice)

    async def _twice(self, bench: Bench) -> None:
        for _ in range(2):
            await self._once(bench)

    def test_closed_unused_it_leaves_nothing_behind(self, bench: Bench) -> None:
        """Opened and closed at once."""

        async def check(bench: Bench) -> None:
            async with bench.opened():
                pass
            assert not await bench.left(), "tasks were left behind"

        bench.run(check)

    def test_it_leaves_no_task_behind(self, bench: Bench) -> None:
        """What it started is over when it is closed."""

        async def check(bench: Bench) -> None:
            await self._once(bench)
            left = await bench.left()
            assert not left, f"these tasks were left behind: {', '.join(left)}"

        bench.run(check)

    def test_it_leaves_no_thread_behind(self, bench: Bench) -> None:
        """Nor is any thread."""

        async def check(bench: Bench) -> None:
            await self._once(bench)
            before = await threads_settled(1)
            await self._once(bench)
            assert await threads_settled(before) <= before, "every opening leaves another thread behind"

        bench.run(check)

    def test_it_leaves_no_file_or_socket_open(self, bench: Bench) -> None:
        """Nor is any file or socket."""

        async def check(bench: Bench) -> None:
            await self._once(bench)
            await asyncio.sleep(0.2)
            before = handles()
            for _ in range(3):
                await self._once(bench)
            for _ in range(40):
                if handles() <= before:
                    return
                await asyncio.sleep(0.05)
            assert handles() < before + 3, "every opening leaves a file or a socket open"

        bench.run(check)

    def test_it_does_not_swallow_what_is_raised_while_it_is_open(self, bench: Bench) -> None:
        """The context manager lets failures through."""

        async def check(bench: Bench) -> None:
            with pytest.raises(ZeroDivisionError):
                async with bench.opened():
                    raise ZeroDivisionError
            assert not await bench.left(), "tasks were left behind"

        bench.run(check)

    def test_it_can_be_cancelled_while_it_opens(self, bench: Bench) -> None:
        """Whoever waits for it may stop waiting."""

        async def check(bench: Bench) -> None:
            opening = asyncio.create_task(self._once(bench))
            await asyncio.sleep(0)
            await _cancelled(opening)
            assert not await bench.left(), "tasks were left behind"

        bench.run(check)

    def test_it_can_be_cancelled_while_it_works(self, bench: Bench) -> None:
        """It goes at once when it is told to, and cleans up."""

        async def check(bench: Bench) -> None:
            working = asyncio.create_task(self._once(bench))
            await asyncio.wait({working}, timeout=0.1)
            await _cancelled(working)
            assert not await bench.left(), "tasks were left behind"

        bench.run(check)

    def test_it_never_holds_up_the_event_loop(self, bench: Bench) -> None:
        """No call blocks for 50 ms: others would be deaf meanwhile."""

        async def check(bench: Bench) -> None:
            # What is imported and built at the first opening may take its time.
            await self._once(bench)
            for _ in range(3):
                bench.blocked.clear()
                with bench.watchdog(_BLOCK_SECONDS).watching():
                    await self._once(bench)
                found = [blocked for blocked in bench.blocked if blocked.plugin]
                if not found:  # a busy machine may hold anybody up once
                    return
            assert not found, found[0].sentence

        bench.run(check)

    def test_no_secret_stands_in_its_log(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        """Not even where everything is logged."""
        caplog.set_level(logging.DEBUG)

        async def check(bench: Bench) -> list[str]:
            await self._once(bench)
            settings = bench.settings()
            values = (getattr(settings, name) for name in settings.__struct_fields__)
            return [value.reveal() for value in values if isinstance(value, Secret) and value]

        told = [secret for secret in bench.run(check) if secret in caplog.text]
        assert not told, "a secret stands in the log"


async def _settings(bench: Bench) -> None:
    bench.settings()


def _flat(settings: msgspec.Struct, prefix: str = "") -> dict[str, object]:
    """Every setting that has a value, with a dot for each table that it is in."""
    found: dict[str, object] = {}
    for spec in msgspec.structs.fields(settings):
        value, key = getattr(settings, spec.name), prefix + spec.encode_name
        if isinstance(value, msgspec.Struct):
            found |= _flat(value, f"{key}.")
        elif value is not None:
            found[key] = plain(value)
    return found


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done, "it does not stop when it is cancelled"
    with suppress(asyncio.CancelledError):
        task.result()


async def within(seconds: float, awaitable: Awaitable[Any], what: str) -> Any:
    """What is awaited, which must not take longer."""
    try:
        async with asyncio.timeout(seconds):
            return await awaitable
    except TimeoutError:
        raise AssertionError(f"{what} within {seconds:g} s") from None
