"""A training batch as input of the encoder: padded chunks, and the orders that undo the sort by length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hybridret.base.records import IntArray
from hybridret.encoders.token_rows import TokenRows
from hybridret.encoders.tokenization import IntArray32, Tokenization, Tokens, TokensOfHost


@dataclass(frozen=True)
class TokenBatch:
    """B queries and P passages (the B positives and any hard negatives) of one step.

    `query_order` [B] and `passage_order` [P] index the concatenated chunks: `encode_chunks(...)[query_order]` has
    query b in row b. `positives` [B] is the passage of each query, `query_groups` [B] and `passage_groups` [P] their
    passage groups, -1 unknown. `pairs` is B; `tokens` and `padded` count the positions of queries and passages without
    and with padding, `padding_share` is 1 - tokens / padded. `lengths`: those of the texts of each chunk, queries'
    before passages', where the host has to know them although the chunks are elsewhere.
    """

    query_chunks: list[Tokens]
    query_order: Tensor
    passage_chunks: list[Tokens]
    passage_order: Tensor
    positives: Tensor
    query_groups: Tensor
    passage_groups: Tensor
    padding_share: float
    pairs: int
    tokens: int
    padded: int
    lengths: tuple[IntArray, ...] | None = None

    @property
    def chunks(self) -> list[Tokens | TokensOfHost]:
        """Queries' before passages', with their lengths where they are known."""
        both = [*self.query_chunks, *self.passage_chunks]
        if self.lengths is None:
            return [*both]
        return [TokensOfHost(*chunk, lengths) for chunk, lengths in zip(both, self.lengths, strict=True)]

    def tensors(self) -> list[Tensor]:
        """All tensors, in the order of `with_tensors`."""
        of_chunks = [one for chunk in (*self.query_chunks, *self.passage_chunks) for one in chunk]
        return [
            *of_chunks,
            self.query_order,
            self.passage_order,
            self.positives,
            self.query_groups,
            self.passage_groups,
        ]

    def with_tensors(self, tensors: Sequence[Tensor]) -> TokenBatch:
        """The same batch with these `tensors` instead of its own. The lengths are known from now on, which are read
        from the masks before they leave the host.
        """
        queries, count = len(self.query_chunks), len(self.query_chunks) + len(self.passage_chunks)
        chunks = [Tokens(*pair) for pair in zip(tensors[0 : 2 * count : 2], tensors[1 : 2 * count : 2], strict=True)]
        both = (*self.query_chunks, *self.passage_chunks)
        lengths = self.lengths or tuple(chunk.attention_mask.sum(dim=1).numpy() for chunk in both)
        query_order, passage_order, positives, query_groups, passage_groups = tensors[2 * count :]
        return replace(
            self,
            query_chunks=chunks[:queries],
            passage_chunks=chunks[queries:],
            query_order=query_order,
            passage_order=passage_order,
            positives=positives,
            query_groups=query_groups,
            passage_groups=passage_groups,
            lengths=lengths,
        )

    def to(self, device: torch.device | str, non_blocking: bool = False) -> TokenBatch:
        """The same batch on `device`. Lightning calls this method by its name."""

        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=non_blocking)

        return TokenBatch(
            query_chunks=[Tokens(*map(moved, chunk)) for chunk in self.query_chunks],
            query_order=moved(self.query_order),
            passage_chunks=[Tokens(*map(moved, chunk)) for chunk in self.passage_chunks],
            passage_order=moved(self.passage_order),
            positives=moved(self.positives),
            query_groups=moved(self.query_groups),
            passage_groups=moved(self.passage_groups),
            padding_share=self.padding_share,
            pairs=self.pairs,
            tokens=self.tokens,
            padded=self.padded,
            lengths=self.lengths,
        )


def make_token_batch(
    query_rows: TokenRows | Sequence[IntArray32],
    passage_rows: TokenRows | Sequence[IntArray32],
    positives: IntArray,
    query_groups: IntArray,
    passage_groups: IntArray,
    tokenization: Tokenization,
    chunk_size: int | None,
    chunk_tokens: int | None = None,
) -> TokenBatch:
    """Sort, cut and pad rows of token ids; `chunk_size` and `chunk_tokens` as in `chunk_ends`, both None for one chunk
    each of queries and passages.

    Raises ValueError when the arrays do not fit together.
    """
    if not len(query_rows) == len(positives) == len(query_groups) or len(passage_rows) != len(passage_groups):
        raise ValueError(
            f"{len(query_rows)} queries with {len(positives)} positives and {len(query_groups)} groups, "
            f"{len(passage_rows)} passages with {len(passage_groups)} groups"
        )
    queries = query_rows if isinstance(query_rows, TokenRows) else TokenRows.of(query_rows)
    passages = passage_rows if isinstance(passage_rows, TokenRows) else TokenRows.of(passage_rows)
    query_chunks, query_order = queries.chunks(chunk_size, tokenization.pad_id, chunk_tokens)
    passage_chunks, passage_order = passages.chunks(chunk_size, tokenization.pad_id, chunk_tokens)
    tokens = int(queries.lengths.sum() + passages.lengths.sum())
    padded = sum(chunk.input_ids.numel() for chunk in (*query_chunks, *passage_chunks))
    return TokenBatch(
        query_chunks=query_chunks,
        query_order=torch.from_numpy(query_order),
        passage_chunks=passage_chunks,
        passage_order=torch.from_numpy(passage_order),
        positives=torch.as_tensor(positives, dtype=torch.int64),
        query_groups=torch.as_tensor(query_groups, dtype=torch.int64),
        passage_groups=torch.as_tensor(passage_groups, dtype=torch.int64),
        padding_share=1 - tokens / padded if padded else 0.0,
        pairs=len(queries),
        tokens=tokens,
        padded=padded,
    )
