"""What is done to each layer of a body: forgetting its activations, compiling it.

Both replace the `forward` of the layer itself, so that no weight changes its name and checkpoints stay the same.
transformers' own switch is left alone: it exists for its models only, and works in training mode only.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from hybridret.encoders.dual import Body

# Of the code of a layer: with and without gradients, of one text and of several, and what its kinds multiply that by.
# Behind the limit (torch's own is 8, which mT5 reaches) layers would run uncompiled, with a warning.
VARIANTS = 32


def compile_layers(body: Body, **options: Any) -> None:
    """Compile each layer of `body` with torch.compile, for texts of any number and length; `options` are torch's.

    All layers of one kind share what was compiled. Call it before `recompute_layers`, so that what is compiled is the
    layer and not the recomputation. Numbers differ in their last bits.
    """
    if "recompile_limit" in inspect.signature(torch.compile).parameters:  # newer than the oldest torch that will do
        options = {"recompile_limit": VARIANTS} | options
    for layer in body.layers():
        layer.forward = torch.compile(layer.forward, dynamic=True, **options)


def recompute_layers(body: Body) -> None:
    """Where gradients are wanted, compute each layer of `body` again in the backward pass, with the same dropout: of a
    layer only its input is kept. The gradient is the same. It may stand inside the recomputation of a chunk.
    """
    for layer in body.layers():
        layer.forward = partial(_recomputed, layer.forward)  # unlike a closure it can be copied with its layer


def _recomputed(forward: Callable[..., Any], *states: Any, **more: Any) -> Any:
    # On a GPU random states are kept of the devices of positional arguments: every family gives its states so.
    if not torch.is_grad_enabled():
        return forward(*states, **more)
    return checkpoint(forward, *states, use_reentrant=False, preserve_rng_state=True, **more)
