"""How much was spoken, by whom, and over whom; pure."""

from __future__ import annotations

from collections.abc import Iterable

from earmark_engine.insights.types import Person
from earmark_engine.record import Record
from earmark_engine.rest import shapes

Span = tuple[float, float]


def analytics(record: Record) -> shapes.Analytics:
    """Talk time, silence and overlap, of all and of each."""
    spans = _spans(record)
    total = max((end for each in spans.values() for _, end in each), default=0.0)
    talked = _length(_union(span for each in spans.values() for span in each))
    overlapped = _length(_union(_common_of_all(spans)))
    return shapes.Analytics(
        metrics=[
            _metric("total_silence", total - talked, total),
            _metric("total_talk_time", talked, total),
            _metric("total_overlap", overlapped, total),
        ],
        members=[_member(record, id_, spans, total) for id_ in spans],
    )


def _spans(record: Record) -> dict[str, list[Span]]:
    spans: dict[str, list[Span]] = {}
    for said in record.sentences():
        spans.setdefault((said.speaker.id if said.speaker else None) or "", []).append((said.start, said.end))
    return {id_: _union(each) for id_, each in spans.items()}


def _member(record: Record, id_: str, spans: dict[str, list[Span]], total: float) -> shapes.MemberAnalytics:
    person = _person(record, id_)
    seconds = _length(spans[id_])
    words = sum(len(s.text.split()) for s in record.said.values() if ((s.speaker and s.speaker.id) or "") == id_)
    over = {other: _length(_common(spans[id_], each)) for other, each in spans.items() if other != id_}
    return shapes.MemberAnalytics(
        id=id_,
        name=person.name,
        user_id=person.user_id,
        pace=shapes.Pace(wpm=round(words / seconds * 60) if seconds else 0),
        talk_time=_share(seconds, total),
        listen_time=_share(total - seconds, total),
        overlap=shapes.Overlap(
            overlap_duration=round(_length(_union(_common_with(id_, spans))), 3),
            overlapping_members=[_overlapping(record, other, s, total) for other, s in over.items() if s],
        ),
    )


def _overlapping(record: Record, id_: str, seconds: float, total: float) -> shapes.Overlapping:
    person = _person(record, id_)
    return shapes.Overlapping(
        id=id_,
        name=person.name,
        user_id=person.user_id,
        percent=_percent(seconds, total),
        seconds=round(seconds, 3),
    )


def _person(record: Record, id_: str) -> Person:
    member = record.members.get(id_)
    return member.person if member else Person(id=id_)


def _common_with(id_: str, spans: dict[str, list[Span]]) -> Iterable[Span]:
    return (span for other, each in spans.items() if other != id_ for span in _common(spans[id_], each))


def _common_of_all(spans: dict[str, list[Span]]) -> Iterable[Span]:
    return (span for id_ in spans for span in _common_with(id_, spans))


def _union(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps, in order."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def _common(some: list[Span], others: list[Span]) -> list[Span]:
    both, here, there = [], 0, 0
    while here < len(some) and there < len(others):
        start, end = max(some[here][0], others[there][0]), min(some[here][1], others[there][1])
        if start < end:
            both.append((start, end))
        if some[here][1] < others[there][1]:
            here += 1
        else:
            there += 1
    return both


def _length(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)


def _metric(kind: str, seconds: float, total: float) -> shapes.Metric:
    return shapes.Metric(type=kind, percent=_percent(seconds, total), seconds=round(seconds, 3))


def _share(seconds: float, total: float) -> shapes.Share:
    return shapes.Share(percentage=_percent(seconds, total), seconds=round(seconds, 3))


def _percent(seconds: float, total: float) -> float:
    return round(100 * seconds / total, 3) if total else 0.0
