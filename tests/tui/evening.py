"""An evening in a kitchen, and a feed that tells it and answers as a listener does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from textual.pilot import Pilot

from earmark.audio import Cause
from earmark.door import ChangeMark, Mute, Unmute
from earmark.errors import EarmarkError
from earmark.events import (
    AnyEvent,
    Change,
    Durable,
    Gap,
    Hearing,
    InsightKind,
    Level,
    MarkChanged,
    Sentiment,
    StageStatus,
    State,
    Status,
    TrackerHit,
    Utterance,
)
from earmark.journal_rows import Entry, Summary
from earmark_tui.app import Viewer
from earmark_tui.feeds import Asked, Inbox, LineChanged, News, Tiding
from earmark_tui.feeds.replay import Moment
from earmark_tui.room import Line
from tests.core.talk import ANN, BEGAN, BEN, about, at, began, ended, marked, said

NOW = BEGAN + timedelta(seconds=95)


class Wall:
    """A clock that stands still, so that a picture is the same each time."""

    def now(self) -> float:
        return NOW.timestamp()

    def monotonic(self) -> float:
        return 1000.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _felt(utterance: Utterance, score: float) -> Utterance:
    feeling = Sentiment(score=score, suggested="positive" if score > 0 else "negative")
    return Utterance(
        **{name: getattr(utterance, name) for name in utterance.__struct_fields__} | {"sentiment": feeling}
    )


_LINES = (
    ("u1", ANN, 0, "Good evening. Did the parcel come?", 0.4),
    ("u2", BEN, 6, "Not yet. It should have been here on Monday.", -0.5),
    ("u3", ANN, 12, "Then I will call the post office tomorrow morning before work, and ask where it lies.", 0.1),
    ("u4", BEN, 22, "Good. And the heating is broken again, it was ice cold in the bathroom.", -0.8),
    ("u5", ANN, 30, "Could you write to the landlord today?", 0.0),
    ("u6", BEN, 35, "Yes, I will write to the landlord tonight.", 0.5),
    ("u7", ANN, 60, "Wonderful. What is there for dinner?", 0.9),
    ("u8", BEN, 66, "Soup. Let us come back to the holiday plans next week.", 0.3),
)


def evening() -> list[Durable]:
    """All that was journaled."""
    lines = {name: _felt(said(name, text, start=start, by=by), mood) for name, by, start, text, mood in _LINES}
    friday = datetime(2026, 3, 20, tzinfo=UTC)
    return [
        began(title="Supper"),
        lines["u1"],
        marked("q1", "Did the parcel come?", kind=InsightKind.QUESTION, of=lines["u1"]),
        lines["u2"],
        lines["u3"],
        marked(
            "a1", "I will call the post office tomorrow morning before work, and ask where it lies.", of=lines["u3"],
            assignee=ANN, due=at(15 * 3600),
        ),
        lines["u4"],
        lines["u5"],
        marked("q2", "Could you write to the landlord today?", kind=InsightKind.QUESTION, of=lines["u5"]),
        lines["u6"],
        marked("a2", "Write to the landlord", of=lines["u6"], assignee=BEN, due=at(0), due_has_time=False),
        MarkChanged(
            id="a2-done", room="kitchen", conversation="c1", at=at(50), mark="a2", change=Change.DONE, by="cli"
        ),
        Gap(
            id="g1", room="kitchen", conversation="c1", at=at(42), start=42, seconds=12, cause=Cause.SPOOL_FULL,
        ),
        about("parcel", lines["u1"], lines["u2"], score=0.9),
        about("heating", lines["u4"], score=0.7),
        TrackerHit(id="t1", room="kitchen", conversation="c1", at=at(22), tracker="repairs", phrase="broken"),
        lines["u7"],
        marked("q3", "What is there for dinner?", kind=InsightKind.QUESTION, of=lines["u7"]),
        lines["u8"],
        marked(
            "f1", "Come back to the holiday plans", kind=InsightKind.FOLLOW_UP, of=lines["u8"], due=friday,
            due_has_time=False,
        ),
    ]  # fmt: skip


def status(state: State = State.LISTENING, **facts: Any) -> Status:
    defaults: dict[str, Any] = {
        "conversation": "c1",
        "backlog_seconds": 0.4,
        "heard_seconds": 95.0,
        "gaps": 1,
        "lost_seconds": 12.0,
        "reconnects": 2,
        "stages": (
            StageStatus(kind="source", name="mic", state="running", counters={"frames": 1484}),
            StageStatus(kind="transport", name="engine", state="running"),
            StageStatus(kind="sink", name="mqtt", state="retrying", reason="The broker is away.", failures=3, lag=12),
        ),
    }
    return Status(room="kitchen", at=NOW, state=state, **(defaults | facts))


LIVE: tuple[AnyEvent, ...] = (
    status(),
    Level(room="kitchen", at=NOW, peak_dbfs=-9.0, rms_dbfs=-22.0),
    Hearing(room="kitchen", conversation="c1", at=at(93), text="and then we could go to", start=93, end=95),
)
SUMMARIES = [
    Summary(id="c1", started=BEGAN, seconds=95, ended=False, utterances=8, marks=6, title="Supper", first=1),
    Summary(id="c0", started=BEGAN - timedelta(days=3), seconds=2400, ended=True, utterances=311, marks=9, first=1),
]


class Teller:
    """Tells what it was given, and does what it is asked as a listener would."""

    past = False

    def __init__(self, *tidings: Tiding) -> None:
        self.inbox: Inbox | None = None
        self.asked: list[Asked] = []
        self.refuses: str | None = None
        self._tidings = tidings

    async def run(self, inbox: Inbox) -> None:
        self.inbox = inbox
        for tiding in self._tidings:
            await inbox.put(tiding)
        await asyncio.Event().wait()

    async def ask(self, room: str, asked: Asked) -> None:
        if self.refuses:
            raise EarmarkError(self.refuses)
        self.asked.append(asked)
        match asked:
            case ChangeMark():
                change = MarkChanged(
                    id=f"{asked.mark}-{len(self.asked)}", room=room, conversation="c1", at=NOW,
                    mark=asked.mark, change=asked.change, by=asked.by, text=asked.text,
                )  # fmt: skip
                self.tell(change)
            case Mute():
                self.tell(status(State.MUTED))
            case Unmute():
                self.tell(status())
            case _:
                pass

    def tell(self, *events: AnyEvent, room: str = "kitchen") -> None:
        assert self.inbox is not None
        self.inbox.put_now(News(room, [Moment(event) for event in events]))

    async def conversations(self, room: str) -> list[Summary]:
        return SUMMARIES

    async def of_conversation(self, room: str, conversation: str) -> list[Entry]:
        events: list[Durable] = evening() if conversation == "c1" else [began("c0"), ended("c0")]
        return [Entry(seq, event) for seq, event in enumerate(events, 1)]


def entries(events: Sequence[AnyEvent]) -> list[Moment]:
    return [Moment(event) for event in events]


def attached(*rooms: str) -> Teller:
    """A feed of rooms that are listened to; the kitchen has had its evening."""
    tidings: list[Tiding] = []
    for room in rooms or ("kitchen",):
        tidings.append(LineChanged(room, Line(attached=True)))
        events = [*evening(), *LIVE] if room == "kitchen" else [status(State.MUTED)]
        tidings.append(News(room, entries(events)))
    return Teller(*tidings)


def nobody() -> Teller:
    """A feed of a room that nobody listens to."""
    reason = "Nobody listens to room 'kitchen': start it with `earmark listen`."
    return Teller(LineChanged("kitchen", Line(attached=False, reason=reason, retry_at=1002.0)))


def viewer(feed: Any = None, **options: Any) -> Viewer:
    given: dict[str, Any] = {"clock": Wall(), "room": "kitchen", "environ": {}} | options
    return Viewer(feed or attached(), **given)


@asynccontextmanager
async def shown(app: Viewer, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Pilot[str]]:
    """The viewer at work, with everything drawn that was told."""
    async with app.run_test(size=size) as pilot:
        await drawn(pilot)
        yield pilot


async def drawn(pilot: Pilot[Any]) -> None:
    """Wait until everything that was told is on the screen."""
    app = pilot.app
    assert isinstance(app, Viewer)

    def up_to_date() -> bool:
        screen = app.watching
        return screen.shown is not None and screen.shown is app.room and app.quiet

    await until(pilot, up_to_date)


async def until(pilot: Pilot[Any], condition: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Return once it is so; fails when it takes too long."""
    async with asyncio.timeout(seconds):
        while not condition():
            await pilot.pause(0.01)
    await pilot.pause()
