"""One gradient of the table of token embeddings for all chunks of a step.

The gradient of an embedding table is as large as the table, whatever the number of tokens that were looked up. In the
backward pass every chunk would create such a gradient, to be summed: 47 MB each for MiniLM, 2.7 GB for Gemma 3 4B. Here
all chunks of a step, also recomputed ones, add their rows to a single gradient, and no look-up has to be kept for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class TableGradient:
    """`with gradient.shared():` -> look-ups in `embedding` add to one gradient. Made once per step, before the chunks.

    Tables that are not plain weights (frozen, sharded, with sparse gradients or a maximum norm) are not changed.
    """

    def __init__(self, embedding: nn.Module) -> None:
        self._embedding = embedding
        self._handle: Tensor | None = None
        if _is_plain(embedding):
            self._rows = _Rows()
            self._handle = _Whole.apply(embedding.weight, embedding.padding_idx, self._rows)  # type: ignore[no-untyped-call]

    def shared(self) -> AbstractContextManager[None]:
        """The context for each chunk; enter it inside the recomputed function."""
        return nullcontext() if self._handle is None else self._patched(self._handle)

    @contextmanager
    def _patched(self, handle: Tensor) -> Iterator[None]:
        embedding: Any = self._embedding
        usual = embedding.forward

        def forward(*given: Any, **more: Any) -> Any:
            with _Intercept(embedding.weight, handle, self._rows):
                return usual(*given, **more)

        own = "forward" in vars(embedding)  # a wrapper that other code put on this instance
        embedding.forward = forward
        try:
            yield
        finally:
            if own:
                embedding.forward = usual
            else:
                del embedding.forward


class _Rows:
    """The gradient of the table, to which backward passes add; None before the first of them."""

    table: Tensor | None = None


class _Whole(torch.autograd.Function):
    """The table -> a handle, a zero that every look-up depends on: its backward runs last and returns the gradient."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, padding: int | None, rows: _Rows) -> Tensor:
        ctx.padding, ctx.rows = padding, rows
        return weight.new_zeros(())

    @staticmethod
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor | None, None, None]:
        table, ctx.rows.table = ctx.rows.table, None
        if table is not None and ctx.padding is not None:
            table[ctx.padding].zero_()  # "= 0" would make a tensor of the 0 first
        return table, None, None


class _LookUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, handle: Tensor, ids: Tensor, weight: Tensor, rows: _Rows) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.rows, ctx.like = rows, weight
        return F.embedding(ids, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (ids,) = ctx.saved_tensors
        if ctx.rows.table is None:
            ctx.rows.table = torch.zeros_like(ctx.like)
        # index_add_ would add in an order that differs from run to run on a GPU.
        ctx.rows.table.index_put_((ids.reshape(-1),), gradient.reshape(-1, gradient.shape[-1]), accumulate=True)
        return gradient.new_zeros(()), None, None, None


class _Intercept(TorchFunctionMode):
    """Replaces only the look-up itself, because subclasses of nn.Embedding may scale its result."""

    def __init__(self, weight: Tensor, handle: Tensor, rows: _Rows) -> None:
        super().__init__()
        self._weight, self._handle, self._rows = weight, handle, rows

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.embedding and len(args) > 1 and args[1] is self._weight:
            return _LookUp.apply(self._handle, args[0], self._weight.detach(), self._rows)  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


def _is_plain(embedding: nn.Module) -> bool:
    return (
        isinstance(embedding, nn.Embedding)
        and type(embedding.weight) is nn.Parameter
        and embedding.weight.requires_grad
        and embedding.max_norm is None
        and not (embedding.sparse or embedding.scale_grad_by_freq)
    )
