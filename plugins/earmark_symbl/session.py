"""One socket's conversation as a state machine without I/O; client and server obey the same table.

Rules:

1. Each side has a state of its own, which only what that side says can move: `IDLE` and `TALKING` for the client;
   `IDLE`, `LISTENING`, `COMPLETED` and `SUBSCRIBED` for the server. `TRANSITIONS` holds every message that a side may
   say in each of its states, and the state that follows. What is not in it must not be said.
2. The two sides need not take turns. A client may send audio before the server says that it listens, and may stop,
   or stop and start again, before the server has answered; `outstanding` counts the starts that are not answered yet.
3. A server says that it listens only when a start is outstanding. An error while a start is outstanding and the server
   does not listen refuses that start.
4. `recognition_stopped` and `conversation_completed` come in either order, or alone.
5. When the server stops or completes and no start is outstanding, the client is `IDLE`, asked or not.
6. We are strict with ourselves and lenient with others: what `TOLERATED` holds is never said by us, is no offence of
   the peer, and means nothing; `receive` gives it as an `Ignored`.
7. An offence raises (`LocalProtocolError` for ours, `RemoteProtocolError` for theirs) and changes nothing, so that the
   conversation can go on.
8. A socket that closes ends the conversation where the server completed it, where it was stopped and stopping ends it,
   or where whoever closed meant it: the server by code 1000, the client by code 1000 after a stop. Otherwise it can
   be joined again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any

from earmark_symbl.errors import LocalProtocolError, RemoteProtocolError
from earmark_symbl.lifecycle import (
    ConversationCompleted,
    ConversationCreated,
    EarmarkHeard,
    ErrorMessage,
    InConversation,
    NestedError,
    RecognitionResult,
    RecognitionStarted,
    RecognitionStopped,
    SessionModified,
    StartedListening,
    SubscriptionStarted,
)
from earmark_symbl.messages import ClientMessage, Pong, ServerMessage, decode_client, decode_server, encode
from earmark_symbl.requests import AUDIO_FRAME_BYTES, Audio, ModifyRequest, Ping, StartRequest, StopRequest, Unknown
from earmark_symbl.results import EntityResponse, InsightResponse, MessageResponse, TopicResponse, TrackerResponse


class Side(Enum):
    """Who speaks."""

    CLIENT = auto()
    SERVER = auto()

    @property
    def other(self) -> Side:
        """The peer's side."""
        return Side.SERVER if self is Side.CLIENT else Side.CLIENT


class State(Enum):
    """What one side is doing."""

    IDLE = auto()
    TALKING = auto()
    """The client has asked to be heard and may send audio."""
    LISTENING = auto()
    """The server hears audio, or still works on what it has heard."""
    COMPLETED = auto()
    """The server has ended the conversation."""
    SUBSCRIBED = auto()
    """The server tells a listener what others say."""


class Phase(StrEnum):
    """What both together amount to, for people and for whoever waits."""

    OPEN = "open"
    STARTING = "starting"
    LISTENING = "listening"
    STOPPING = "stopping"
    STOPPED = "stopped"
    COMPLETED = "completed"
    SUBSCRIBED = "subscribed"
    CLOSED = "closed"


class Ending(StrEnum):
    """What a closed socket means for the conversation."""

    JOINABLE = "joinable"
    ENDED = "ended"


@dataclass(frozen=True)
class Ignored:
    """What a peer said out of turn, harmlessly: it means nothing."""

    message: ClientMessage | ServerMessage
    reason: str


NORMAL = 1000
"""The close code of a side that means to go."""

Kind = type[Any]
_RESULTS: tuple[Kind, ...] = (MessageResponse, InsightResponse, TopicResponse, TrackerResponse, EntityResponse)
_ALWAYS: tuple[Kind, ...] = (*_RESULTS, ConversationCreated, ErrorMessage, NestedError, Pong)


def _staying(state: State, *kinds: Kind) -> dict[Kind, State]:
    return dict.fromkeys(kinds, state)


TRANSITIONS: dict[Side, dict[State, dict[Kind, State]]] = {
    Side.CLIENT: {
        State.IDLE: {StartRequest: State.TALKING, **_staying(State.IDLE, ModifyRequest, Ping)},
        State.TALKING: {StopRequest: State.IDLE, **_staying(State.TALKING, Audio, ModifyRequest, Ping)},
    },
    Side.SERVER: {
        State.IDLE: {
            StartedListening: State.LISTENING,
            RecognitionStarted: State.LISTENING,
            ConversationCompleted: State.COMPLETED,
            SubscriptionStarted: State.SUBSCRIBED,
            **_staying(State.IDLE, *_ALWAYS, SessionModified, EarmarkHeard),
        },
        State.LISTENING: {
            RecognitionStopped: State.IDLE,
            ConversationCompleted: State.COMPLETED,
            **_staying(State.LISTENING, *_ALWAYS, StartedListening, RecognitionStarted, RecognitionResult),
            **_staying(State.LISTENING, SessionModified, EarmarkHeard),
        },
        State.COMPLETED: {
            StartedListening: State.LISTENING,
            RecognitionStarted: State.LISTENING,
            **_staying(State.COMPLETED, *_ALWAYS, RecognitionStopped),
        },
        State.SUBSCRIBED: {
            **_staying(State.SUBSCRIBED, *_ALWAYS, RecognitionStarted, RecognitionResult, StartedListening),
            **_staying(State.SUBSCRIBED, RecognitionStopped, ConversationCompleted, SubscriptionStarted),
        },
    },
}
"""What each side may say in each of its states, and the state that follows."""

