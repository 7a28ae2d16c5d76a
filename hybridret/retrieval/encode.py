"""Texts to vectors, fast: each different text once, in batches of similar token counts with little padding.

Batches depend only on the set of texts: the order and the repetitions of the input change no bit of the result, and
equal texts get equal vectors (their scores then tie, and ties are broken by id).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hybridret.base.errors import UserError
from hybridret.base.machine import available_memory
from hybridret.base.progress import Progress
from hybridret.base.ranges import check_field
from hybridret.base.records import FloatArray, IntArray
from hybridret.base.settings import EvaluationSettings
from hybridret.retrieval.one_thread import mapped

WINDOW = 1 << 16  # texts tokenised and sorted at a time: limits memory, but is large enough for little padding
ACTIVATIONS = 64  # bytes for each token and dimension of a forward pass, roughly
SHORTEST = 0.9  # least length in a batch / greatest length: padding is at most a tenth; some 50 more batches a window

Item = tuple[str, str]  # a text and its context, "" for no context


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
    precision: str = "fp32",
) -> FloatArray:
    """Unit vectors [n, D], fp32, of `texts` in their order; passages are followed by their `contexts`.

    Runs on the encoder's device without dropout (its training mode is restored afterwards); `precision` bf16 or
    fp16 runs the forward pass under autocast. `batch_size` counts texts; batches may be smaller (`length_batches`).
    """
    items = [(text, "") for text in texts] if contexts is None else list(zip(texts, contexts, strict=True))
    distinct, positions = distinct_items(items)
    vectors = np.empty((len(distinct), encoder.dimension), dtype=np.float32)
    plural = "queries" if kind == "query" else "passages"
    begin, done = time.perf_counter(), 0
    with progress.task(f"encode {plural}", len(distinct)) as advance, inference(encoder, precision):

        def encoded(count: int) -> None:
            nonlocal done
            done += count
            advance(count, f"{done / (time.perf_counter() - begin):.0f} {plural}/s")

        for start in range(0, len(distinct), WINDOW):
            window = distinct[start : start + WINDOW]
            rows = token_rows(encoder.tokenization, window, kind, contexts is not None)
            vectors[start : start + len(window)] = encode_rows(encoder, rows, batch_size, encoded)
    return vectors[positions]


def distinct_items(items: Sequence[Item]) -> tuple[list[Item], IntArray]:
    """The different items in ascending order, and the position of each of `items` [n] among them."""
    distinct = sorted(set(items))
    position = {item: index for index, item in enumerate(distinct)}
    return distinct, np.fromiter((position[item] for item in items), dtype=np.int64, count=len(items))


def token_rows(
    tokenization: TextTokenization, items: Sequence[Item], kind: Literal["query", "passage"], with_contexts: bool
) -> list[NDArray[np.int32]]:
    """One row of token ids per item."""
    texts = [text for text, _ in items]
    if kind == "query":
        return tokenization.queries(texts)
    return tokenization.passages(texts, [context for _, context in items] if with_contexts else None)


def encode_rows(
    encoder: TextEncoder, rows: Sequence[NDArray[np.int32]], batch_size: int, encoded: Callable[[int], None]
) -> FloatArray:
    """Vectors [n, D], fp32, of one window of token rows; to be called inside `inference`.

    The batches depend only on the lengths of the rows. On a CPU each batch is computed by one thread, so that vectors
    are the same to the bit for any number of threads. `encoded` is called with the size of each batch.
    """
    device = next(iter(encoder.parameters())).device
    batches = length_batches([len(row) for row in rows], batch_size)
    vectors = np.empty((len(rows), encoder.dimension), dtype=np.float32)

    def vectors_of(chosen: IntArray) -> Tensor:
        input_ids, attention_mask = encoder.tokenization.pad([rows[i] for i in chosen])
        found: Tensor = encoder(input_ids.to(device), attention_mask.to(device)).float()
        return found

    made: Iterator[Tensor] = map(vectors_of, batches)
    if device.type == "cpu":
        made = mapped(vectors_of, batches, _at_once(encoder, rows, batches))
    parts: list[Tensor] = []
    for chosen, part in zip(batches, made, strict=True):
        parts.append(part)
        encoded(len(chosen))
    if batches:  # one copy per window instead of a wait after every batch
        vectors[np.concatenate(batches)] = torch.cat(parts).cpu().numpy()
    return vectors


def _at_once(encoder: TextEncoder, rows: Sequence[NDArray[np.int32]], batches: Sequence[IntArray]) -> int:
    """How many batches may be computed at the same time: their activations may take half of the free memory."""
    largest = max((len(chosen) * max(len(rows[i]) for i in chosen) for chosen in batches), default=0)
    each = largest * encoder.dimension * ACTIVATIONS
    return max(1, available_memory() // 2 // max(1, each))


@contextmanager
def inference(encoder: TextEncoder, precision: str) -> Iterator[None]:
    """Without dropout and gradients, the forward pass in `precision` (`forward_precision`), on the encoder's device."""
    device = next(iter(encoder.parameters())).device
    with _evaluation_mode(encoder), torch.inference_mode(), forward_precision(device.type, precision):
        yield


def forward_precision(device: str, precision: str) -> torch.autocast:
    """The autocast context of `precision` (fp32: off). Raises UserError for another name, and for fp16 on a CPU."""
    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    check_field(EvaluationSettings, "precision", precision, "evaluation")
    if precision == "fp16" and device == "cpu":
        raise UserError("evaluation.precision=fp16 needs a GPU: on a CPU choose bf16 or fp32.")
    return torch.autocast(device, dtype=types[precision], enabled=precision != "fp32")


def length_batches(lengths: Sequence[int], batch_size: int) -> list[IntArray]:
    """Batches of row indices, at most `batch_size` in each, every row once; `lengths` are the token counts of the rows.

    The longest rows come first: a batch that does not fit in memory fails at once, and the time left is never
    underestimated. A batch also ends before the first row shorter than `SHORTEST` times its longest row: the few
    longest texts differ much in length, and batches of a fixed size would contain much padding. Raises ValueError when
    `batch_size` is below 1.
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


@contextmanager
def _evaluation_mode(encoder: TextEncoder) -> Iterator[None]:
    """Dropout off; afterwards the mode of every module is restored, also of modules that were in evaluation mode."""
    modes = [(module, module.training) for module in encoder.modules()]
    for module, _ in modes:
        module.training = False
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
