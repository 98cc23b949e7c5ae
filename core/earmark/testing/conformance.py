"""The conformance classes: inherit from one, give it a fixture `subject`, and pytest runs its checks."""

from __future__ import annotations

from earmark.testing.enrichers import EnricherConformance
from earmark.testing.filters import FilterConformance
from earmark.testing.sinks import SinkConformance
from earmark.testing.sources import SourceConformance
from earmark.testing.transports import TransportConformance

__all__ = [
    "EnricherConformance",
    "FilterConformance",
    "SinkConformance",
    "SourceConformance",
    "TransportConformance",
]
