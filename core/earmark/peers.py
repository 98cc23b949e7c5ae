"""The room's transport, opened when it is first needed and opened again when it failed to."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from earmark.errors import ConnectionFailed, EarmarkError, PeerError, SettingsError
from earmark.hookspecs import Connection, Transport
from earmark.stages import Stage, describe


class Peer:
    """A transport as the uplink sees it: whatever the plugin does comes out as a `PeerError`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._open = AsyncExitStack()
        self._transport: Transport | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Open the transport now; raises `PeerError`, or `SettingsError` where the configuration is to blame."""
        async with self._opening:
            if self._stage.restarts.is_set():
                self._stage.restarts.clear()
                await self.close()
            if self._transport is None:
                try:
                    self._transport = await self._open.enter_async_context(self._stage.open())
                except (PeerError, SettingsError):
                    raise
                except EarmarkError as error:
                    raise ConnectionFailed(str(error)) from error

    def connection_id(self) -> str:
        """An id for a new conversation."""
        if self._transport is None:
            return uuid.uuid4().hex
        try:
            return str(self._transport.connection_id())
        except (Exception, SystemExit) as error:  # a plugin's fault must not end the room
            self._stage.report.fail(f"{self._stage.label} has no id for a conversation: {describe(error)}")
            return uuid.uuid4().hex

    @asynccontextmanager
    async def connect(self, connection_id: str) -> AsyncIterator[Connection]:
        """Open a line."""
        await self.open()
        assert self._transport is not None
        connected = False
        try:
            async with self._transport.connect(connection_id) as connection:
                self._stage.report.problem, connected = None, True
                yield connection
        except (PeerError, TimeoutError) as error:
            problem = str(error) or "The service does not answer."
            self._stage.report.fail(problem)
            if connected:
                # However short the loss: what fails again and again while it lasts is told by the room's state.
                self._stage.log.warning("%s lost its line: %s", self._stage.label, problem)
            raise
        except SystemExit as error:
            raise await self._broken(f"tried to end the program ({error.code})") from None
        except Exception as error:
            raise await self._broken(f"failed: {describe(error)}") from error

    async def _broken(self, how: str) -> ConnectionFailed:
        """Name a fault in the plugin's own code, which may have left it useless: it is opened anew."""
        problem = f"{self._stage.label} {how}."
        self._stage.report.fail(problem)
        self._stage.log.error("%s", problem)
        await self.close()
        return ConnectionFailed(problem)

    async def close(self) -> None:
        """Close the transport."""
        self._transport = None
        await self._open.aclose()
