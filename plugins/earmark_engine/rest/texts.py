"""A conversation to be read: transcripts and a summary; pure."""

from __future__ import annotations

import html
from collections.abc import Iterable

from earmark_engine.facts import Said
from earmark_engine.ids import decimal_id
from earmark_engine.insights.types import Kind
from earmark_engine.record import Record
from earmark_engine.rest import bodies, shapes

_MOST_SUMMARY_PARTS = 6
_LEAST_SENTENCES = 3
_PARAGRAPH_SENTENCES = 5


def transcript(record: Record, asked: bodies.TranscriptRequest) -> shapes.Transcript:
    """What was said, as Markdown or as subtitles."""
    text = _srt(record, asked) if asked.content_type == "text/srt" else _markdown(record, asked)
    return shapes.Transcript(transcript=shapes.TranscriptText(payload=text, content_type=asked.content_type))


def _markdown(record: Record, asked: bodies.TranscriptRequest) -> str:
    marks = _highlighted(record, asked.phrases)
    paragraphs = []
    for turn in _turns(record, asked):
        text = " ".join(_marked(said, marks) for said in turn)
        paragraphs.append(f"{_name(record, turn[0])}: {text}" if asked.show_speaker_separation else text)
    return "<br/><br/>".join(paragraphs)


def _turns(record: Record, asked: bodies.TranscriptRequest) -> Iterable[list[Said]]:
    """Sentences that belong in one paragraph."""
    turn: list[Said] = []
    for said in record.sentences():
        other = bool(turn) and turn[-1].speaker != said.speaker and asked.show_speaker_separation
        if turn and (not asked.create_paragraphs or other or len(turn) >= _PARAGRAPH_SENTENCES):
            yield turn
            turn = []
        turn.append(said)
    if turn:
        yield turn


def _highlighted(record: Record, asked: bodies.Highlights) -> dict[str, set[str]]:
    """What to set apart in each sentence."""
    found: dict[str, set[str]] = {}
    if asked.highlight_only_insight_key_phrases or asked.highlight_all_key_phrases:
        for mark in record.marks.values():
            found.setdefault(mark.sentences[0] if mark.sentences else "", set()).add(mark.text)
    if asked.highlight_all_key_phrases:
        for topic in record.topics.values():
            for sentence in topic.sentences:
                found.setdefault(sentence, set()).add(topic.text)
    return found


def _marked(said: Said, marks: dict[str, set[str]]) -> str:
    text = html.escape(said.text, quote=False)
    for phrase in sorted(marks.get(said.id, ()), key=len, reverse=True):
        place = text.lower().find(html.escape(phrase, quote=False).lower())
        end = place + len(html.escape(phrase, quote=False))
        if place >= 0 and "<mark>" not in text:
            text = f"{text[:place]}<mark>{text[place:end]}</mark>{text[end:]}"
    return text


def _name(record: Record, said: Said) -> str:
    person = record.person(said.speaker)
    if person is None:
        return "Speaker"
    return person.name or person.user_id or "Speaker"


def _srt(record: Record, asked: bodies.TranscriptRequest) -> str:
    blocks = []
    for number, said in enumerate(record.sentences(), 1):
        text = f"{_name(record, said)}: {said.text}" if asked.show_speaker_separation else said.text
        blocks.append(f"{number}\n{_srt_time(said.start)} --> {_srt_time(said.end)}\n{text}\n")
    return "\n".join(blocks)


def _srt_time(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02},{milliseconds % 1000:03}"


def summary(record: Record) -> shapes.Summary | None:
    """The sentences that say most, in their order; None while there is too little to choose from."""
    sentences = record.sentences()
    if len(sentences) < _LEAST_SENTENCES:
        return None
    weights = _weights(record)
    best = sorted(sentences, key=lambda said: -weights.get(said.id, 0.0))[:_MOST_SUMMARY_PARTS]
    chosen = [said for said in sentences if said in best and (weights.get(said.id) or len(sentences) <= len(best))]
    return shapes.Summary(
        summary=[
            shapes.SummaryPart(
                id=decimal_id(f"summary {said.id}"), text=said.text, message_refs=[shapes.MessageRef(id=said.id)]
            )
            for said in chosen
        ]
    )


def _weights(record: Record) -> dict[str, float]:
    """How much each sentence says: tasks most, then what the weighty topics are spoken of in."""
    weights: dict[str, float] = {}
    worth = {Kind.ACTION_ITEM: 1.0, Kind.FOLLOW_UP: 0.8, Kind.QUESTION: 0.3}
    for mark in record.marks.values():
        for sentence in mark.sentences[:1]:
            weights[sentence] = max(weights.get(sentence, 0.0), worth[mark.kind] * mark.confidence)
    for topic in record.topics.values():
        for sentence in topic.sentences:
            weights[sentence] = weights.get(sentence, 0.0) + 0.5 * topic.score
    return weights
