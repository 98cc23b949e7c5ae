"""A conversation as players read it: subtitles, timed from its beginning. Pure: events in, text out."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from earmark.events import Durable, Gap, Utterance
from earmark.minutes import Minutes, collect, gap_in_words, in_order, name_of, text_of

_CUE_COLUMNS = 42
_CUE_LINES = 2


@dataclass(frozen=True)
class _Cue:
    start: float
    end: float
    speaker: str | None
    lines: list[str]


def srt(events: Sequence[Durable]) -> str:
    """Subtitles in SubRip's format, timed from the beginning of the conversation."""
    blocks = []
    for number, cue in enumerate(_cues(collect(events)), 1):
        prefix = f"{cue.speaker}: " if cue.speaker else ""
        # The format has no way to escape the arrow of its time lines.
        text = "\n".join([prefix + cue.lines[0], *cue.lines[1:]]).replace("-->", "→")
        blocks.append(f"{number}\n{_stamp(cue.start, ',')} --> {_stamp(cue.end, ',')}\n{text}\n")
    return "\n".join(blocks)


def webvtt(events: Sequence[Durable]) -> str:
    """Subtitles in WebVTT, timed from the beginning of the conversation."""
    blocks = ["WEBVTT\n"]
    for cue in _cues(collect(events)):
        voice = f"<v {html.escape(cue.speaker, quote=False)}>" if cue.speaker else ""
        text = voice + "\n".join(html.escape(line, quote=False) for line in cue.lines)
        blocks.append(f"{_stamp(cue.start, '.')} --> {_stamp(cue.end, '.')}\n{text}\n")
    return "\n".join(blocks)


def _cues(minutes: Minutes) -> Iterator[_Cue]:
    for item in in_order(minutes):
        if isinstance(item, Gap):
            yield _Cue(
                item.start, item.start + item.seconds, None, textwrap.wrap(f"[{gap_in_words(item)}]", _CUE_COLUMNS)
            )
        else:
            yield from _split(item)


def _split(said: Utterance) -> Iterator[_Cue]:
    """An utterance in cues of two lines each, its time shared out by their letters."""
    lines = textwrap.wrap(text_of(said), _CUE_COLUMNS) or ["…"]
    pages = [lines[i : i + _CUE_LINES] for i in range(0, len(lines), _CUE_LINES)]
    letters = sum(map(len, lines))
    start, done = said.start, 0
    for page in pages:
        done += sum(map(len, page))
        end = said.start + (said.end - said.start) * done / letters
        yield _Cue(start, end, name_of(said.speaker) if page is pages[0] else None, page)
        start = end


def _stamp(seconds: float, point: str) -> str:
    milliseconds = max(0, round(seconds * 1000))
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"
