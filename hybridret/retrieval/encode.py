"""Texts to vectors, fast: each different text once, sorted by length, so that a batch holds little padding.

Batches follow from the set of texts alone: the order and the repetitions of the input change no bit of the result, and
equal texts get equal vectors (their scores then tie, and ties are broken by id).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hybridret.progress import Progress
from hybridret.records import FloatArray

WINDOW = 1 << 16  # texts tokenised and sorted at a time: bounds memory, large enough that sorting still pays


class TextTokenization(Protocol):
    """Text to ids, with the model's prefixes and lengths, and ids to padded tensors."""

    def queries(self, texts: Sequence[str]) -> list[NDArray[np.int32]]: ...
    def passages(self, texts: Sequence[str], contexts: Sequence[str] | None = None) -> list[NDArray[np.int32]]: ...
    def pad(self, rows: Sequence[NDArray[np.int32]]) -> tuple[Tensor, Tensor]: ...


class TextEncoder(Protocol):
    """The part of a dual encoder that retrieval uses: a torch module that maps padded ids to unit vectors [b, D]."""

    @property
    def tokenization(self) -> TextTokenization: ...
    @property
    def dimension(self) -> int: ...
    def parameters(self) -> Iterator[torch.nn.Parameter]: ...
    def modules(self) -> Iterator[torch.nn.Module]: ...
    def __call__(self, input_ids: Tensor, attention_mask: Tensor) -> Any: ...


def encode_texts(
    encoder: TextEncoder,
    texts: Sequence[str],
    kind: Literal["query", "passage"],
    batch_size: int,
    progress: Progress,
    contexts: Sequence[str] | None = None,
    bf16: bool = False,
) -> FloatArray:
    """Unit vectors [n, D], fp32, of `texts` in their order; `contexts` are read behind passages.

    Runs on the encoder's device without dropout (its training mode comes back afterwards); `bf16` runs the forward pass
    under bfloat16 autocast. `batch_size` counts texts.
    """
    items = [(text, "") for text in texts] if contexts is None else list(zip(texts, contexts, strict=True))
    distinct = sorted(set(items))
    vectors = np.empty((len(distinct), encoder.dimension), dtype=np.float32)
    plural = "queries" if kind == "query" else "passages"
    device = next(iter(encoder.parameters())).device
    begin, done = time.perf_counter(), 0
    with (
        progress.task(f"encode {plural}", len(distinct)) as advance,
        _evaluation_mode(encoder),
        torch.inference_mode(),
        torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16),
    ):
        for start in range(0, len(distinct), WINDOW):
            window = distinct[start : start + WINDOW]
            tokens = _tokens(encoder.tokenization, window, kind, contexts is not None)
            # Longest first: a batch that does not fit in memory fails at once, and the time left is never understated.
            order = np.argsort([-len(row) for row in tokens], kind="stable")
            parts: list[Tensor] = []
            for first in range(0, len(order), batch_size):
                chosen = order[first : first + batch_size]
                input_ids, attention_mask = encoder.tokenization.pad([tokens[i] for i in chosen])
                parts.append(encoder(input_ids.to(device), attention_mask.to(device)).float())
                done += len(chosen)
                advance(len(chosen), f"{done / (time.perf_counter() - begin):.0f} {plural}/s")
            vectors[start + order] = torch.cat(parts).cpu().numpy()  # one copy a window: no wait after every batch
    position = {item: index for index, item in enumerate(distinct)}
    return vectors[np.fromiter((position[item] for item in items), dtype=np.int64, count=len(items))]


def _tokens(
    tokenization: TextTokenization, items: Sequence[tuple[str, str]], kind: str, with_contexts: bool
) -> list[NDArray[np.int32]]:
    texts = [text for text, _ in items]
    if kind == "query":
        return tokenization.queries(texts)
    return tokenization.passages(texts, [context for _, context in items] if with_contexts else None)


@contextmanager
def _evaluation_mode(encoder: TextEncoder) -> Iterator[None]:
    """Dropout off; every module gets its own mode back, also one that was frozen in evaluation mode."""
    modes = [(module, module.training) for module in encoder.modules()]
    for module, _ in modes:
        module.training = False
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
