from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_symbl.errors import LocalProtocolError, RemoteProtocolError
from earmark_symbl.lifecycle import (
    ConversationCompleted,
    ConversationCreated,
    ConversationData,
    EarmarkHeard,
    ErrorMessage,
    NestedError,
    RecognitionResult,
    RecognitionStarted,
    RecognitionStopped,
    StartedListening,
    SubscriptionStarted,
)
from earmark_symbl.messages import ClientMessage, Pong, ServerMessage, encode
from earmark_symbl.requests import Audio, ModifyRequest, Ping, Resume, StartRequest, StopRequest, Unknown
from earmark_symbl.results import InsightResponse, MessageResponse
from earmark_symbl.session import TOLERATED, TRANSITIONS, Ending, Ignored, Phase, Session, Side, State

AnyMessage = ClientMessage | ServerMessage
T = TypeVar("T")
CREATED = ConversationCreated(data=ConversationData(conversation_id="42"))
RUNNING = RecognitionStarted(data=ConversationData(conversation_id="42"))


class Wire:
    """Two sessions and what is on its way between them."""

    def __init__(self) -> None:
        self.client, self.server = Session(Side.CLIENT), Session(Side.SERVER)
        self.up: list[str | bytes] = []
        self.down: list[str | bytes] = []

    def ask(self, *messages: ClientMessage) -> None:
        self.up += [self.client.send(message) for message in messages]

    def answer(self, *messages: ServerMessage) -> None:
        self.down += [self.server.send(message) for message in messages]

    def carry(self) -> list[AnyMessage | Ignored]:
        """Everything arrives: first what the client said, then what the server said."""
        arrived: list[AnyMessage | Ignored] = [self.server.receive(frame) for frame in self.up]
        arrived += [self.client.receive(frame) for frame in self.down]
        self.up, self.down = [], []
        return arrived

    @property
    def phases(self) -> set[Phase]:
        return {self.client.phase, self.server.phase}


@pytest.fixture
def wire() -> Wire:
    return Wire()


def listen(wire: Wire, start: StartRequest | None = None) -> None:
    wire.ask(start or StartRequest())
    wire.carry()
    wire.answer(StartedListening(), CREATED, RUNNING)
    wire.carry()


def test_a_conversation_goes_from_start_to_end(wire: Wire) -> None:
    assert wire.phases == {Phase.OPEN}
    listen(wire)
    assert wire.phases == {Phase.LISTENING}
    wire.ask(Audio(b"\0\0"), StopRequest())
    wire.carry()
    wire.answer(
        RecognitionResult(is_final=True), MessageResponse(), ConversationCompleted.of("42"), RecognitionStopped()
    )
    assert wire.server.phase is Phase.COMPLETED
    assert wire.carry()[-1] == RecognitionStopped()
    assert wire.phases == {Phase.COMPLETED}
    assert wire.client.conversation == "42"


def test_the_closing_messages_come_in_either_order(wire: Wire) -> None:
    listen(wire)
    wire.ask(StopRequest())
    wire.carry()
    wire.answer(RecognitionStopped())
    wire.carry()
    assert wire.phases == {Phase.STOPPED}
    wire.answer(ConversationCompleted.of("42"))
    wire.carry()
    assert wire.phases == {Phase.COMPLETED}


def test_audio_may_come_before_the_server_says_that_it_listens(wire: Wire) -> None:
    wire.ask(StartRequest(), Audio(b"ab"))
    assert wire.client.phase is Phase.STARTING
    assert wire.carry()[-1] == Audio(b"ab")
    wire.answer(CREATED, StartedListening(), RUNNING)
    wire.carry()
    assert wire.phases == {Phase.LISTENING}


def test_audio_before_a_start_is_ignored_by_a_server_and_refused_by_a_client(wire: Wire) -> None:
    assert isinstance(wire.server.receive(b"ab"), Ignored)
    with pytest.raises(LocalProtocolError):
        wire.client.send(Audio(b"ab"))


def test_a_pause_and_a_second_start_on_one_socket_go_on(wire: Wire) -> None:
    listen(wire, StartRequest(disconnect_on_stop_request=False))
    wire.ask(StopRequest())
    wire.carry()
    assert wire.phases == {Phase.STOPPING}
    wire.answer(MessageResponse(), RecognitionStopped())
    wire.carry()
    assert wire.phases == {Phase.STOPPED}
    wire.answer(InsightResponse())
    listen(wire, StartRequest(disconnect_on_stop_request=False))
    assert wire.phases == {Phase.LISTENING}


