"""What plugin authors import: hooks and offers, the kinds of stages, sound, events, errors.

Names are loaded when they are first asked for, so that `earmark --version` does not wait for numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from earmark._version import __version__

if TYPE_CHECKING:
    from earmark.audio import Cause as Cause
    from earmark.audio import Frame as Frame
    from earmark.audio import Omitted as Omitted
    from earmark.audio import Samples as Samples
    from earmark.errors import EarmarkError as EarmarkError
    from earmark.errors import PluginError as PluginError
    from earmark.errors import Refused as Refused
    from earmark.errors import SettingsError as SettingsError
    from earmark.errors import SourceError as SourceError
    from earmark.errors import SourceFailed as SourceFailed
    from earmark.events import AnyEvent as AnyEvent
    from earmark.events import Change as Change
    from earmark.events import ConversationEnded as ConversationEnded
    from earmark.events import ConversationStarted as ConversationStarted
    from earmark.events import Durable as Durable
    from earmark.events import Entity as Entity
    from earmark.events import Event as Event
    from earmark.events import Gap as Gap
    from earmark.events import Hearing as Hearing
    from earmark.events import Insight as Insight
    from earmark.events import InsightKind as InsightKind
    from earmark.events import Level as Level
    from earmark.events import Live as Live
    from earmark.events import MarkChanged as MarkChanged
    from earmark.events import Sentiment as Sentiment
    from earmark.events import SentimentHeard as SentimentHeard
    from earmark.events import Speaker as Speaker
    from earmark.events import StageStatus as StageStatus
    from earmark.events import State as State
    from earmark.events import Status as Status
    from earmark.events import Topic as Topic
    from earmark.events import TrackerHit as TrackerHit
    from earmark.events import Utterance as Utterance
    from earmark.hookspecs import Axis as Axis
    from earmark.hookspecs import Check as Check
    from earmark.hookspecs import CommandOffer as CommandOffer
    from earmark.hookspecs import Confirmed as Confirmed
    from earmark.hookspecs import Connection as Connection
    from earmark.hookspecs import Diagnosis as Diagnosis
    from earmark.hookspecs import Enricher as Enricher
    from earmark.hookspecs import EventStream as EventStream
    from earmark.hookspecs import Filter as Filter
    from earmark.hookspecs import FromPeer as FromPeer
    from earmark.hookspecs import Heard as Heard
    from earmark.hookspecs import NoSettings as NoSettings
    from earmark.hookspecs import Offer as Offer
    from earmark.hookspecs import Service as Service
    from earmark.hookspecs import Sink as Sink
    from earmark.hookspecs import Source as Source
    from earmark.hookspecs import Start as Start
    from earmark.hookspecs import Started as Started
    from earmark.hookspecs import Transport as Transport
    from earmark.hookspecs import Trouble as Trouble
    from earmark.hookspecs import Verdict as Verdict
    from earmark.hookspecs import hookimpl as hookimpl
    from earmark.room import Controls as Controls
    from earmark.room import Room as Room
    from earmark.settings import Duration as Duration
    from earmark.settings import Secret as Secret

_MODULES = {
    "audio": "Cause Frame Omitted Samples",
    "errors": "EarmarkError PluginError Refused SettingsError SourceError SourceFailed",
    "events": "AnyEvent Change ConversationEnded ConversationStarted Durable Entity Event Gap Hearing Insight "
    "InsightKind Level Live MarkChanged Sentiment SentimentHeard Speaker StageStatus State Status Topic "
    "TrackerHit Utterance",
    "hookspecs": "Axis Check CommandOffer Confirmed Connection Diagnosis Enricher EventStream Filter FromPeer "
    "Heard NoSettings Offer Service Sink Source Start Started Transport Trouble Verdict hookimpl",
    "room": "Controls Room",
    "settings": "Duration Secret",
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = ["__version__", *_WHERE]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'earmark' has no attribute {name!r}")
    return getattr(import_module(f"earmark.{_WHERE[name]}"), name)
