"""What a peer may say, made up from the types of the messages themselves."""

from __future__ import annotations

import types
import typing
from typing import Any, cast

import msgspec
from hypothesis import strategies as st

from earmark_symbl.messages import InnerMessage, Pong, ResultMessage, ServerMessage
from earmark_symbl.requests import Audio, ModifyRequest, Ping, StartRequest, StopRequest

_LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=12),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False, width=32),
    bool: st.booleans(),
    type(None): st.none(),
}
json_values = st.recursive(
    st.one_of(_LEAVES[str], _LEAVES[int], _LEAVES[float], _LEAVES[bool]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that messages are made of."""
    if hint in _LEAVES:
        return _LEAVES[hint]
    if hint is Any:
        return json_values
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return st.lists(of(parts[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(of(parts[0]), of(parts[1]), max_size=3)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([of(part) for part in parts])
    return messages(hint)


def messages(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any message, or part of one, of a kind."""
    hints = {name: hint for name, hint in typing.get_type_hints(kind).items() if name in kind.__struct_fields__}
    return st.builds(kind, **{name: of(hint) for name, hint in hints.items()})


CLIENT_KINDS = (StartRequest, ModifyRequest, StopRequest, Ping)
SERVER_KINDS = (*typing.get_args(InnerMessage), *typing.get_args(ResultMessage), Pong)
client_messages = st.one_of([messages(kind) for kind in CLIENT_KINDS]) | st.builds(Audio, st.binary(max_size=64))
server_messages = cast("st.SearchStrategy[ServerMessage]", st.one_of([messages(kind) for kind in SERVER_KINDS]))
