from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import earmark.uplink
from earmark.audio import Cause, Frame, Omitted
from earmark.clock import moment
from earmark.errors import ConnectionFailed, PeerError, PeerRefused, TokenRefused
from earmark.events import ConversationEnded, ConversationStarted, State
from earmark.testing.peer import Fault, ScriptedConnection, ScriptedPeer
from earmark.uplink.line import pace
from tests.core.rooms import BLOCK, RATE, covered, frames, room


@pytest.fixture(autouse=True, scope="module")
def _quick_tries() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(earmark.uplink, "_FIRST_DELAY_SECONDS", 0.002)
        patch.setattr(earmark.uplink, "_MOST_DELAY_SECONDS", 0.01)
        yield


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def heard(peer: ScriptedPeer) -> dict[int, int]:
    return {place: sample for memory in peer.conversations.values() for place, sample in memory.samples.items()}


def captured(sound: list[Frame]) -> dict[int, int]:
    return {frame.position + offset: sample for frame in sound for offset, sample in enumerate(frame.samples.tolist())}


faults = st.lists(
    st.one_of(
        st.builds(Fault, drop_after_seconds=st.floats(0.05, 8), lose_results=st.booleans()),
        st.sampled_from([ConnectionFailed("reset"), OSError("no route"), TimeoutError()]).map(
            lambda error: Fault(refuse=error)
        ),
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(script=faults, confirms=st.booleans(), live=st.booleans(), blocks=st.integers(5, 120))
def test_whatever_happens_to_the_line_every_sample_is_heard_and_told_once(
    script: list[Fault], confirms: bool, live: bool, blocks: int
) -> None:
    async def run(path: Path) -> None:
        peer = ScriptedPeer(confirms=confirms)
        peer.faults.extend(script)
        sound = frames(blocks)
        async with room(path, peer, live=live) as kitchen:
            await kitchen.hear(sound)
            await kitchen.end()
            spans = await kitchen.spans()
            assert heard(peer) == captured(sound)
            assert spans[0][0] == 0
            assert spans[-1][1] == blocks * BLOCK
            assert covered(spans)
            assert not await kitchen.gaps()
            assert kitchen.spool.seconds == 0

    with folder() as path:
        asyncio.run(run(path))


@settings(max_examples=25, deadline=None)
@given(blocks=st.integers(50, 200), spool_seconds=st.floats(1.5, 4), confirms=st.booleans())
def test_what_the_spool_had_to_give_up_is_told_to_the_sample(blocks: int, spool_seconds: float, confirms: bool) -> None:
    async def run(path: Path) -> None:
        peer = ScriptedPeer(confirms=confirms)
        peer.faults.extend([Fault(refuse=ConnectionFailed("down"))] * 3)
        sound = frames(blocks)
        async with room(path, peer, live=True, spool_seconds=spool_seconds) as kitchen:
            await kitchen.hear(sound)
            await kitchen.end()
            missing = set(captured(sound)) - set(heard(peer))
            told: set[int] = set()
            for gap in await kitchen.gaps():
                assert gap.cause is Cause.SPOOL_FULL
                told |= set(range(round(gap.start * RATE), round((gap.start + gap.seconds) * RATE)))
            assert told == missing
            assert kitchen.uplink.figures.lost_seconds == pytest.approx(len(missing) / RATE)

    with folder() as path:
        asyncio.run(run(path))


@settings(max_examples=20, deadline=None)
@given(first=st.integers(1, 60), second=st.integers(1, 60), confirms=st.booleans(), forgets=st.booleans())
def test_a_restart_goes_on_with_the_same_conversation(first: int, second: int, confirms: bool, forgets: bool) -> None:
    async def run(path: Path) -> None:
        peer = ScriptedPeer(confirms=confirms)
        sound = frames(first + second)
        async with room(path, peer, live=True) as kitchen:
            await kitchen.hear(sound[:first])
            kitchen.running.cancel()
        if forgets:
            peer.forget()
        async with room(path, peer, live=True) as kitchen:
            await kitchen.hear(sound[first:])
            await kitchen.end()
            events = await kitchen.events()
            spans = await kitchen.spans()
            assert heard(peer) == captured(sound)
            assert spans[0][0] == 0
            assert spans[-1][1] == (first + second) * BLOCK
            assert covered(spans)
            assert [type(event) for event in events].count(ConversationStarted) == 1

    with folder() as path:
        asyncio.run(run(path))


async def test_a_restart_that_comes_too_late_begins_another_conversation_and_delivers_the_old_sound_to_the_old_one(
    tmp_path: Path,
) -> None:
    peer = ScriptedPeer()
    sound = frames(40)
    peer.faults.extend([Fault(refuse=ConnectionFailed("down"))] * 1000)
    async with room(tmp_path, peer, live=True) as kitchen:
        await kitchen.hear(sound[:20])
        await until(lambda: kitchen.uplink.state is State.RECONNECTING)
    peer.faults.clear()
    async with room(tmp_path, peer, live=True, rejoin=False) as kitchen:
        await kitchen.hear(sound[20:])
        await kitchen.end()
        events = await kitchen.events()
    old, new = (event for event in events if isinstance(event, ConversationStarted))
    assert new.follows == old.conversation
    ended = {event.conversation: event.reason for event in events if isinstance(event, ConversationEnded)}
    assert ended == {old.conversation: "restarted", new.conversation: "source_ended"}
    assert heard(peer) == captured(sound)
    assert len(peer.conversations) == 2


async def test_a_quiet_conversation_is_paused_and_the_next_sound_resumes_it(tmp_path: Path) -> None:
    peer = ScriptedPeer()
    sound = frames(30)
    async with room(tmp_path, peer, live=True, idle_after=0.05) as kitchen:
        await kitchen.hear(sound[:15])
        await until(lambda: kitchen.uplink.state is State.PAUSED)
        await kitchen.uplink.take(Omitted(15 * BLOCK, 100 * RATE, RATE, 0.0, Cause.GATED))
        later = frames(15, first=15 + 1000)
        await kitchen.hear(later)
        await until(lambda: kitchen.spool.seconds == 0)
        await kitchen.end()
        spans = await kitchen.spans()
        assert heard(peer) == captured(sound[:15] + later)
        assert spans[-1] == ((15 + 1010) * BLOCK, (15 + 1015) * BLOCK)
        assert kitchen.uplink.figures.not_sent_seconds == pytest.approx(100)
        assert peer.paused >= 1
        assert len(peer.conversations) == 1


async def test_after_long_silence_the_conversation_ends_and_the_next_word_begins_another(tmp_path: Path) -> None:
    peer = ScriptedPeer()
    async with room(tmp_path, peer, live=True, idle_after=0.02, ends_after=0.1) as kitchen:
        await kitchen.hear(frames(15))
        await until(lambda: len(peer.finished) == 1)
        await kitchen.hear(frames(15, first=500))
        await kitchen.end()
        events = await kitchen.events()
    ended = [event for event in events if isinstance(event, ConversationEnded)]
    assert [event.reason for event in ended] == ["silence", "source_ended"]
    assert ended[0].seconds == pytest.approx(1.5)
    assert len(peer.conversations) == 2


@pytest.mark.parametrize("error", [TokenRefused("the token is refused"), PeerRefused("no such service")])
async def test_a_refusal_stops_a_live_room_with_its_reason_and_the_room_lives_on(
    tmp_path: Path, error: PeerError
) -> None:
    peer = ScriptedPeer()
    peer.faults.append(Fault(refuse=error))
    async with room(tmp_path, peer, live=True) as kitchen:
        await kitchen.hear(frames(5))
        await until(lambda: kitchen.uplink.state is State.STOPPED)
        assert kitchen.uplink.reason == str(error)
        assert kitchen.uplink.next_attempt_at is not None
        assert kitchen.spool.seconds == pytest.approx(0.5)
        assert not kitchen.running.done()


async def test_a_refusal_ends_the_hearing_of_a_recording(tmp_path: Path) -> None:
    peer = ScriptedPeer()
    peer.faults.append(Fault(refuse=TokenRefused("the token is refused")))
    async with room(tmp_path, peer) as kitchen:
        await kitchen.hear(frames(5))
        with pytest.raises(TokenRefused):
            await asyncio.wait_for(asyncio.shield(kitchen.running), 5)
        await kitchen.hear(frames(5, first=5))
        assert kitchen.spool.seconds == 0


async def test_nothing_says_listening_while_the_line_is_down(tmp_path: Path) -> None:
    peer = ScriptedPeer()
    peer.faults.extend([Fault(refuse=ConnectionFailed("down"))] * 5)
    async with room(tmp_path, peer, live=True) as kitchen:
        await kitchen.hear(frames(5))
        await until(lambda: kitchen.uplink.state is State.LISTENING)
        before = kitchen.states[: kitchen.states.index("listening")]
        assert set(before) <= {"connecting", "reconnecting"}
        await kitchen.end()


async def test_stopping_leaves_the_conversation_joinable_and_the_sound_spooled(tmp_path: Path) -> None:
    peer = ScriptedPeer()
    peer.faults.extend([Fault(refuse=ConnectionFailed("down"))] * 100)
    async with room(tmp_path, peer, live=True) as kitchen:
        await kitchen.hear(frames(20))
        await kitchen.leave()
        assert kitchen.spool.seconds == pytest.approx(2)
        assert not any(isinstance(event, ConversationEnded) for event in await kitchen.events())


async def test_lost_sound_is_a_gap_and_sound_left_out_by_its_owner_is_not(tmp_path: Path) -> None:
    async with room(tmp_path, ScriptedPeer(), live=True) as kitchen:
        await kitchen.hear(frames(10))
        await kitchen.uplink.take(Omitted(10 * BLOCK, RATE, RATE, 1.0, Cause.OVERRUN))
        await kitchen.uplink.take(Omitted(10 * BLOCK + RATE, RATE, RATE, 2.0, Cause.MUTED))
        await kitchen.end()
        (gap,) = await kitchen.gaps()
    assert (gap.start, gap.seconds, gap.cause, gap.outcome) == (1.0, 1.0, Cause.OVERRUN, "lost")


@given(sent=st.floats(0, 1000), elapsed=st.floats(0, 1000), multiple=st.floats(1, 10))
def test_the_backlog_is_never_sent_faster_than_allowed(sent: float, elapsed: float, multiple: float) -> None:
    wait = max(0.0, pace(sent, elapsed, multiple))
    assert sent <= 1 + (elapsed + wait) * multiple + 1e-6


async def test_a_service_that_ends_every_conversation_at_once_is_not_hammered(tmp_path: Path) -> None:
    class Rude(ScriptedPeer):
        @asynccontextmanager
        async def connect(self, connection_id: str) -> AsyncIterator[ScriptedConnection]:
            async with super().connect(connection_id) as connection:
                connection.hang_up_politely()
                yield connection

    peer = Rude()
    async with room(tmp_path, peer, live=True) as kitchen:
        await kitchen.hear(frames(5))
        await until(lambda: kitchen.uplink.attempt > 2)
        assert "ends every conversation" in (kitchen.uplink.reason or "")
        assert peer.connects <= 5


async def test_a_service_that_asks_for_a_year_of_patience_is_asked_again_sooner(tmp_path: Path) -> None:
    peer = ScriptedPeer()
    peer.faults.append(Fault(refuse=ConnectionFailed("busy", retry_after_seconds=1e14)))
    async with room(tmp_path, peer, live=True) as kitchen:
        await kitchen.hear(frames(5))
        await until(lambda: kitchen.uplink.next_attempt_at is not None)
        assert kitchen.uplink.next_attempt_at is not None
        assert kitchen.uplink.next_attempt_at < moment(time.time() + 3600)


async def test_touching_losses_of_one_cause_are_one_gap(tmp_path: Path) -> None:
    async with room(tmp_path, ScriptedPeer(), live=True) as kitchen:
        await kitchen.hear(frames(5))
        for index in range(5, 105):
            await kitchen.uplink.take(Omitted(index * BLOCK, BLOCK, RATE, index * 0.1, Cause.BLOCKED))
        await kitchen.hear(frames(5, first=105))
        await kitchen.end()
        (gap,) = await kitchen.gaps()
    assert [gap.start, gap.seconds] == pytest.approx([0.5, 10])


async def test_what_is_forgotten_is_not_told_by_results_that_come_later(tmp_path: Path) -> None:
    peer = ScriptedPeer(every_seconds=1000)
    async with room(tmp_path, peer, live=True) as kitchen:
        await kitchen.hear(frames(20))
        await until(lambda: sum(len(memory.samples) for memory in peer.conversations.values()) == 20 * BLOCK)
        await kitchen.uplink.forget(None, None, None)
        await kitchen.end()
        assert await kitchen.spans() == []
        assert kitchen.spool.seconds == 0


async def test_forgetting_one_conversation_leaves_the_sound_of_another(tmp_path: Path) -> None:
    peer = ScriptedPeer()
    peer.faults.extend([Fault(refuse=ConnectionFailed("down"))] * 1000)
    async with room(tmp_path, peer, live=True) as kitchen:
        await kitchen.hear(frames(20))
        kitchen.uplink.end_conversation()
        await kitchen.hear(frames(20, first=20))
        await kitchen.uplink.forget(kitchen.uplink.conversation, None, None)
        peer.faults.clear()
        await kitchen.end()
    samples = heard(peer)
    assert {place: samples[place] for place in range(20 * BLOCK)} == captured(frames(20))
    assert not any(samples.get(place, 0) for place in range(20 * BLOCK, 40 * BLOCK))