def test_a_client_may_stop_and_start_again_before_anything_is_answered(wire: Wire) -> None:
    wire.ask(StartRequest(id="1"), StopRequest(), StartRequest(id="2"), Audio(b"ab"))
    wire.carry()
    assert wire.server.outstanding == 2
    wire.answer(StartedListening(), RecognitionStopped())
    wire.carry()
    assert wire.phases == {Phase.STARTING}
    wire.answer(StartedListening())
    wire.carry()
    assert wire.phases == {Phase.LISTENING}
    assert wire.server.start == StartRequest(id="2")


def test_a_restart_survives_completion_before_stopped(wire: Wire) -> None:
    listen(wire)
    wire.ask(StopRequest(), StartRequest())
    wire.carry()
    wire.answer(ConversationCompleted.of("42"), RecognitionStopped())
    wire.carry()
    assert wire.phases == {Phase.STARTING}
    wire.answer(StartedListening())
    wire.carry()
    assert wire.phases == {Phase.LISTENING}


@pytest.mark.parametrize("complaint", [ErrorMessage(message="no"), NestedError(message="no")])
def test_an_error_in_answer_to_a_start_refuses_it(wire: Wire, complaint: ErrorMessage) -> None:
    wire.ask(StartRequest(), Audio(b"ab"))
    wire.carry()
    wire.answer(complaint)
    wire.carry()
    assert wire.phases == {Phase.OPEN}
    assert isinstance(wire.server.receive(b"late"), Ignored)
    listen(wire)
    assert wire.phases == {Phase.LISTENING}


def test_an_error_while_listening_changes_nothing(wire: Wire) -> None:
    listen(wire)
    wire.answer(ErrorMessage(message="Unsupported 'type' detected: foo"))
    wire.carry()
    assert wire.phases == {Phase.LISTENING}


def test_a_server_that_ends_by_itself_ends_for_both(wire: Wire) -> None:
    listen(wire)
    wire.answer(ConversationCompleted.of("42"), RecognitionStopped())
    wire.ask(Audio(b"on its way"), StopRequest())
    assert all(isinstance(item, Ignored) for item in wire.carry()[:2])
    assert wire.phases == {Phase.COMPLETED}


def test_the_audio_may_be_announced_anew_while_talking(wire: Wire) -> None:
    listen(wire)
    wire.ask(ModifyRequest(), Audio(b"ab"))
    assert wire.carry() == [ModifyRequest(), Audio(b"ab")]


def test_a_start_while_talking_is_an_offence_on_both_sides(wire: Wire) -> None:
    listen(wire)
    with pytest.raises(LocalProtocolError):
        wire.client.send(StartRequest())
    with pytest.raises(RemoteProtocolError):
        wire.server.receive(encode(StartRequest()))
    assert wire.phases == {Phase.LISTENING}


def test_a_server_listens_only_to_whom_asked(wire: Wire) -> None:
    with pytest.raises(LocalProtocolError):
        wire.server.send(StartedListening())
    with pytest.raises(RemoteProtocolError):
        wire.client.receive(encode(StartedListening()))


def test_keepalive_passes_at_any_time(wire: Wire) -> None:
    wire.ask(Ping())
    wire.answer(Pong())
    assert wire.carry() == [Ping(), Pong()]
    listen(wire)
    wire.ask(Ping())
    wire.answer(Pong())
    assert wire.carry() == [Ping(), Pong()]


def test_unknown_messages_are_ignored_and_never_sent(wire: Wire) -> None:
    raw = '{"type":"foo"}'
    unknown = Unknown(type="foo", raw=raw)
    for session in (wire.client, wire.server):
        heard = session.receive(raw)
        assert isinstance(heard, Ignored)
        assert heard.message == unknown
        with pytest.raises(LocalProtocolError):
            session.send(unknown)


def test_a_listener_gets_what_others_say(wire: Wire) -> None:
    wire.answer(SubscriptionStarted(), RecognitionResult(), MessageResponse(), ConversationCompleted.of("42"))
    wire.carry()
    assert wire.phases == {Phase.SUBSCRIBED}


def test_our_extension_is_spoken_only_to_those_who_asked(wire: Wire) -> None:
    listen(wire)
    with pytest.raises(LocalProtocolError):
        wire.server.send(EarmarkHeard(samples=1))
    other = Wire()
    listen(other, StartRequest(earmark=Resume()))
    other.answer(EarmarkHeard(samples=1))
    assert other.carry() == [EarmarkHeard(samples=1)]


