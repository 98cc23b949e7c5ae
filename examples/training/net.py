"""Trains the small convolutional network, with torch; at run time numpy alone computes it.

A sentence is read by two convolutions over word vectors; what was found is pooled, put beside what was found
in two sentences before and after, and weighed. The sentences after are hidden half of the time, and so is
who speaks, since a room's microphone often knows neither.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from corpus import UNLABELLED, Block, Ragged
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from earmark_engine.insights import features
from earmark_engine.insights.models import BUCKETS, FIRST_BUCKET, HEADS, vector_rows

VECTOR, WIDTH, CONTEXT, FUSED = 48, 64, 32, 64


@dataclass(frozen=True, kw_only=True)
class Course:
    """How long and how carefully to train."""

    seed: int = 1
    epochs: int = 10
    rate: float = 2e-3
    decay: float = 1e-2
    dropout: float = 0.4
    forgotten_words: float = 0.1
    chunk: int = 32
    chunks_a_step: int = 8
    average: float = 0.999
    least_count: int = 5
    loss_weights: tuple[float, ...] = (1.0, 1.0, 1.5, 1.5, 1.0)


def vocabulary(blocks: Sequence[Block], least_count: int) -> NDArray[np.uint32]:
    """The words that are said often enough to be learned, as sorted numbers."""
    counts: collections.Counter[str] = collections.Counter()
    for part in blocks:
        for one, there in zip(part.seen, part.present, strict=True):
            if there:
                counts.update(one.words)
    return np.array(sorted({features.word_key(w) for w, c in counts.items() if c >= least_count}), np.uint32)


def fallbacks(blocks: Sequence[Block], words: NDArray[np.uint32]) -> NDArray[np.int64]:
    """For each row of the table, the row that stands in when its word is forgotten."""
    stand_in = np.arange(FIRST_BUCKET + BUCKETS + len(words))
    for part in blocks:
        for word in {word for one in part.seen for word in one.words}:
            number = vector_rows((word,), words)[1]
            stand_in[number] = FIRST_BUCKET + features.ending_key(word) % BUCKETS
    return stand_in


class Net(nn.Module):
    """The network; every parameter has the name under which it is shipped."""

    def __init__(self, rows: int, dropout: float) -> None:
        super().__init__()
        pooled = 2 * WIDTH + VECTOR
        self.vectors = nn.Embedding(rows, VECTOR)
        nn.init.normal_(self.vectors.weight, std=0.3)
        self.first = nn.Conv1d(VECTOR, WIDTH, 3, padding=1)
        self.second = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        self.context = nn.Linear(pooled, CONTEXT)
        self.fuse = nn.Linear(pooled + len(features.NEIGHBOURS) * CONTEXT + features.SHAPES, FUSED)
        self.out = nn.Linear(FUSED, len(HEADS))
        self.straight = nn.Linear(pooled + features.SHAPES, len(HEADS), bias=False)
        nn.init.constant_(self.out.bias, -4.0)
        self.dropout = nn.Dropout(dropout)

    def read(self, numbers: Tensor, owner: Tensor, count: int) -> Tensor:
        """Pool what the convolutions find in each of `count` sentences laid end to end, zeros between."""
        there = (numbers > 0).float().unsqueeze(1)
        vectors = self.dropout(self.vectors(numbers) * there)
        first = functional.relu(self.first(vectors.t().unsqueeze(0))).squeeze(0).t() * there
        second = self.second(self.dropout(first).t().unsqueeze(0)).squeeze(0).t()
        found = functional.relu(second) * there + first
        root = torch.zeros(count).index_add(0, owner, there.squeeze(1)).clamp(min=1).sqrt().unsqueeze(1)
        index = owner.unsqueeze(1).expand(-1, WIDTH)
        highest = torch.zeros(count, WIDTH).scatter_reduce(0, index, found, "amax")
        mean = torch.zeros(count, WIDTH).index_add(0, owner, found) / root
        words = torch.zeros(count, VECTOR).index_add(0, owner, vectors) / root
        return torch.cat([highest, mean, words], 1)

    def weigh(self, pooled: Tensor, around: Sequence[Tensor], visible: Tensor, shapes: Tensor) -> Tensor:
        """Log-odds for every head, from a sentence, its neighbours (row numbers) and its shape."""
        context = torch.tanh(self.context(self.dropout(pooled)))
        neighbours = [context[rows] * visible[:, n : n + 1] for n, rows in enumerate(around)]
        fused = functional.relu(self.fuse(torch.cat([self.dropout(pooled), *neighbours, shapes], 1)))
        straight = self.straight(torch.cat([self.dropout(pooled), shapes], 1))
        logits: Tensor = self.out(self.dropout(fused)) + straight
        return logits


def shapes_of(shape: NDArray[np.int64], relations: NDArray[np.int64], visible: NDArray[np.bool_]) -> Tensor:
    """The shape features of some rows as zeros and ones."""
    numbers = np.concatenate([shape, (relations * visible[:, :, None]).reshape(len(shape), -1)], 1)
    hot = np.zeros((len(shape), features.SHAPES), np.float32)
    hot[np.arange(len(shape))[:, None], numbers] = 1.0
    hot[:, 0] = 0.0
    return torch.from_numpy(hot)


@dataclass(frozen=True)
class Trained:
    """A network and the words it knows."""

    net: Net
    words: NDArray[np.uint32]


class Trainer:
    """Trains one network on blocks that belong together in groups (the conditions of one corpus)."""

    def __init__(self, groups: Sequence[Sequence[Block]], course: Course) -> None:
        self.course, self.groups = course, groups
        blocks = [part for group in groups for part in group]
        self.words = vocabulary(blocks, course.least_count)
        self._fallbacks = fallbacks(blocks, self.words)
        self._numbers = {id(part): self._lay_out(part) for part in blocks}
        self._random = np.random.default_rng(course.seed)
        torch.manual_seed(course.seed)
        self.net = Net(len(self._fallbacks), course.dropout)
        self._mean = [parameter.detach().clone() for parameter in self.net.parameters()]
        self._optimizer = torch.optim.AdamW(self.net.parameters(), lr=course.rate, weight_decay=course.decay)

    def _lay_out(self, part: Block) -> Ragged:
        zeros = np.zeros(2, np.int64)
        return Ragged.of([np.append(vector_rows(one.tokens, self.words), zeros) for one in part.seen])

    def train(self) -> Trained:
        """Run the whole course; the network that comes out is the mean over its last steps."""
        chunks = [
            (number, start)
            for number, group in enumerate(self.groups)
            for start in range(0, len(group[0].seen), self.course.chunk)
        ]
        a_step = self.course.chunks_a_step
        steps = self.course.epochs * -(-len(chunks) // a_step)
        done = 0
        self.net.train()
        for _ in range(self.course.epochs):
            order = self._random.permutation(len(chunks))
            shift = int(self._random.integers(self.course.chunk))
            for at in range(0, len(order), a_step):
                rate = self.course.rate * min(1.0, 0.05 + done / 100) * (1 - done / steps)
                self._step([chunks[n] for n in order[at : at + a_step]], shift, rate)
                done += 1
                self._average(done)
        with torch.no_grad():
            for parameter, mean in zip(self.net.parameters(), self._mean, strict=True):
                parameter.copy_(mean)
        return Trained(self.net.eval(), self.words)

    def _average(self, done: int) -> None:
        keep = min(self.course.average, done / (done + 10))
        with torch.no_grad():
            for parameter, mean in zip(self.net.parameters(), self._mean, strict=True):
                mean.lerp_(parameter, 1 - keep)

    def _step(self, chunks: Sequence[tuple[int, int]], shift: int, rate: float) -> None:
        self._optimizer.param_groups[0]["lr"] = rate
        by_block: dict[int, tuple[Block, list[NDArray[np.int64]]]] = {}
        for group_number, start in chunks:
            group = self.groups[group_number]
            part = group[int(self._random.integers(len(group)))]
            rows = np.arange(max(start + shift - 2, 0), start + shift + self.course.chunk + 2)
            rows = rows[rows < len(part.seen)]
            if len(rows) > 4:
                by_block.setdefault(id(part), (part, []))[1].append(rows)
        losses = [self._loss(part, pieces) for part, pieces in by_block.values()]
        if not losses:
            return
        self._optimizer.zero_grad()
        torch.autograd.backward(torch.stack(losses).sum())
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self._optimizer.step()

    def _loss(self, part: Block, pieces: list[NDArray[np.int64]]) -> Tensor:
        rows = np.concatenate(pieces)
        inner = np.concatenate([np.r_[[False] * 2, [True] * (len(p) - 4), [False] * 2] for p in pieces])
        labels = part.labels[rows]
        counted = (labels != UNLABELLED) & (inner & part.present[rows])[:, None]
        logits = self._logits(part, pieces, rows)
        losses = functional.binary_cross_entropy_with_logits(
            logits, torch.from_numpy(np.maximum(labels, 0.0)), reduction="none"
        )
        weights = torch.from_numpy(counted * np.array(self.course.loss_weights, np.float32))
        return (losses * weights).sum() / (self.course.chunk * self.course.chunks_a_step)

    def _logits(self, part: Block, pieces: list[NDArray[np.int64]], rows: NDArray[np.int64]) -> Tensor:
        numbers, owner = self._numbers[id(part)].take(rows)
        share = self.course.forgotten_words * (3 if part.home else 1)
        forgotten = self._random.random(len(numbers)) < share
        numbers = np.where(forgotten, self._fallbacks[numbers], numbers)
        pooled = self.net.read(torch.from_numpy(numbers), torch.from_numpy(owner), len(rows))
        visible = part.visible[rows].copy()
        ahead = self._random.choice([0, 1, 2, 2], len(rows))
        relations = part.relations[rows].copy()
        unknown = np.repeat(self._random.random(len(pieces)) < 0.35, [len(p) for p in pieces])
        relations[unknown, :, -1] = 0
        around = []
        for column, place in enumerate(features.NEIGHBOURS):
            around.append(torch.from_numpy(np.clip(np.arange(len(rows)) + place, 0, len(rows) - 1)))
            if place > 0:
                visible[:, column] &= ahead >= place
        shapes = shapes_of(part.shape[rows], relations, visible)
        return self.net.weigh(pooled, around, torch.from_numpy(visible.astype(np.float32)), shapes)
