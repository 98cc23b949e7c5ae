"""The viewer's own hook: panels that plugins add to it."""

from __future__ import annotations

from collections.abc import Iterable

from earmark.hookspecs import hookspec
from earmark_tui.api import PanelOffer


@hookspec
def earmark_panels() -> Iterable[PanelOffer]:  # type: ignore[empty-body]
    """Further panels beside what is said."""
