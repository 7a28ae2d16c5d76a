"""Texts to vectors, fast: each different text once, in batches of about equal token counts with little padding.

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
from hybridret.records import FloatArray, IntArray

WINDOW = 1 << 16  # texts tokenised and sorted at a time: bounds memory, large enough that sorting still pays
SHORTEST = 0.9  # of the longest row of a batch: so padding is at most a tenth, for some 50 more batches in a window


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
    under bfloat16 autocast. `batch_size` counts texts; batches may be smaller (`length_batches`).
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
            batches = length_batches([len(row) for row in tokens], batch_size)
            parts: list[Tensor] = []
            for chosen in batches:
                input_ids, attention_mask = encoder.tokenization.pad([tokens[i] for i in chosen])
                parts.append(encoder(input_ids.to(device), attention_mask.to(device)).float())
                done += len(chosen)
                advance(len(chosen), f"{done / (time.perf_counter() - begin):.0f} {plural}/s")
            vectors[start + np.concatenate(batches)] = (
                torch.cat(parts).cpu().numpy()
            )  # one copy a window: no wait after every batch
    position = {item: index for index, item in enumerate(distinct)}
    return vectors[np.fromiter((position[item] for item in items), dtype=np.int64, count=len(items))]


def length_batches(lengths: Sequence[int], batch_size: int) -> list[IntArray]:
    """Indices of rows with these token counts in batches of at most `batch_size`, each row once.

    Longest first: a batch that does not fit in memory fails at once, and the time left is never understated. A batch
    also ends before the first row shorter than `SHORTEST` of its longest; a fixed size would put the few longest texts,
    whose lengths lie far apart, into one batch with much padding. Raises ValueError when `batch_size` is below 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size {batch_size} is not positive")
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    ascending = -np.asarray(lengths, dtype=np.int64)[order]
    batches: list[IntArray] = []
    first = 0
    while first < len(order):
        short = int(np.searchsorted(ascending, SHORTEST * ascending[first], side="right"))
        end = max(min(first + batch_size, short), first + 1)
        batches.append(order[first:end])
        first = end
    return batches


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
