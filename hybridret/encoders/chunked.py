"""Encoding in chunks: the gradient of a large batch in the memory of a small one.

InfoNCE needs all vectors of a batch at once, but not all activations: each chunk is encoded under
`torch.utils.checkpoint`, which drops activations and recomputes them, with the same dropout, in the backward pass
(docs/pitfalls.md#chunked-losses). Gradients are those of the whole batch: no cache of gradients is needed, and it works
under DDP and autocast.

The loss does not depend on the order of rows in a batch, so rows are sorted by length first: a chunk of similar lengths
has little padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.table_gradient import TableGradient
from hybridret.encoders.tokenization import Tokens, TokensOfHost


def encode_chunks(
    encoder: DualEncoder, chunks: Sequence[Tokens | TokensOfHost], checkpointed: bool, one_table: bool = True
) -> Tensor:
    """Encode every chunk and concatenate: [sum b, D], in the order of the chunks.

    `checkpointed` recomputes activations in the backward pass; without gradients it makes no difference. `one_table`:
    chunks share one gradient of the token table; not for FSDP2, under which the whole table exists only temporarily.
    """
    if not chunks:
        return torch.empty(0, encoder.dimension)
    if not torch.is_grad_enabled():
        return torch.cat([encoder(*chunk) for chunk in chunks])
    if len(chunks) == 1 and not checkpointed:
        return encoder(*chunks[0])  # type: ignore[no-any-return]
    gradient = TableGradient(encoder.body.input_embeddings()) if one_table else None

    def encode(input_ids: Tensor, *more: Any) -> Tensor:
        shared = nullcontext() if gradient is None else gradient.shared()
        with shared, _casts_of_its_own(input_ids.device.type) if checkpointed else nullcontext():
            vectors: Tensor = encoder(input_ids, *more)
        return vectors

    if checkpointed:
        return torch.cat([checkpoint(encode, *chunk, use_reentrant=False, preserve_rng_state=True) for chunk in chunks])
    return torch.cat([encode(*chunk) for chunk in chunks])


def _casts_of_its_own(device: str) -> AbstractContextManager[Any]:
    """Autocast without its cache of weights. With the cache, all chunks share the bf16 copy of a weight, and their
    gradients are summed in bf16, where hundreds of small summands are lost by rounding. With a copy for each chunk they
    are summed in fp32.
    """
    if not torch.is_autocast_enabled(device):
        return nullcontext()
    return torch.autocast(device, dtype=torch.get_autocast_dtype(device), cache_enabled=False)
