"""False negatives are masked by passage group across the whole gathered batch, not only on the query's own rank.

See docs/pitfalls.md#false-negatives.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_helpers import corpus, encoder

from hybridret.base.records import Batch, Negative, ParallelPairs
from hybridret.losses.infonce import InfoNCE
from hybridret.training.collate import Collate, TrainingBatch

ASKED = 0  # the question whose passage group the hard negative of another rank belongs to
ROWS = np.array([0, 2, 4, 6])


def parts_of(pairs: ParallelPairs, world_size: int) -> list[TrainingBatch]:
    languages = np.zeros(len(ROWS), dtype=np.int64)
    batch = Batch(0, "mono", 0, ROWS, languages, languages)
    tokens = encoder().tokenization
    return [Collate(tokens, [pairs], None, rank, world_size)(batch) for rank in range(world_size)]


def with_a_false_negative(known_group: bool) -> ParallelPairs:
    """A question of the other rank gets one hard negative: a copy of the passage that answers `ASKED`."""
    pairs = corpus()
    group = int(pairs.passage_groups[ASKED])
    elsewhere = next(part for part in parts_of(pairs, 2) if group not in part.rows.query_groups.tolist())
    owner = next(row for row in ROWS.tolist() if pairs.passage_groups[row] == int(elsewhere.rows.query_groups[0]))
    hard = [(Negative("en0 en0 en1", group if known_group else -1),) if row == owner else () for row in range(48)]
    return replace(pairs, negatives={"en": hard})


def gradient_at_the_negative(pairs: ParallelPairs) -> float:
    """The pull of the rank that asks `ASKED` on the other rank's hard negative, from that query alone."""
    group = int(pairs.passage_groups[ASKED])
    part = next(part for part in parts_of(pairs, 2) if group in part.rows.query_groups.tolist())
    start = 0
    for count in part.counts:  # rank by rank; positives first, hard negatives behind them
        if count > len(ROWS) // 2:
            negative = start + len(ROWS) // 2
        start += count
    random = torch.Generator().manual_seed(0)
    row = part.rows.query_groups.tolist().index(group)
    query = torch.randn(1, 8, dtype=torch.float64, generator=random)
    passages = torch.randn(start, 8, dtype=torch.float64, generator=random, requires_grad=True)
    positives, groups = part.rows.positives[row : row + 1], part.rows.query_groups[row : row + 1]
    InfoNCE(temperature=0.5)(query, passages, positives, groups, part.groups).backward()
    assert passages.grad is not None
    return float(passages.grad[negative].abs().sum())


def test_a_false_negative_of_another_rank_is_not_pushed_away() -> None:
    assert gradient_at_the_negative(with_a_false_negative(known_group=True)) == 0.0


def test_a_true_negative_of_another_rank_is() -> None:
    assert gradient_at_the_negative(with_a_false_negative(known_group=False)) > 1e-6


@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_the_same_pairs_are_masked_at_every_world_size(world_size: int) -> None:
    pairs = with_a_false_negative(known_group=True)
    masked = 0
    for part in parts_of(pairs, world_size):
        same = part.rows.query_groups[:, None] == part.groups[None, :]
        own = torch.zeros_like(same).scatter(1, part.rows.positives[:, None], True)
        masked += int((same & ~own).sum())
    assert masked == 1
