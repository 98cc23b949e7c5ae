"""A conversation as people and players read it."""

from __future__ import annotations

import re
from datetime import timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from earmark.events import Change, Durable, InsightKind, decode
from earmark.exports import json_lines
from earmark.minutes import collect, length, markdown
from earmark.subtitles import srt, webvtt
from tests.core.talk import BEN, about, at, began, changed, ended, marked, missing, said

PARIS = timezone(timedelta(hours=1))


def dinner() -> list[Durable]:
    one = said("u1", "Who takes the bins out?", start=1)
    two = said("u2", "I shall.  Remind me *before* Monday, <please>.", start=6, by=BEN)
    return [
        began(title="Dinner"),
        one,
        two,
        marked("q1", "Who takes the bins out?", kind=InsightKind.QUESTION, of=one),
        marked("m1", "Take the bins out", of=two, assignee=BEN, due=at(86400 * 2), due_has_time=False),
        marked("m2", "Ring the school", of=two, due=at(86400)),
        marked("m3", "Nonsense", of=two),
        marked("f1", "Talk about summer", kind=InsightKind.FOLLOW_UP, of=two),
        changed("m2", Change.DONE),
        changed("m3", Change.DISMISSED),
        changed("q1", Change.ANSWERED),
        about("bins", one, score=0.4),
        about("school", two, score=0.9),
        missing(11, 3),
        ended(seconds=60),
    ]


MINUTES = r"""# Dinner

Saturday, 14 March 2026, 19:30–19:31 · 1 min · kitchen · Ann, Ben

## To do

- [ ] Take the bins out (Ben, by Monday 16 March 2026)
- [x] Ring the school (by Sunday 15 March 2026, 19:30)

## Questions

- Who takes the bins out? (Ann, 19:30:01, answered)

## To follow up

- [ ] Talk about summer

## Topics

- school
- bins

## Not heard

- 19:30:11 3 s of sound lost: the line was down for too long

## What was said

19:30:01 **Ann:** Who takes the bins out?

19:30:06 **Ben:** I shall. Remind me \*before\* Monday, \<please\>.

19:30:11 *3 s of sound lost: the line was down for too long*
"""


def test_minutes_say_what_is_to_do_what_was_asked_and_what_was_said() -> None:
    assert markdown(dinner(), zone=PARIS) == MINUTES


def test_minutes_of_next_to_nothing_are_still_minutes() -> None:
    assert markdown([began()], zone=PARIS) == (
        "# Conversation of Saturday, 14 March 2026, 19:30\n\nSaturday, 14 March 2026, 19:30–19:30 · 0 s · kitchen\n"
    )


def test_text_that_was_withheld_is_not_shown() -> None:
    withheld = replace(said("u1", ""), withheld=True)
    assert "(withheld)" in markdown([withheld])
    assert "(withheld)" in srt([withheld])


def test_a_conversation_without_an_end_lasts_until_its_last_word() -> None:
    minutes = collect([said("u1", start=0), said("u2", start=30)])
    assert (minutes.began, minutes.ended) == (at(0), at(34))


def test_lengths_are_told_as_people_do() -> None:
    told = [length(seconds) for seconds in (0, 40, 59.7, 90, 3599, 3600, 3900)]
    assert told == ["0 s", "40 s", "1 min", "2 min", "1 h 00 min", "1 h 00 min", "1 h 05 min"]


SRT = """1
00:00:01,000 --> 00:00:05,000
Ann: Who takes the bins out?

2
00:00:06,000 --> 00:00:10,000
Ben: I shall. Remind me *before* Monday,
<please>.

3
00:00:11,000 --> 00:00:14,000
[3 s of sound lost: the line was down for
too long]
"""

VTT = """WEBVTT

00:00:01.000 --> 00:00:05.000
<v Ann>Who takes the bins out?

00:00:06.000 --> 00:00:10.000
<v Ben>I shall. Remind me *before* Monday,
&lt;please&gt;.

00:00:11.000 --> 00:00:14.000
[3 s of sound lost: the line was down for
too long]
"""


def test_subtitles_are_timed_from_the_beginning_of_the_conversation() -> None:
    assert srt(dinner()) == SRT
    assert webvtt(dinner()) == VTT


def test_a_conversation_without_words_has_no_subtitles() -> None:
    assert srt([began()]) == ""
    assert webvtt([began()]) == "WEBVTT\n"


STAMPS = re.compile(r"^(\d\d+):(\d\d):(\d\d)[.,](\d{3}) --> (\d\d+):(\d\d):(\d\d)[.,](\d{3})$", re.MULTILINE)
ANYTHING = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("\n\r -->&<>")), max_size=300)


@given(st.lists(ANYTHING, max_size=5))
@example(["1\n00:00:01,000 --> 00:00:02,000\nnot said", "a\n\n\nb", "<v Ben>", ""])
def test_no_words_can_break_subtitles(texts: list[str]) -> None:
    events: list[Durable] = [said(f"u{n}", text, start=n * 3600.5) for n, text in enumerate(texts)]
    for written in (srt([began(), *events]), webvtt([began(), *events])):
        blocks = [block for block in written.removeprefix("WEBVTT\n").split("\n\n") if block.strip("\n")]
        assert len(STAMPS.findall(written)) == len(blocks) == sum(block.count("-->") for block in blocks)


@given(st.text(max_size=400))
def test_a_long_sentence_keeps_its_words_and_its_time(text: str) -> None:
    event = said("u1", "word " + text, start=5)
    stamps = [tuple(map(int, stamp)) for stamp in STAMPS.findall(srt([event]))]
    edges = [(h * 60 + m) * 60_000 + s * 1000 + ms for stamp in stamps for h, m, s, ms in (stamp[:4], stamp[4:])]
    assert (edges[0], edges[-1]) == (5000, 9000)
    assert edges == sorted(edges)


def test_json_lines_are_the_events_themselves() -> None:
    events = dinner()
    assert [decode(line) for line in json_lines(events).splitlines()] == events
