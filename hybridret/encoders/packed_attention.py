"""The attention of packed texts, in the form that transformers calls: a token attends only to tokens of its own text.

Texts of the same length form a batch without padding, so scaled_dot_product_attention computes each such group at once,
in any precision and on any device. On a GPU in 16 bits one kernel for texts of different lengths computes all groups:
`varlen_attn` of torch, or `flash_attn_varlen_func` of the package flash-attn with dropout or if torch has no such
kernel. The branch with these kernels has NOT been run on a GPU yet; tests/encoders/test_packing.py checks it on a
machine with a GPU.

Shape legend: H heads of queries, h heads of keys and values, N tokens of all texts, d width of a head.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from hybridret.encoders.attention import PACKED
from hybridret.encoders.packing import Packing

Window = tuple[int, int]  # the numbers of tokens before and after itself that a token attends to; -1: all
HEAD_LIMIT = 256  # the largest width of a head in the flash kernels, which need a multiple of 8


def register() -> None:
    """Register `packed` with transformers, without a mask function, so models make no mask. Compiled layers call it
    uncompiled: other text lengths would need another compilation.
    """
    from transformers import AttentionInterface

    AttentionInterface.register(PACKED, torch.compiler.disable(packed_attention))  # type: ignore[no-untyped-call]


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    packing: Packing,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    is_causal: bool | None = None,
    **unused: Any,
) -> tuple[Tensor, None]:
    """Queries [1, H, N, d], keys and values [1, h, N, d] -> [1, N, H, d]; `packing` has the bounds of the texts.

    `attention_mask` is None. `is_causal` None: the value of the module.
    """
    window = _window(module, sliding_window, is_causal, packing.longest)
    kernel = _kernel(query, dropout > 0)
    if kernel is not None:
        return _one_kernel(kernel, query, key, value, packing, dropout, scaling, window), None
    return _by_length(module, query, key, value, packing, dropout, scaling, window), None


def _window(module: nn.Module, sliding_window: int | None, is_causal: bool | None, longest: int) -> Window:
    """The window that transformers' masks allow. A sliding window includes the token itself, except with
    `is_causal=False` in a decoder (`create_bidirectional_sliding_window_mask`).
    """
    causal = bool(module.is_causal) if is_causal is None else is_causal
    reach = -1
    if sliding_window is not None:
        reach = sliding_window if is_causal is False else sliding_window - 1
        reach = -1 if reach >= longest - 1 else reach
    return reach, 0 if causal else reach


def _by_length(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    packing: Packing,
    dropout: float,
    scaling: float | None,
    window: Window,
) -> Tensor:
    """One call of transformers' sdpa for the texts of each length."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    sizes = [texts * length for texts, length in packing.groups]
    rows = zip(packing.groups, *(part[0].split_with_sizes(sizes, dim=1) for part in (query, key, value)), strict=True)
    found = []
    for (texts, length), *parts in rows:
        one, two, three = (part.unflatten(1, (texts, length)).transpose(0, 1) for part in parts)
        mask = _window_mask(length, window, query.device)
        states, _ = sdpa_attention_forward(module, one, two, three, mask, dropout, scaling, is_causal=window[1] == 0)
        found.append(states.flatten(0, 1))
    return torch.cat(found)[None]


def _window_mask(length: int, window: Window, device: torch.device) -> Tensor | None:
    """[1, 1, length, length], true where a token attends to another; None if the window does not limit this length."""
    before, behind = window
    if before < 0 or before >= length - 1:
        return None
    positions = torch.arange(length, device=device)
    distance = positions[:, None] - positions
    return ((distance <= before) & (distance >= -behind))[None, None]


def _one_kernel(
    kernel: Callable[..., Tensor],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    packing: Packing,
    dropout: float,
    scaling: float | None,
    window: Window,
) -> Tensor:
    dtype = _precision(query)
    parts = [part[0].transpose(0, 1).to(dtype) for part in (query, key, value)]  # [N, H or h, d]
    return kernel(*parts, packing.bounds, packing.longest, dropout, scaling, window)[None]


def _kernel(query: Tensor, dropout: bool) -> Callable[..., Tensor] | None:
    """The kernel for texts of different lengths that supports `query`, None if there is none."""
    width = query.shape[-1]
    if query.device.type != "cuda" or _precision(query) not in (torch.float16, torch.bfloat16):
        return None
    if width % 8 or width > HEAD_LIMIT or torch.cuda.get_device_capability(query.device) < (8, 0):
        return None
    return _flash_attn() if dropout else _torch_varlen() or _flash_attn()


def _precision(query: Tensor) -> torch.dtype:
    """The dtype of the kernel. Under autocast rotary positions turn queries, but not values, into fp32."""
    kind = query.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else query.dtype


@functools.cache
def _torch_varlen() -> Callable[..., Tensor] | None:
    """torch's own kernel, which has no dropout; None in releases without it, or without windows and shared heads."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    if not {"window_size", "enable_gqa", "scale"} <= inspect.signature(varlen_attn).parameters.keys():
        return None

    def call(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bounds: Tensor,
        longest: int,
        _: float,
        scale: float | None,
        at: Window,
    ) -> Tensor:
        shared = query.shape[1] != key.shape[1]
        found = varlen_attn(
            query, key, value, bounds, bounds, longest, longest, scale=scale, window_size=at, enable_gqa=shared
        )
        assert isinstance(found, Tensor)
        return found

    return call


@functools.cache
def _flash_attn() -> Callable[..., Tensor] | None:
    """The kernel of the package flash-attn, None if it is not installed."""
    try:
        from flash_attn import flash_attn_varlen_func
    except ImportError:
        return None

    def call(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bounds: Tensor,
        longest: int,
        rate: float,
        scale: float | None,
        at: Window,
    ) -> Tensor:
        found: Tensor = flash_attn_varlen_func(
            query, key, value, bounds, bounds, longest, longest, dropout_p=rate, softmax_scale=scale,
            causal=at[1] == 0, window_size=at,
        )  # fmt: skip
        return found

    return call
