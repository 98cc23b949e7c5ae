"""The checks for transports, against whatever service the subject runs beside itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from earmark.audio import Frame
from earmark.hookspecs import Axis, Confirmed, Connection, FromPeer, Heard, Start, Started, Trouble
from earmark.host import Kind
from earmark.testing.common import Conformance, within
from earmark.testing.subject import Bench


class TransportConformance(Conformance):
    """A transport opens lines to a service, under ids that can be joined again."""

    kind = Kind.TRANSPORT

    async def exercise(self, opened: Any, bench: Bench) -> None:
        """Hold a short conversation."""
        async with talk(opened, opened.connection_id()) as line:
            await line.say(bench.subject.sound(0.5))
            await line.finish()

    def test_connection_ids_are_unique(self, bench: Bench) -> None:
        """Two conversations never get into each other."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as transport:
                ids = [transport.connection_id() for _ in range(100)]
            assert len(set(ids)) == 100 and all(ids)

        bench.run(check)

    def test_a_conversation_begins_and_ends(self, bench: Bench) -> None:
        """Start, sound, finish; then the iteration is over."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as transport, talk(transport, transport.connection_id()) as line:
                assert line.started.conversation, "the service's id of the conversation is missing"
                await line.say(bench.subject.sound(2))
                await line.finish()

        bench.run(check)

    def test_what_it_tells_is_in_the_vocabulary(self, bench: Bench) -> None:
        """`Heard`, `Confirmed` or `Trouble`, and nothing else."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as transport, talk(transport, transport.connection_id()) as line:
                await line.say(bench.subject.sound(3))
                await line.finish()
            assert all(isinstance(item, Heard | Confirmed | Trouble) for item in line.told)

        bench.run(check)

    def test_times_lie_within_the_sound_that_was_sent(self, bench: Bench) -> None:
        """On the axis that they name."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as transport, talk(transport, transport.connection_id()) as line:
                await line.say(bench.subject.sound(3))
                await line.finish()
            for item in line.told:
                start, end = getattr(getattr(item, "event", None), "start", None), getattr(item, "until", None)
                for seconds in (start, end):
                    assert seconds is None or -0.01 <= seconds <= 4, f"{item} speaks of what was not sent"
                assert not isinstance(item, Heard | Confirmed) or item.axis in Axis

        bench.run(check)

    def test_a_paused_conversation_goes_on(self, bench: Bench) -> None:
        """`pause`, then `start` again on the same line."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as transport, talk(transport, transport.connection_id()) as line:
                before = line.started.conversation
                await line.say(bench.subject.sound(1))
                await within(15, line.connection.pause(), "`pause` does not return")
                again = await within(15, line.connection.start(start(at=16_000)), "`start` does not return")
                assert again.conversation == before, "it is another conversation after a pause"
                await line.say(bench.subject.sound(1, first=10))
                await line.finish()

        bench.run(check)

    def test_a_line_that_was_lost_can_be_joined_again(self, bench: Bench) -> None:
        """The same id again is the same conversation."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as transport:
                id_ = transport.connection_id()
                async with talk(transport, id_) as line:
                    await line.say(bench.subject.sound(1))
                    before = line.started.conversation
                async with talk(transport, id_, begin=16_000) as line:
                    assert line.started.conversation == before, "it is another conversation after the line was lost"
                    await line.say(bench.subject.sound(1, first=10))
                    await line.finish()

        bench.run(check)

    def test_two_lines_do_not_mix(self, bench: Bench) -> None:
        """Each has its own conversation."""

        async def check(bench: Bench) -> None:
            async with (
                bench.opened() as transport,
                talk(transport, transport.connection_id()) as one,
                talk(transport, transport.connection_id()) as other,
            ):
                assert one.started.conversation != other.started.conversation
                await asyncio.gather(one.say(bench.subject.sound(1)), other.say(bench.subject.sound(1)))
                await asyncio.gather(one.finish(), other.finish())

        bench.run(check)

    def test_it_takes_frames_of_any_length(self, bench: Bench) -> None:
        """One sample, and three seconds."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as transport, talk(transport, transport.connection_id()) as line:
                whole = bench.subject.sound(3, block=48_000)[0]
                await line.say([whole.part(0, 1), whole.part(1, 3), whole.part(3)])
                await line.finish()

        bench.run(check)

    def test_a_conversation_in_which_nothing_is_said_ends(self, bench: Bench) -> None:
        """Started, and finished at once."""

        async def check(bench: Bench) -> None:
            async with bench.opened() as transport, talk(transport, transport.connection_id()) as line:
                await line.finish()

        bench.run(check)


@dataclass
class Talk:
    """One line at work, and what the service told on it."""

    connection: Connection
    started: Started
    hearing: asyncio.Task[None] | None = None
    told: list[FromPeer] = field(default_factory=list)

    async def say(self, frames: Sequence[Frame]) -> None:
        """Send sound."""
        for frame in frames:
            await within(15, self.connection.send(frame), "`send` does not return")

    async def finish(self) -> None:
        """End the conversation, and wait for what is still told."""
        await within(15, self.connection.finish(), "`finish` does not return")
        assert self.hearing is not None
        await within(15, asyncio.shield(self.hearing), "the iteration does not end after `finish`")

    async def hear(self) -> None:
        """Note what is told."""
        async for item in self.connection:
            self.told.append(item)


@asynccontextmanager
async def talk(transport: Any, connection_id: str, *, begin: int = 0) -> AsyncIterator[Talk]:
    """A line on which a conversation was started."""
    async with transport.connect(connection_id) as connection:
        started = await within(15, connection.start(start(at=begin)), "`start` does not return")
        line = Talk(connection, started)
        line.hearing = asyncio.create_task(line.hear())
        try:
            yield line
        finally:
            line.hearing.cancel()
            await asyncio.gather(line.hearing, return_exceptions=True)


def start(*, at: int) -> Start:
    """What a connection is told when sound begins."""
    return Start(conversation="c1", position=at, rate=16_000, at=1_700_000_000.0 + at / 16_000, keep_seconds=20.0)
