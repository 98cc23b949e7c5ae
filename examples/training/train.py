"""Rebuilds the weights that the package ships, from the corpora's files and nothing else.

    python examples/training/train.py --data FOLDER [--out FILE]

Needs numpy, scipy and torch 2.13.0. The same files make the same bytes: one thread, one instruction set
(AVX2, whatever more the processor has), every random number from a seed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

for _name, _value in {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",
    "MKL_CBWR": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}.items():
    os.environ.setdefault(_name, _value)

import corpus  # noqa: E402 - the variables above are read when the libraries are loaded
import linear  # noqa: E402 - as above
import numpy as np  # noqa: E402 - as above
import pack  # noqa: E402 - as above
import torch  # noqa: E402 - as above
from decide import decide  # noqa: E402 - as above
from household import Household  # noqa: E402 - as above
from net import Course, Trainer  # noqa: E402 - as above

SHIPPED = Path(__file__).parents[2] / "plugins/earmark_engine/insights/weights/insights.npz"
STRENGTHS = (1.0, 2.0, 5.0, 3.0)
HOUSEHOLD_SEED, HOUSEHOLD_CONVERSATIONS = 1, 500

Groups = list[list[corpus.Block]]


def blocks(folder: Path, splits: Sequence[str] = ("train",), *, household: int = HOUSEHOLD_CONVERSATIONS) -> Groups:
    """All that is learned from: AMI in three conditions, ICSI in two (its punctuation saw the labels), home."""
    ami = [row for split in splits for row in corpus.read(folder, "ami", split)]
    icsi = [row for split in splits for row in corpus.read(folder, "icsi", split)]
    home = list(Household(HOUSEHOLD_SEED).rows(household))
    return [
        [corpus.block(ami, "written"), corpus.block(ami, "stripped"), corpus.block(ami, "heard")],
        [corpus.block(icsi, "stripped"), corpus.block(icsi, "heard")],
        [corpus.block(home, "written"), corpus.block(home, "stripped")],
    ]


def learn(groups: Groups, course: Course) -> pack.Arrays:
    """Train the network and the regressions."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    trained = Trainer(groups, course).train()
    (written, stripped, _), (icsi, _), _ = groups
    return pack.arrays_of(trained, linear.fit([written, stripped, icsi], strengths=STRENGTHS))


def main() -> int:
    """Train, set the thresholds on dev, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with ami.train.jsonl.gz and so on")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    groups = blocks(given.data)
    if not groups[0][0].seen or not groups[1][0].seen:
        sys.exit(f"{given.data}: no ami.train.jsonl.gz or icsi.train.jsonl.gz there; see MODEL_CARD.md for the format")
    arrays = learn(groups, Course())
    arrays["decision"] = np.asarray(decide(pack.opened(arrays), given.data))
    pack.save(arrays, given.out)
    print(f"{given.out}: {given.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
