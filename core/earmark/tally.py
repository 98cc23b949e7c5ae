"""What was heard in a run, counted for its summary."""

from __future__ import annotations

from earmark.events import AnyEvent, ConversationStarted, Gap, Insight, InsightKind, MarkChanged, Topic, Utterance


class Tally:
    """Counts what passes, and keeps the marks."""

    def __init__(self) -> None:
        self.conversations = 0
        self.utterances = 0
        self.marks: dict[str, Insight] = {}
        self.topics: dict[str, float] = {}
        self.gaps = 0
        self.lost_seconds = 0.0

    def hear(self, event: AnyEvent) -> None:
        """Take note of an event."""
        match event:
            case ConversationStarted():
                self.conversations += 1
            case Utterance():
                self.utterances += 1
            case Insight():
                self.marks[event.mark] = event
            case MarkChanged() if event.change == "dismissed":
                self.marks.pop(event.mark, None)
            case Topic():
                self.topics[event.text] = event.score
            case Gap():
                self.gaps += 1
                self.lost_seconds += event.seconds
            case _:
                pass

    def of(self, kind: InsightKind) -> list[Insight]:
        """The marks of a kind, in the order they were made."""
        return [mark for mark in self.marks.values() if mark.kind is kind]
