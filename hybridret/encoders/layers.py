"""Changes to each layer of a body: recomputation of its activations, and compilation.

Both replace the `forward` of the layer itself, so that no weight changes its name and checkpoints stay the same.
transformers' own switch for recomputation is not used: it exists only for its models and works only in training mode.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from hybridret.encoders.dual import Body

# Most compiled variants of a layer: with and without gradients, for one text and for several, times kinds of layers.
# Beyond the limit (torch's own is 8, which mT5 reaches) layers would run uncompiled, with a warning.
VARIANTS = 32


def compile_layers(body: Body, **options: Any) -> None:
    """Compile each layer of `body` with torch.compile, for any number and length of texts; `options` are torch's.

    All layers of one kind share the compiled code. Call it before `recompute_layers`, so that the layer is compiled and
    not the recomputation. Results differ in their last bits.
    """
    if "recompile_limit" in inspect.signature(torch.compile).parameters:  # not in the oldest supported torch
        options = {"recompile_limit": VARIANTS} | options
    for layer in body.layers():
        layer.forward = torch.compile(layer.forward, dynamic=True, **options)


def recompute_layers(body: Body) -> None:
    """Recompute each layer of `body` in the backward pass, with the same dropout, when gradients are enabled: only the
    input of a layer is kept. Gradients are the same. It can be combined with the recomputation of chunks.
    """
    for layer in body.layers():
        layer.forward = partial(_recomputed, layer.forward)  # unlike a closure it can be copied with its layer


def _recomputed(forward: Callable[..., Any], *states: Any, **more: Any) -> Any:
    # torch keeps the random states of the GPUs of positional arguments; every family passes its states as such.
    if not torch.is_grad_enabled():
        return forward(*states, **more)
    return checkpoint(forward, *states, use_reentrant=False, preserve_rng_state=True, **more)
