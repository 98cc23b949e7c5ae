"""The settings of the silence gate."""

from __future__ import annotations

from typing import Annotated

import msgspec

from earmark.settings import Duration


class GateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When sound passes."""

    threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    """How likely speech must be, from 0 to 1; less hears quieter people and more of what is no speech."""
    pre_roll: Duration = Duration("600 ms")
    """How much of what came before speech passes with it, so that its first sound is whole."""
    hang_over: Duration = Duration("1.5 s")
    """How long the gate stays open after speech, so that a pause for breath does not cut a sentence."""
