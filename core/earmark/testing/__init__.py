"""What plugin authors test with: fakes, whole rooms, and checks that a stage keeps its side of the contract.

Names are loaded when they are first asked for; only the conformance classes need pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from earmark.testing.clocks import QuickClock as QuickClock
    from earmark.testing.clocks import QuickLoop as QuickLoop
    from earmark.testing.clocks import VirtualClock as VirtualClock
    from earmark.testing.clocks import run_quickly as run_quickly
    from earmark.testing.conformance import EnricherConformance as EnricherConformance
    from earmark.testing.conformance import FilterConformance as FilterConformance
    from earmark.testing.conformance import SinkConformance as SinkConformance
    from earmark.testing.conformance import SourceConformance as SourceConformance
    from earmark.testing.conformance import TransportConformance as TransportConformance
    from earmark.testing.household import House as House
    from earmark.testing.household import house as house
    from earmark.testing.peer import Fault as Fault
    from earmark.testing.peer import ScriptedPeer as ScriptedPeer
    from earmark.testing.rooms import NotedControls as NotedControls
    from earmark.testing.rooms import room_for_tests as room_for_tests
    from earmark.testing.samples import noise as noise
    from earmark.testing.samples import one_of_each as one_of_each
    from earmark.testing.samples import utterances as utterances
    from earmark.testing.stages import RecordingSink as RecordingSink
    from earmark.testing.stages import ScriptedPlugin as ScriptedPlugin
    from earmark.testing.stages import ScriptedSource as ScriptedSource
    from earmark.testing.subject import Subject as Subject

_MODULES = {
    "clocks": "QuickClock QuickLoop VirtualClock run_quickly",
    "conformance": "EnricherConformance FilterConformance SinkConformance SourceConformance TransportConformance",
    "household": "House house",
    "peer": "Fault ScriptedPeer",
    "rooms": "NotedControls room_for_tests",
    "samples": "noise one_of_each utterances",
    "stages": "RecordingSink ScriptedPlugin ScriptedSource",
    "subject": "Subject",
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = list(_WHERE)


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'earmark.testing' has no attribute {name!r}")
    return getattr(import_module(f"earmark.testing.{_WHERE[name]}"), name)
