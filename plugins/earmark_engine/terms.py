"""What the clients of a conversation asked for, all taken together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from earmark_engine.insights.types import Person, Tracker
from earmark_engine.redaction import Redactor
from earmark_symbl import api as symbl


@dataclass
class Terms:
    """What the clients of a conversation asked for, all taken together."""

    threshold: float = 1.0
    utc_offset_minutes: int = 0
    vocabulary: tuple[str, ...] = ()
    trackers: dict[str, Tracker] = field(default_factory=dict)
    interim_trackers: bool = False
    redactor: Redactor | None = None

    def add(self, start: symbl.StartRequest, saved: Iterable[Tracker], people: tuple[Person, ...]) -> None:
        """Take in what one more client asks for."""
        config = start.config or symbl.Config()
        asked = config.confidence_threshold
        self.threshold = min(self.threshold, 0.5 if asked is None else min(max(asked, 0.0), 1.0))
        if config.timezone_offset is not None:
            # Clients give what browsers give: minutes from local time to UTC, so that 480 is California in winter.
            self.utc_offset_minutes = -config.timezone_offset
        self.vocabulary = tuple(dict.fromkeys([*self.vocabulary, *(start.custom_vocabulary or ())]))
        inline = (Tracker(name=t.name, vocabulary=t.vocabulary) for t in start.trackers or () if t.name)
        for tracker in (*(saved if start.all_trackers else ()), *inline):
            self.trackers[tracker.name] = tracker
        self.interim_trackers |= bool(config.trackers and config.trackers.interim_results)
        if config.redaction and config.redaction.redact_content:
            self.redactor = Redactor(config.redaction.redaction_string or "****", people)
