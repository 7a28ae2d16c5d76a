"""From the indices of a global batch to the token rows of one process.

Processes take every W-th row of the global batch sorted by length (`batching.rank_slice`). Each process knows the whole
batch, so it knows the number and the groups of the others' passages without communication; only vectors are gathered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from hybridret.base.records import Batch, IntArray, ParallelPairs
from hybridret.batching.process_share import rank_slice
from hybridret.encoders.bundle import Bundle
from hybridret.encoders.chunk_ends import chunk_ends
from hybridret.encoders.token_batch import TokenBatch, make_token_batch
from hybridret.encoders.tokenization import Tokenization
from hybridret.training.hard_negatives import DrawnNegatives, HardNegatives
from hybridret.training.text_numbers import TextNumbers
from hybridret.training.token_table import TokenTable

CACHE_BYTES = 512 * 1024**2  # of token ids per process: about five million short texts


class TrainingBatch:
    """One process's part of a global batch. A plain class: Lightning takes dataclasses apart and copies them.

    `counts[r]` passages come from rank r; `groups` [sum of counts] are their passage groups, rank by rank. `calls` is
    the largest number of chunks that a process has. `tokens` and `padded` count this process's positions without and
    with padding.
    """

    def __init__(
        self,
        batch: Batch,
        pairs: ParallelPairs,
        rows: TokenBatch,
        counts: tuple[int, ...],
        groups: torch.Tensor,
        calls: int,
    ) -> None:
        self.batch, self.rows, self.counts, self.groups, self.calls = batch, rows, counts, groups, calls
        self.dataset, self._languages = pairs.name, pairs.languages
        self.tokens, self.padded = rows.tokens, rows.padded
        self._bundle: Bundle | None = None  # all tensors in one

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the global batch, in the order of the dataset."""
        used = np.union1d(self.batch.query_languages, self.batch.passage_languages)
        return tuple(self._languages[index] for index in used.tolist())

    def bundled(self) -> TrainingBatch:
        """The same batch with all tensors in one, and the lengths of its texts known to the host."""
        if self._bundle is not None:
            return self
        return self._cut(Bundle.of([*self.rows.tensors(), self.groups]))

    def pin_memory(self) -> TrainingBatch:
        """Bundled, in memory from which a GPU copies by itself. torch's DataLoader calls this method by its name."""
        bundle = self.bundled()._bundle
        assert bundle is not None
        return self._cut(bundle.pinned())

    def to(self, device: torch.device | str) -> TrainingBatch:
        """The same batch with its tensors on `device`, copied at once; itself if they are there."""
        if self.groups.device == torch.device(device):
            return self
        bundle = self.bundled()._bundle
        assert bundle is not None
        return self._cut(bundle.to(device))

    def _cut(self, bundle: Bundle) -> TrainingBatch:
        made = object.__new__(TrainingBatch)
        vars(made).update(vars(self))
        *tensors, made.groups = bundle.tensors()
        made.rows, made._bundle = self.rows.with_tensors(tensors), bundle
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Between processes: a bundled batch sends one tensor, from which the others are cut again."""
        state = dict(vars(self))
        if self._bundle is not None:
            nothing: list[Any] = [None] * (len(self._bundle.shapes) - 1)
            state |= {"rows": self.rows.with_tensors(nothing), "groups": None}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._bundle is not None:
            vars(self).update(vars(self._cut(self._bundle)))


class Collate:
    """Batch -> TrainingBatch for rank `rank` of `world_size`; `chunk_size` and `chunk_tokens` as in `chunk_ends`.

    Of each question at most `hard_negatives` take part, drawn by `seed` and the step; None: all.
    """

    def __init__(
        self,
        tokenization: Tokenization,
        datasets: Sequence[ParallelPairs],
        chunk_size: int | None,
        rank: int = 0,
        world_size: int = 1,
        cache_bytes: int = CACHE_BYTES,
        hard_negatives: int | None = None,
        seed: int = 0,
        chunk_tokens: int | None = None,
    ) -> None:
        self._tokenization, self._datasets = tokenization, datasets
        self._chunk_size, self._chunk_tokens = chunk_size, chunk_tokens
        self._rank, self._world_size = rank, world_size
        self._queries = TokenTable(tokenization.queries, cache_bytes // 4)
        self._passages = TokenTable(tokenization.passages, cache_bytes - cache_bytes // 4)
        # Made before workers are forked: they share these arrays, and need not number the texts again.
        self._query_numbers = [TextNumbers(self._queries, pairs, pairs.queries) for pairs in datasets]
        self._passage_numbers = [TextNumbers(self._passages, pairs, pairs.passages) for pairs in datasets]
        self._negatives = [HardNegatives(self._passages, pairs, hard_negatives, seed) for pairs in datasets]

    def __call__(self, batch: Batch) -> TrainingBatch:
        pairs = self._datasets[batch.dataset]
        queries = self._query_numbers[batch.dataset].at(batch.query_languages, batch.questions)
        passages = self._passage_numbers[batch.dataset].at(batch.passage_languages, batch.questions)
        if min(queries.min(initial=0), passages.min(initial=0)) < 0:
            raise ValueError("the schedule drew a question in a language that it does not exist in")
        shares = self._shares(queries, passages)
        negatives = self._negatives[batch.dataset].of(batch)
        groups = [_groups(pairs, batch, negatives, share) for share in shares]
        counts = tuple(len(one) for one in groups)
        mine = shares[self._rank]
        hard = negatives.numbers(mine) if negatives is not None else np.zeros(0, dtype=np.int64)
        rows = make_token_batch(
            self._queries.rows(queries[mine]),
            self._passages.rows(np.concatenate([passages[mine], hard])),
            positives=np.arange(len(mine)) + sum(counts[: self._rank]),
            query_groups=pairs.passage_groups[batch.questions[mine]],
            passage_groups=groups[self._rank],
            tokenization=self._tokenization,
            chunk_size=self._chunk_size,
            chunk_tokens=self._chunk_tokens,
        )
        if self._world_size == 1:
            calls = len(rows.query_chunks) + len(rows.passage_chunks)
        elif self._chunk_tokens is None:
            most = max(counts)
            calls = len(rows.query_chunks) + -(-most // (self._chunk_size or most))
        else:
            calls = max(self._chunk_count(queries[share], passages[share], negatives, share) for share in shares)
        return TrainingBatch(batch, pairs, rows, counts, torch.from_numpy(np.concatenate(groups)), calls)

    def _chunk_count(
        self, queries: IntArray, passages: IntArray, negatives: DrawnNegatives | None, share: IntArray
    ) -> int:
        """The chunks of one process, from the lengths of its texts: another process's texts are tokenised for it."""
        every = passages if negatives is None else np.concatenate([passages, negatives.numbers(share)])
        lengths = (self._queries.rows(queries).lengths, self._passages.rows(every).lengths)
        return sum(len(chunk_ends(np.sort(one), self._chunk_size, self._chunk_tokens)) for one in lengths)

    def _shares(self, queries: IntArray, passages: IntArray) -> list[IntArray]:
        if self._world_size == 1:
            return [np.arange(len(queries))]
        lengths = self._queries.rows(queries).lengths + self._passages.rows(passages).lengths
        order = np.argsort(lengths, kind="stable")
        return [rank_slice(order, rank, self._world_size) for rank in range(self._world_size)]


def _groups(pairs: ParallelPairs, batch: Batch, negatives: DrawnNegatives | None, share: IntArray) -> IntArray:
    """The passage groups of one process's passages: its positives, then its hard negatives."""
    own = pairs.passage_groups[batch.questions[share]].astype(np.int64)
    return own if negatives is None else np.concatenate([own, negatives.groups_of(share)])
