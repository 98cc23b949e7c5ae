"""Every key of the viewer: what it is called in `tui.toml`, what it does, and where the help lists it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Key:
    """One thing that a key does."""

    name: str
    """What `tui.toml` calls it."""
    keys: str
    action: str
    help: str
    short: str = ""
    """What the footer calls it; not there if empty."""


GROUPS: tuple[tuple[str, tuple[Key, ...]], ...] = (
    (
        "Look",
        (
            Key("find", "slash", "find", "find in what was said", "Find"),
            Key("find_next", "n", "find_again(1)", "the next that was found"),
            Key("find_previous", "N", "find_again(-1)", "the one before"),
            Key("filter", "f", "filter", "show only lines that hold some words", "Filter"),
            Key("clear", "escape", "clear", "stop finding and filtering, and go to the end"),
            Key("hold", "space", "hold", "hold the talk still, or play and hold a replay", "Hold"),
            Key("open_only", "o", "open_only", "hide what is done, or show it"),
            Key("details", "i", "app.details", "how the room and each of its stages is"),
            Key("history", "h", "app.history", "past conversations, to be replayed", "History"),
        ),
    ),
    (
        "Marks",
        (
            Key("tick", "x", "tick", "done, answered, or open again", "Tick"),
            Key("dismiss", "d", "drop", "this is no mark: take it away"),
            Key("amend", "e", "amend", "put it in other words"),
            Key("copy", "y", "copy", "copy the chosen line or mark"),
            Key("copy_all", "Y", "copy_all", "copy the minutes of the conversation"),
            Key("write", "w", "write", "write the conversation to a file", "Write"),
        ),
    ),
    (
        "Room",
        (
            Key("mute", "m", "app.mute", "close the ears, or open them", "Mute"),
            Key("mute_for", "M", "app.mute_for(900)", "close them for a quarter of an hour"),
            Key("end", "E", "app.end", "end the conversation; the next word begins another"),
            Key("room_next", "right_curly_bracket", "app.room(1)", "the next room"),
            Key("room_previous", "left_curly_bracket", "app.room(-1)", "the room before"),
        ),
    ),
    (
        "Replay",
        (
            Key("slower", "left_square_bracket", "app.speed(-1)", "slower"),
            Key("faster", "right_square_bracket", "app.speed(1)", "faster"),
            Key("back", "comma,left", "app.seek(-10)", "ten seconds back"),
            Key("forward", "full_stop,right", "app.seek(10)", "ten seconds on"),
            Key("to_start", "less_than_sign", "app.seek_to(0)", "to the beginning"),
            Key("to_end", "greater_than_sign", "app.seek_to(1)", "to the end"),
        ),
    ),
    (
        "Viewer",
        (
            Key("talk", "1", "panel('talk')", "what is said"),
            Key("todo", "2", "panel('todo')", "what is to do"),
            Key("asked", "3", "panel('asked')", "what was asked"),
            Key("topics", "4", "panel('topics')", "what it is about"),
            Key("side", "b", "side", "show or hide the panels beside the talk"),
            Key("theme", "t", "app.other_theme", "other colours: dark, light, high contrast, none"),
            Key("help", "question_mark,f1", "app.keys", "this list", "Help"),
            Key("demo", "p", "app.demo", "play a recorded conversation"),
            Key("quit", "q", "app.leave", "leave; the listener goes on", "Quit"),
        ),
    ),
)
LISTS = (
    ("next", "down,j", "the next line"),
    ("previous", "up,k", "the line before"),
    ("page_down", "pagedown", "a page on"),
    ("page_up", "pageup", "a page back"),
    ("first", "home,g", "the first line"),
    ("last", "end,G", "the last line, and follow what comes"),
    ("choose", "enter", "from a mark to the words it came from, and back"),
)
"""The keys of every list: name, keys, help."""

NAMES = frozenset(key.name for _, keys in GROUPS for key in keys) | {name for name, _, _ in LISTS}


_FOOTER = {name: at for at, name in enumerate(("help", "find", "filter", "tick", "mute", "hold", "history", "write"))}
"""In which order the footer shows keys: a small terminal cuts off the last."""


def bindings() -> list[Binding]:
    """All of them, for the screen; the footer shows those that have a short name."""
    ordered = sorted((key for _, keys in GROUPS for key in keys), key=lambda key: _FOOTER.get(key.name, len(_FOOTER)))
    return [
        Binding(key.keys, key.action, key.short or key.help, show=bool(key.short), id=key.name) for key in ordered
    ] + [Binding("ctrl+c", "app.leave", show=False, system=True)]


_SIGNS = {
    "slash": "/", "comma": ",", "full_stop": ".", "question_mark": "?", "left_square_bracket": "[",
    "right_square_bracket": "]", "left_curly_bracket": "{", "right_curly_bracket": "}", "less_than_sign": "<",
    "greater_than_sign": ">", "left": "←", "right": "→", "up": "↑", "down": "↓", "escape": "esc", "pagedown": "PgDn",
    "pageup": "PgUp", "f1": "F1", "ctrl+c": "^c",
}  # fmt: skip


def shown(keys: str) -> str:
    """Keys as the help shows them."""
    return " ".join(_SIGNS.get(key, key) for key in keys.split(","))