def test_an_audio_frame_has_its_largest_size(wire: Wire) -> None:
    listen(wire)
    wire.client.send(Audio(bytes(8192)))
    with pytest.raises(LocalProtocolError, match="8193"):
        wire.client.send(Audio(bytes(8193)))


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006, 1011, 3006, 4001])
def test_a_socket_that_closes_without_a_stop_is_joinable_unless_the_server_meant_it(wire: Wire, code: int) -> None:
    listen(wire)
    assert wire.server.close(code, by=Side.CLIENT) is Ending.JOINABLE
    expected = Ending.ENDED if code == 1000 else Ending.JOINABLE
    assert wire.client.close(code, by=Side.SERVER) is expected


def test_a_paused_conversation_ends_only_when_the_client_means_it() -> None:
    for code, ending in ((1000, Ending.ENDED), (1001, Ending.JOINABLE), (1006, Ending.JOINABLE)):
        wire = Wire()
        listen(wire, StartRequest(disconnect_on_stop_request=False))
        wire.ask(StopRequest())
        wire.carry()
        wire.answer(RecognitionStopped())
        wire.carry()
        assert wire.server.close(code, by=Side.CLIENT) is ending


def test_a_stop_ends_the_conversation_unless_told_otherwise(wire: Wire) -> None:
    listen(wire)
    wire.ask(StopRequest())
    wire.carry()
    assert wire.server.close(1006, by=Side.CLIENT) is Ending.ENDED


def test_a_completed_conversation_has_ended_however_the_socket_closes(wire: Wire) -> None:
    listen(wire)
    wire.answer(ConversationCompleted.of("42"))
    wire.carry()
    assert wire.client.close(1006, by=Side.SERVER) is Ending.ENDED


def test_nothing_is_said_on_a_closed_socket(wire: Wire) -> None:
    wire.client.close(1006, by=Side.SERVER)
    assert wire.client.phase is Phase.CLOSED
    with pytest.raises(LocalProtocolError):
        wire.client.send(Ping())


def test_the_table_says_of_no_message_both_that_it_counts_and_that_it_does_not() -> None:
    for side, states in TRANSITIONS.items():
        assert set(states) == set(TOLERATED[side])
        for state, kinds in states.items():
            assert not set(kinds) & set(TOLERATED[side][state])
            assert set(kinds.values()) <= set(states)


CLIENT_SAYS: list[ClientMessage] = [StartRequest(), Audio(b"ab"), StopRequest(), ModifyRequest(), Ping()]
SERVER_SAYS: list[ServerMessage] = [
    StartedListening(),
    CREATED,
    RUNNING,
    RecognitionResult(is_final=True),
    MessageResponse(),
    InsightResponse(),
    RecognitionStopped(),
    ConversationCompleted.of("42"),
    ErrorMessage(message="no"),
    Pong(),
]


@given(st.lists(st.sampled_from(["up", "down", *range(len(CLIENT_SAYS)), *range(-len(SERVER_SAYS), 0)]), max_size=60))
def test_what_both_may_say_offends_nobody_and_leaves_them_of_one_mind(steps: list[str | int]) -> None:
    """Whatever is on its way meanwhile: once everything has arrived, both see the same conversation."""
    wire = Wire()
    for step in steps:
        if step == "up" and wire.up:
            wire.server.receive(wire.up.pop(0))
        elif step == "down" and wire.down:
            wire.client.receive(wire.down.pop(0))
        elif isinstance(step, int):
            say(wire, step)
    while wire.up or wire.down:
        wire.carry()
    assert len(wire.phases) == 1
    assert wire.client.outstanding == wire.server.outstanding


def say(wire: Wire, step: int) -> None:
    unprovoked = isinstance(SERVER_SAYS[step], ErrorMessage) and not wire.server.outstanding
    if step < 0 and unprovoked and wire.server.phase is not Phase.LISTENING:
        return  # a client that asks meanwhile must take it for the answer
    try:
        if step >= 0:
            wire.ask(CLIENT_SAYS[step])
        else:
            wire.answer(SERVER_SAYS[step])
    except LocalProtocolError:
        return


@given(st.lists(st.binary(max_size=20) | st.text(max_size=20), max_size=10), st.sampled_from(Side))
def test_noise_offends_but_never_breaks_a_session(frames: list[str | bytes], side: Side) -> None:
    session = Session(side)
    for frame in frames:
        before = dict(session.states)
        try:
            session.receive(frame)
        except RemoteProtocolError:
            assert session.states == before
    assert session.states[Side.CLIENT] is State.IDLE
