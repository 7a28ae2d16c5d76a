"""What a point asks of the machine, whatever the recipe."""

from __future__ import annotations

from dataclasses import dataclass

from hybridret.losses.loss import Loss


@dataclass(frozen=True)
class Workload:
    """`batch_size` pairs a step over all devices; `query_tokens` and `passage_tokens` per text after truncation,
    padding included; `negatives`: hard negatives per query, 0 if there are none. `evaluation_queries` and
    `evaluation_passages` are encoded once; their index keeps `vector_bytes` (4 or 2) per value.
    `loss` is run on fake tensors for what it holds. `averaged`: whether an average of the trained weights is kept.
    `accumulate`: batches whose gradients are summed up for one step.
    """

    batch_size: int
    query_tokens: int
    passage_tokens: int
    negatives: float
    steps: int
    evaluation_queries: int
    evaluation_passages: int
    vector_bytes: int
    loss: Loss
    averaged: bool = False
    accumulate: int = 1
