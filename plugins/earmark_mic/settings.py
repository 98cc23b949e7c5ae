"""The settings of the microphone."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from earmark.settings import Duration

_Channel = Annotated[int, msgspec.Meta(ge=1, le=64)]
_Gain = Annotated[float, msgspec.Meta(ge=-40, le=60)]
_Rate = Annotated[int, msgspec.Meta(ge=8000, le=192_000)]


class MicSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which microphone is heard, and how."""

    device: str = "default"
    """The microphone: an id, a name or a part of one, as `earmark devices` lists them; `default` is the system's."""
    fallback: tuple[str, ...] = ()
    """Others to hear, in this order, while that one is not there; it is gone back to when it returns."""
    host_api: str | None = None
    """Only microphones of this sound system are looked at, such as `ALSA` or `PulseAudio`."""
    channels: tuple[_Channel, ...] = ()
    """Which channels are heard, counted from 1, and mixed if several; all of them if left out."""
    gain_db: _Gain = 0.0
    """Makes a quiet microphone louder; `earmark devices --meter` suggests how much."""
    device_rate: _Rate | None = None
    """Samples a second that the device is asked for; its own, if left out."""
    sample_format: Literal["auto", "int16", "float32"] = "auto"
    """Samples that the device is asked for; `auto` is int16 where the device has it."""
    buffer: Duration = Duration("300 ms")
    """How much sound the system may hold: more survives a busier machine, less is heard sooner."""
    stalled_after: Duration = Duration("1.5 s")
    """A microphone that gives nothing for so long is opened again."""
    zeros_after: Duration = Duration("60 s")
    """One that gives nothing but exact zeros for so long is opened again once, and named if that does not help."""
