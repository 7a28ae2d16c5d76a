"""Masks of transformers without a question to the GPU.

transformers looks whether a mask of padding holds any padding at all, because without one a faster kernel can be taken.
On a GPU the host waits for this answer, once or more for every chunk (and again where the chunk is recomputed), and
meanwhile launches nothing. The lengths of the texts were known on the host before they were copied, so the answer is
given from there. Masks, kernels and numbers are the same.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from hybridret.base.records import IntArray

_padded: ContextVar[bool | None] = ContextVar("padded", default=None)
SKIPS = ("allow_is_causal_skip", "allow_is_bidirectional_skip")


@contextmanager
def known_lengths(lengths: IntArray | None, width: int) -> Iterator[None]:
    """Inside, models with sdpa do not look at their mask of padding: texts of `lengths` [b] stand in rows of `width`
    tokens. Without `lengths` they look.
    """
    if lengths is None:
        yield
        return
    _register()
    token = _padded.set(bool((lengths < width).any()))
    try:
        yield
    finally:
        _padded.reset(token)


@functools.cache
def _register() -> None:
    from transformers import AttentionMaskInterface

    AttentionMaskInterface.register("sdpa", _sdpa_mask)


def _sdpa_mask(*args: Any, **given: Any) -> Any:
    from transformers.masking_utils import sdpa_mask

    padded = _padded.get()
    if padded is False:
        given["attention_mask"] = None
    elif padded:
        given |= {name: False for name in SKIPS if name in given}
    return sdpa_mask(*args, **given)
