"""Count how common words are in meetings, for weighing topics: `python background.py --data FOLDER`.

Reads `ami.train.jsonl.gz` and `icsi.train.jsonl.gz` (CC BY 4.0) and writes the same table each time: every word that
several meetings share, with how often it is said in a million words of the corpus that says it less, so that what one
corpus happens to be about is not taken for everyday talk. Rare words and names do not get in.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

CORPORA = ("ami.train.jsonl.gz", "icsi.train.jsonl.gz")
MEETINGS_AT_LEAST = 5
LOWERCASE_AT_LEAST = 0.3
"""A word that is nearly always capitalised is somebody's name."""

HEADER = """\
# How often a common word is said in a million words of meetings (of the corpus that says it less).
# Counted over the AMI Meeting Corpus and the ICSI Meeting Corpus (University of Edinburgh and partners, CC BY 4.0).
"""
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
_SPLIT_CLITIC = re.compile(r"\s+(?='(?:s|re|ll|ve|d|m)\b)")


def main() -> None:
    """Write the table that the topics are weighed with."""
    shipped = Path(__file__).parents[2] / "plugins/earmark_engine/insights/background.txt"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora's files")
    parser.add_argument("--out", type=Path, default=shipped, help="file to write")
    options = parser.parse_args()
    options.out.write_text(table(acts(options.data)), encoding="utf-8")


def acts(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Give the corpus, the meeting and the words of every dialogue act."""
    for name in CORPORA:
        with gzip.open(folder / name, "rt", encoding="utf-8") as lines:
            for line in lines:
                act = json.loads(line)
                yield name, act["meeting"], act["text"]


def table(said: Iterable[tuple[str, str, str]]) -> str:
    """Count the words that several meetings share, in the order of the alphabet."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    lowercase: Counter[str] = Counter()
    meetings: defaultdict[str, set[str]] = defaultdict(set)
    for corpus, meeting, text in said:
        for written in _WORD.findall(_SPLIT_CLITIC.sub("", text)):
            word = written.lower()
            counts[corpus][word] += 1
            lowercase[word] += written[0].islower()
            meetings[word].add(meeting)
    totals = {corpus: count.total() for corpus, count in counts.items()}
    rows = []
    for word in sorted(meetings):
        times = sum(count[word] for count in counts.values())
        if len(meetings[word]) >= MEETINGS_AT_LEAST and lowercase[word] >= LOWERCASE_AT_LEAST * times:
            rate = min(1_000_000 * count[word] / totals[corpus] for corpus, count in counts.items())
            rows.append(f"{word}\t{round(rate)}\n")
    return HEADER + "".join(rows)


if __name__ == "__main__":
    main()