TOLERATED: dict[Side, dict[State, dict[Kind, str]]] = {
    Side.CLIENT: {
        State.IDLE: {
            Audio: "audio counts only after a start_request",
            StopRequest: "there is nothing to stop",
            Unknown: "a request of a type that is not known",
        },
        State.TALKING: {Unknown: "a request of a type that is not known"},
    },
    Side.SERVER: {
        State.IDLE: {
            RecognitionResult: "text for audio of before",
            RecognitionStopped: "it had stopped already",
            Unknown: "a message of a type that is not known",
        },
        State.LISTENING: {Unknown: "a message of a type that is not known"},
        State.COMPLETED: {
            RecognitionResult: "text for audio of before",
            ConversationCompleted: "it was over already",
            EarmarkHeard: "it was over already",
            SessionModified: "it was over already",
            Unknown: "a message of a type that is not known",
        },
        State.SUBSCRIBED: {Unknown: "a message of a type that is not known"},
    },
}
"""What a peer may say without offence though it means nothing; we never say it."""


class Session:
    """Our end of one socket: `send` gives the frame to write, `receive` takes the frame that was read."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.states = {Side.CLIENT: State.IDLE, Side.SERVER: State.IDLE}
        self.start: StartRequest | None = None
        """The latest request to listen."""
        self.conversation = ""
        """The server's id of the conversation, once it has said so."""
        self.outstanding = 0
        """How many starts the server has not answered yet."""
        self.closed = False
        self._last: StartRequest | StopRequest | None = None

    @property
    def phase(self) -> Phase:
        """What client and server together are doing."""
        talking, server = self.states[Side.CLIENT] is State.TALKING, self.states[Side.SERVER]
        if self.closed:
            return Phase.CLOSED
        if server is State.SUBSCRIBED:
            return Phase.SUBSCRIBED
        if self.outstanding:
            return Phase.STARTING if talking else Phase.STOPPING
        if server is State.LISTENING:
            return Phase.LISTENING if talking else Phase.STOPPING
        if server is State.COMPLETED:
            return Phase.COMPLETED
        return Phase.STOPPED if self.start else Phase.OPEN

    @property
    def extended(self) -> bool:
        """Whether the client has asked for our own extension, so that the server may speak it."""
        return self.start is not None and self.start.earmark is not None

    def send(self, message: ClientMessage | ServerMessage) -> str | bytes:
        """The frame that says it; raises `LocalProtocolError` where it must not be said now."""
        if isinstance(message, Audio) and len(message.data) > AUDIO_FRAME_BYTES:
            raise LocalProtocolError(f"An audio frame of {len(message.data)} bytes; at most {AUDIO_FRAME_BYTES} go.")
        if isinstance(message, EarmarkHeard) and not self.extended:
            raise LocalProtocolError("earmark_heard is only for a client that has asked for it.")
        problem = self._move(self.side, message)
        if problem:
            raise LocalProtocolError(problem)
        return encode(message)

    def receive(self, frame: str | bytes) -> ClientMessage | ServerMessage | Ignored:
        """What the peer said; raises `RemoteProtocolError` where it is no message or must not be said now."""
        message = decode_client(frame) if self.side is Side.SERVER else decode_server(frame)
        reason = TOLERATED[self.side.other][self.states[self.side.other]].get(type(message))
        if reason:
            return Ignored(message, reason)
        problem = self._move(self.side.other, message)
        if problem:
            raise RemoteProtocolError(problem)
        return message

    def close(self, code: int, *, by: Side) -> Ending:
        """Take note that the socket closed, and tell what that means for the conversation."""
        stopped = isinstance(self._last, StopRequest)
        disconnects = stopped and self.start is not None and self.start.disconnects
        meant = code == NORMAL and (stopped or by is Side.SERVER)
        self.closed = True
        ended = meant or disconnects or self.states[Side.SERVER] is State.COMPLETED
        return Ending.ENDED if ended else Ending.JOINABLE

    def _move(self, side: Side, message: ClientMessage | ServerMessage) -> str | None:
        """Take the transition, or say why there is none."""
        state, kind = self.states[side], type(message)
        if self.closed:
            return f"{kind.__name__} on a closed socket."
        following = TRANSITIONS[side][state].get(kind)
        if following is None:
            return f"{kind.__name__} from the {side.name.lower()} while it is {state.name.lower()}."
        answers = following is State.LISTENING and state is not State.LISTENING
        if answers and not self.outstanding:
            return f"{kind.__name__} without a start_request that asked for it."
        self._note(side, message, following)
        return None

    def _note(self, side: Side, message: ClientMessage | ServerMessage, following: State) -> None:
        before, self.states[side] = self.states[side], following
        if isinstance(message, StartRequest):
            self.start, self._last, self.outstanding = message, message, self.outstanding + 1
        elif isinstance(message, StopRequest):
            self._last = message
        elif isinstance(message, InConversation) and message.conversation:
            self.conversation = message.conversation
        if side is Side.SERVER:
            self._settle(message, before, following)

    def _settle(self, message: ClientMessage | ServerMessage, before: State, following: State) -> None:
        """What the server says of a start, or of its own stopping, settles what the client is doing."""
        refused = isinstance(message, ErrorMessage) and before is not State.LISTENING and self.outstanding > 0
        began = following is State.LISTENING and before is not State.LISTENING
        self.outstanding -= refused or began
        over = isinstance(message, RecognitionStopped | ConversationCompleted)
        if (refused or over) and not self.outstanding:
            self.states[Side.CLIENT] = State.IDLE
        if refused and not self.outstanding:
            self.start = None
