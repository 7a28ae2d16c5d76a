"""A body on fake tensors: its operations run, nothing is computed.

The tensors are on a CPU in name; its attention takes a fused kernel as a GPU's does. Dropout is made to behave
as on a GPU: a mask of one byte per value, and none at all inside the attention kernel.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint

from hybridret.encoders.dual import Body
from hybridret.encoders.pooling import pooling_by_name
from hybridret.planning.modes import mode

AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
WHOLE = {"64-true": torch.float64, "bf16-true": torch.bfloat16, "16-true": torch.float16}
PRECISIONS = ("32-true", *AUTOCAST, *WHOLE)


def held(parameter: Tensor, precision: str) -> torch.dtype:
    """How a weight is kept in a training in `precision` (Lightning's word): as it is, unless all are converted."""
    return WHOLE.get(precision, parameter.dtype) if parameter.is_floating_point() else parameter.dtype


class FakeBody:
    """`body` (on the meta device, depth cut to its first `depth` layers) with fake weights.

    `dtype_of` is how each weight is held; `autocast` the dtype of the forward pass where it is another; with
    `own_casts` each call casts weights for itself. With `given_embeddings` each call starts from looked-up embeddings,
    a leaf of its own: chunks share the gradient of the table, which is counted apart. `slow`: on torch's fake tensors,
    which follow what shape tensors do not.
    """

    def __init__(
        self,
        body: Body,
        pooling: str,
        depth: int,
        dtype_of: Callable[[nn.Parameter], torch.dtype],
        autocast: torch.dtype | None,
        given_embeddings: bool,
        own_casts: bool = False,
        slow: bool = False,
    ) -> None:
        self.mode = mode(slow)
        self._body, self._pooled, self._depth, self._autocast = body, pooling_by_name(pooling), depth, autocast
        self._given, self._own_casts = given_embeddings, own_casts
        self._layers = body.layers()
        with shallow(self._layers, depth), self.mode:
            self._fakes = {
                id(one): torch.empty(one.shape, dtype=dtype_of(one), requires_grad=one.requires_grad)
                for one in body.parameters()
            }
            self.weights = list(self._fakes.values())
            self._fakes |= {id(one): torch.empty(one.shape, dtype=one.dtype) for one in body.buffers()}
            self._table = self._fakes[id(next(body.input_embeddings().parameters()))]

    @contextmanager
    def running(self, recompute_layers: bool) -> Iterator[None]:
        """In training mode, with fewer layers and no values, layers under `torch.utils.checkpoint` if asked."""
        with ExitStack() as stack:
            stack.enter_context(shallow(self._layers, self._depth))
            modes = [(module, module.training) for module in self._body.modules()]
            stack.enter_context(self.mode)
            stack.enter_context(_replaced(self._body, self._fakes))
            if recompute_layers:
                stack.enter_context(_recomputed(self._layers))
            self._body.train()
            try:
                yield
            finally:
                for module, training in modes:
                    module.training = training

    def precision(self) -> AbstractContextManager[Any]:
        """Where the forward pass stands, and only that: copies of weights that autocast keeps end with it."""
        return nullcontext() if self._autocast is None else torch.autocast("cpu", dtype=self._autocast)

    def _casts(self) -> AbstractContextManager[Any]:
        if self._autocast is None or not self._own_casts:
            return nullcontext()
        return torch.autocast("cpu", dtype=self._autocast, cache_enabled=False)

    def layers(self) -> tuple[nn.Module, nn.Module]:
        """The first and the last, while running."""
        layers = list(self._layers)
        return layers[0], layers[-1]

    def leaf(self, rows: int, tokens: int) -> Tensor | None:
        """[rows, tokens, D]: looked-up embeddings, None where the body looks them up itself."""
        if not self._given:
            return None
        table = self._table
        return torch.empty(rows, tokens, table.shape[1], dtype=table.dtype, requires_grad=table.requires_grad)

    def vectors(self, ids: Tensor, mask: Tensor, embedded: Tensor | None) -> Tensor:
        """[b, T], [b, T] -> [b, D], as `DualEncoder.forward` makes them."""
        embedding = self._body.input_embeddings()
        if embedded is not None:  # a copy, so that it dies when the body has no more use for it
            copied = [embedded.clone()]
            embedding.forward = lambda *_, **__: copied.pop()
        try:
            with _AsOnGpu(), self._casts():
                hidden: Tensor = self._body(ids, mask)
        finally:
            if embedded is not None:
                del embedding.forward
        hidden = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
        with torch.autocast(hidden.device.type, enabled=False):
            return F.normalize(self._pooled(hidden, mask), dim=-1)


@contextmanager
def shallow(layers: nn.ModuleList, depth: int) -> Iterator[None]:
    """Only the first `depth` of the layers of a body."""
    every = layers._modules
    layers._modules = dict(list(every.items())[:depth])
    try:
        yield
    finally:
        layers._modules = every


@contextmanager
def _replaced(body: Body, by: Mapping[int, Tensor]) -> Iterator[None]:
    """`body` with other parameters and buffers: `by` their ids. A checkpointed layer reads them in the backward pass
    too, behind the call that `torch.func.functional_call` would be.
    """
    tables: list[dict[str, Any]] = [one for module in body.modules() for one in (module._parameters, module._buffers)]
    usual = [dict(table) for table in tables]
    for table in tables:
        for name, one in table.items():
            if one is not None:
                table[name] = by[id(one)]
    try:
        yield
    finally:
        for table, before in zip(tables, usual, strict=True):
            table.update(before)


@contextmanager
def _recomputed(layers: nn.ModuleList) -> Iterator[None]:
    for layer in layers:
        again = _as_on_gpu(layer.forward)
        layer.forward = functools.partial(checkpoint, again, use_reentrant=False, preserve_rng_state=False)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _as_on_gpu(forward: Callable[..., Any]) -> Callable[..., Any]:
    """`forward` with the mode inside it, because what is run again in the backward pass is only what stands inside."""

    def inside(*args: Any, **kwargs: Any) -> Any:
        with _AsOnGpu():
            return forward(*args, **kwargs)

    return inside


class _AsOnGpu(TorchFunctionMode):
    """Dropout with a mask of bytes; attention without one, because a GPU's kernel draws it again."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        given = dict(kwargs or {})
        if func is F.scaled_dot_product_attention:
            given["dropout_p"] = 0.0
            return func(*args[:4], **given)
        if func is F.dropout:
            names = ("input", "p", "training", "inplace")
            given = {"p": 0.5, "training": True, **dict(zip(names, args, strict=False)), **given}
            if not given["training"] or given["p"] == 0:
                return given["input"]
            return torch.native_dropout(given["input"], given["p"], True)[0]
        return func(*args, **given)
