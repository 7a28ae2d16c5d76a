"""From the indices of a global batch to the token rows of one rank.

Ranks take every W-th row of the global batch sorted by length (`batching.rank_slice`). Each rank knows the whole batch,
so how many passages the others bring, and of which groups, needs no communication; only vectors are gathered.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from hybridret.batching.ranks import rank_slice
from hybridret.encoders.token_batch import TokenBatch, make_token_batch
from hybridret.encoders.tokenization import IntArray32, Tokenization
from hybridret.records import Batch, IntArray, Negative, ParallelPairs
from hybridret.training.token_cache import TokenCache

CACHE_BYTES = 512 * 1024**2  # per process: about two million short texts


class TrainingBatch:
    """One rank's part of a global batch. A plain class: Lightning takes dataclasses apart and copies them.

    `counts[r]` passages come from rank r; `groups` [sum of counts] are their passage groups, rank by rank. `tokens` and
    `padded` count this rank's positions without and with padding.
    """

    def __init__(
        self,
        batch: Batch,
        dataset: str,
        languages: tuple[str, ...],
        rows: TokenBatch,
        counts: tuple[int, ...],
        groups: torch.Tensor,
        tokens: int,
        padded: int,
    ) -> None:
        self.batch, self.dataset, self.languages, self.rows = batch, dataset, languages, rows
        self.counts, self.groups, self.tokens, self.padded = counts, groups, tokens, padded

    def to(self, device: torch.device | str) -> TrainingBatch:
        """The same batch with its tensors on `device`; itself if they are there."""
        if self.groups.device == torch.device(device):
            return self
        rows, groups = self.rows.to(device), self.groups.to(device)
        return TrainingBatch(
            self.batch, self.dataset, self.languages, rows, self.counts, groups, self.tokens, self.padded
        )


class Collate:
    """Batch -> TrainingBatch for rank `rank` of `world_size`; `chunk_size` in rows, None for whole batches."""

    def __init__(
        self,
        tokenization: Tokenization,
        datasets: Sequence[ParallelPairs],
        chunk_size: int | None,
        rank: int = 0,
        world_size: int = 1,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self._tokenization, self._datasets, self._chunk_size = tokenization, datasets, chunk_size
        self._rank, self._world_size = rank, world_size
        self._queries = TokenCache(tokenization.queries, cache_bytes // 4)
        self._passages = TokenCache(tokenization.passages, cache_bytes - cache_bytes // 4)

    def __call__(self, batch: Batch) -> TrainingBatch:
        pairs = self._datasets[batch.dataset]
        places = list(zip(batch.questions.tolist(), batch.passage_languages.tolist(), strict=True))
        asked = zip(batch.questions.tolist(), batch.query_languages.tolist(), strict=True)
        queries = self._queries.rows(
            [_text(pairs.queries[pairs.languages[lang]][question]) for question, lang in asked]
        )
        passages = self._passages.rows(
            [_text(pairs.passages[pairs.languages[lang]][question]) for question, lang in places]
        )
        negatives = [_negatives(pairs, question, lang) for question, lang in places]
        shares = self._shares(queries, passages)
        counts = tuple(len(share) + sum(len(negatives[row]) for row in share) for share in shares)
        groups = [_groups(pairs, batch, negatives, share) for share in shares]
        mine = shares[self._rank]
        query_rows = [queries[row] for row in mine]
        passage_rows = [passages[row] for row in mine]
        passage_rows += self._passages.rows([one.text for row in mine for one in negatives[row]])
        rows = make_token_batch(
            query_rows,
            passage_rows,
            positives=np.arange(len(mine)) + sum(counts[: self._rank]),
            query_groups=pairs.passage_groups[batch.questions[mine]],
            passage_groups=groups[self._rank],
            tokenization=self._tokenization,
            chunk_size=self._chunk_size,
        )
        return TrainingBatch(
            batch=batch,
            dataset=pairs.name,
            languages=_languages(pairs, batch),
            rows=rows,
            counts=counts,
            groups=torch.from_numpy(np.concatenate(groups)),
            tokens=sum(map(len, query_rows)) + sum(map(len, passage_rows)),
            padded=sum(chunk.input_ids.numel() for chunk in (*rows.query_chunks, *rows.passage_chunks)),
        )

    def _shares(self, queries: Sequence[IntArray32], passages: Sequence[IntArray32]) -> list[IntArray]:
        if self._world_size == 1:
            return [np.arange(len(queries))]
        lengths = np.array([len(query) + len(passage) for query, passage in zip(queries, passages, strict=True)])
        order = np.argsort(lengths, kind="stable")
        return [rank_slice(order, rank, self._world_size) for rank in range(self._world_size)]


def _text(text: str | None) -> str:
    if text is None:
        raise ValueError("the schedule drew a question in a language that it does not exist in")
    return text


def _negatives(pairs: ParallelPairs, question: int, language: int) -> tuple[Negative, ...]:
    """Hard negatives are read in the language of the positive: another language would give them away."""
    found = pairs.negatives.get(pairs.languages[language]) if pairs.negatives else None
    return found[question] if found is not None else ()


def _groups(pairs: ParallelPairs, batch: Batch, negatives: Sequence[tuple[Negative, ...]], share: IntArray) -> IntArray:
    """The passage groups of one rank's passages: its positives, then its hard negatives."""
    own = pairs.passage_groups[batch.questions[share]].astype(np.int64)
    hard = np.array([one.group for row in share for one in negatives[row]], dtype=np.int64)
    return np.concatenate([own, hard])


def _languages(pairs: ParallelPairs, batch: Batch) -> tuple[str, ...]:
    used = np.union1d(batch.query_languages, batch.passage_languages)
    return tuple(pairs.languages[index] for index in used.tolist())
