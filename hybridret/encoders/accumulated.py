"""Encoding in chunks whose gradients are added one by one, for batches of many chunks under FSDP2.

Under `torch.utils.checkpoint` one backward pass runs through all chunks, and a parameter gets its gradient only after
the last chunk. Until then autograd sums it in the parameter's own precision, bf16 under FSDP2, in which hundreds of
small summands are lost by rounding. Here each chunk is first encoded without a graph. In the backward pass it is
encoded again and has its own backward pass, so that FSDP2 sums in its `reduce_dtype`, fp32, and communicates gradients
with the last chunk only. As with recomputation, the cost is a third more. (Gao et al. 2021, arXiv 2101.06983, cache the
gradients of the vectors in the same way.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.tokenization import Tokens, TokensOfHost


def encode_accumulated(encoder: DualEncoder, chunks: Sequence[Tokens | TokensOfHost]) -> Tensor:
    """[sum b, D], in the order of the chunks. Under FSDP2 all processes must have the same number of chunks."""
    if not torch.is_grad_enabled():
        return torch.cat([encoder(*chunk) for chunk in chunks])
    anchor = torch.zeros((), device=chunks[0].input_ids.device, requires_grad=True)
    vectors: Tensor = _Accumulated.apply(anchor, encoder, chunks)  # type: ignore[no-untyped-call]
    return vectors


class _Accumulated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, anchor: Tensor, encoder: DualEncoder, chunks: Sequence[Tokens | TokensOfHost]) -> Tensor:
        ctx.encoder, ctx.chunks, ctx.states = encoder, chunks, []
        vectors = []
        for chunk in chunks:
            ctx.states.append(_random_state(chunk.input_ids.device))
            vectors.append(encoder(*chunk))
        return torch.cat(vectors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        parts = torch.split(gradients[0], [len(chunk.input_ids) for chunk in ctx.chunks])
        device = gradients[0].device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            for number, (chunk, state, gradient) in enumerate(zip(ctx.chunks, ctx.states, parts, strict=True)):
                _synchronise(ctx.encoder, number == len(ctx.chunks) - 1)
                _set_random_state(device, state)  # the same dropout as in the forward pass
                with torch.enable_grad():
                    vectors = ctx.encoder(*chunk)
                torch.autograd.backward(vectors, gradient)
        return None, None, None


def _synchronise(encoder: DualEncoder, wanted: bool) -> None:
    """Set whether the next backward pass sums gradients over the processes."""
    from torch.distributed.fsdp import FSDPModule

    if isinstance(encoder.body, FSDPModule):
        encoder.body.set_requires_gradient_sync(wanted)


def _random_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None


def _set_random_state(device: torch.device, state: tuple[Tensor, Tensor | None]) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
