"""Colours: dark, light, high contrast, and none. Each has one meaning everywhere.

Amber is what is to do, blue is what was asked, green is well, red needs a look.
"""

from __future__ import annotations

from textual.theme import BUILTIN_THEMES, Theme

_INK = {"block-cursor-text-style": "none"}

_ANSI = {name: "none" if name.endswith("style") else "ansi_default" for name in BUILTIN_THEMES["ansi-dark"].variables}

THEMES = (
    Theme(
        name="earmark-dark",
        primary="#7aa2d6",
        secondary="#e0b15e",
        accent="#e0b15e",
        warning="#e0b15e",
        error="#e5767e",
        success="#8fbf7f",
        foreground="#d5d9e0",
        background="#14171c",
        surface="#1a1e25",
        panel="#262c36",
        variables={**_INK, "dim": "#858d99"},
    ),
    Theme(
        name="earmark-light",
        primary="#2459a8",
        secondary="#8f5a00",
        accent="#8f5a00",
        warning="#8f5a00",
        error="#b3262e",
        success="#2c6e2f",
        foreground="#24272c",
        background="#fbfaf7",
        surface="#f3f1ec",
        panel="#dfdcd4",
        dark=False,
        variables={**_INK, "dim": "#6b6f76"},
    ),
    Theme(
        name="earmark-contrast",
        primary="#6fd3ff",
        secondary="#ffd400",
        accent="#ffd400",
        warning="#ffd400",
        error="#ff6b6b",
        success="#5cff7a",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#7f7f7f",
        text_alpha=1.0,
        variables={**_INK, "dim": "#c8c8c8", "text-muted": "#d0d0d0", "text-disabled": "#b0b0b0"},
    ),
    Theme(
        name="earmark-plain",
        primary="ansi_default",
        secondary="ansi_default",
        accent="ansi_default",
        warning="ansi_default",
        error="ansi_default",
        success="ansi_default",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        ansi=True,
        variables={**_ANSI, **_INK, "dim": "ansi_default"},
    ),
)
"""In the order in which a key goes through them; the last one uses no colour, for NO_COLOR and for terminals of few."""
NAMES = tuple(theme.name for theme in THEMES)
PLAIN = "earmark-plain"
CONTRAST = "earmark-contrast"
