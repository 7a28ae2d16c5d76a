"""One look-up of token embeddings for all chunks of a step.

The gradient of an embedding table is as large as the table, whatever the number of tokens that were looked up: every
chunk would fill and add up such a table in the backward pass, 47 MB each for MiniLM. Looked up together, the tokens of
all chunks cost one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from hybridret.encoders.tokenization import Tokens


@contextmanager
def shared_lookup(embedding: nn.Module, chunks: Sequence[Tokens]) -> Iterator[None]:
    """In the block, `embedding` called with the ids of one of `chunks` returns its part of a look-up made beforehand.

    Other ids, and copies of the ids, are looked up as ever. Modules that are not tables (`nn.Embedding` or a subclass)
    are left alone: only for a table is the look-up of several texts at once the same as of one after the other. So are
    tables in shards (FSDP2), which can be read only while the body is computed.
    """
    if len(chunks) < 2 or not isinstance(embedding, nn.Embedding) or isinstance(embedding.weight, DTensor):
        yield
        return
    flat = torch.cat([chunk.input_ids.reshape(-1) for chunk in chunks])
    parts = embedding(flat).split([chunk.input_ids.numel() for chunk in chunks])
    made = {
        _key(chunk.input_ids): part.view(*chunk.input_ids.shape, -1) for chunk, part in zip(chunks, parts, strict=True)
    }
    usual = embedding.forward

    def forward(input: Tensor) -> Tensor:
        found = made.get(_key(input))
        return usual(input) if found is None else found

    own = "forward" in vars(embedding)  # somebody else's wrapper of this one instance
    embedding.forward = forward  # type: ignore[method-assign]
    try:
        yield
    finally:
        if own:
            embedding.forward = usual  # type: ignore[method-assign]
        else:
            del embedding.forward


def _key(ids: Tensor) -> tuple[int, tuple[int, ...]]:
    """Bodies may pass a view of the ids: the same memory in the same shape."""
    return ids.data_ptr(), tuple(ids.shape)
