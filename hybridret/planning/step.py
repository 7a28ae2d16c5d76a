"""The course of one training step on one device, and the moment in which it holds most.

Gradients of the step before are gone when the forward pass begins. Chunks of queries are encoded before those of
passages, and go backward after them. The moments: encoding, the loss, the backward pass of a chunk (the first one makes
the gradients, the last one has them all), the optimizer. Chunks share one gradient of the embedding table.

With `training.accumulate` gradients of the batches before are there all the time; those of a batch are counted beside
them, although each is added as soon as it is complete: an upper bound.

With FSDP2 weights, gradients and optimizer states are divided. The price of synchronising once per step: gradients of
all chunks are summed up undivided, in fp32, on every device. And a chunk that is computed again in the backward pass
gathers all layers, which stay until their gradient is there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from hybridret.encoders.dual import Body
from hybridret.planning.encoding import Encoding
from hybridret.planning.fake import held
from hybridret.planning.loss_memory import loss_memory
from hybridret.planning.memory import Memory
from hybridret.planning.profile import Held
from hybridret.planning.recipe import Recipe
from hybridret.planning.states import EIGHT_BIT, state_bytes
from hybridret.planning.workload import Workload

_GATHERED_LAYERS = 3  # in use, being gathered, and the buffer of the last gathering
_REDUCED = 4  # bytes of a gradient that FSDP2 sums up and divides: fp32


@dataclass(frozen=True)
class Batch:
    """The texts of one device and the chunks in which they go: `chunks` of at most `rows` texts."""

    texts: int
    tokens: int
    rows: int

    @classmethod
    def of(cls, texts: int, tokens: int, chunk_size: int | None, chunk_tokens: int | None = None) -> Batch:
        """All texts at their full length, as a plan has to take them."""
        by_tokens = texts if chunk_tokens is None else max(chunk_tokens // tokens, 1)
        return cls(texts, tokens, min(texts, by_tokens, chunk_size or texts))

    @property
    def chunks(self) -> int:
        return -(-self.texts // self.rows)


@dataclass(frozen=True)
class Batches:
    """Queries and passages of one device; `everyone`: passages of all devices."""

    queries: Batch
    passages: Batch
    everyone: int

    @classmethod
    def of(cls, recipe: Recipe, workload: Workload) -> Batches:
        local = -(-workload.batch_size // recipe.devices)
        passages = math.ceil(local * (1 + workload.negatives))
        return cls(
            Batch.of(local, workload.query_tokens, recipe.chunk_size, recipe.chunk_tokens),
            Batch.of(passages, workload.passage_tokens, recipe.chunk_size, recipe.chunk_tokens),
            passages * recipe.devices,
        )

    @property
    def chunks(self) -> int:
        return self.queries.chunks + self.passages.chunks

    def recomputed(self, recipe: Recipe) -> bool:
        """Two chunks, of queries and of passages, are never computed again: see `RetrieverModule.batch_loss`."""
        return recipe.recompute and self.chunks > 2


@dataclass(frozen=True)
class SteadyState:
    """What a device holds between steps, in bytes, and what its weights come to. `gradients` when all are there.
    `optimizer` holds the average of the weights, too, which is in fp32 at least.
    """

    weights: int
    optimizer: int
    gradients: int
    largest: int  # fp32 bytes of the largest tensor that is trained

    @classmethod
    def of(cls, body: Body, recipe: Recipe, averaged: bool) -> SteadyState:
        weights = optimizer = gradients = largest = 0
        for one in body.parameters():
            size = held(one, recipe.precision).itemsize
            mine = _share(one, recipe)
            weights += mine * size
            if one.requires_grad:
                gradients += mine * size
                optimizer += state_bytes(recipe.optimizer, mine, size) + (mine * max(size, 4) if averaged else 0)
                largest = max(largest, mine * 4)
        return cls(weights, optimizer, gradients, largest)

    def stepping(self, recipe: Recipe) -> Memory:
        """During the optimizer's step. One step of 8-bit Adam takes states and weight of a tensor to fp32."""
        copied = self.gradients if recipe.devices > 1 and not recipe.sharded else 0
        moment = 2 * self.largest if recipe.optimizer == EIGHT_BIT else 0
        return Memory(self.weights, self.gradients, self.optimizer, 0, 0, 0, copied + moment)


def peak(body: Body, pooling: str, recipe: Recipe, workload: Workload, like: int | None = None) -> Memory:
    """The memory of one device when most is held; `like`: nearly, from chunks of so many texts (`Encoding.profile`)."""
    return max(_moments(body, pooling, recipe, workload, like), key=lambda memory: memory.total)


def _moments(body: Body, pooling: str, recipe: Recipe, workload: Workload, like: int | None) -> list[Memory]:
    batches = Batches.of(recipe, workload)
    again = batches.recomputed(recipe)
    encoding = Encoding(body, pooling, recipe)
    steady = SteadyState.of(body, recipe, workload.averaged)
    queries, passages = batches.queries, batches.passages
    of_queries = encoding.profile(queries.rows, queries.tokens, again, like)
    of_passages = encoding.profile(passages.rows, passages.tokens, again, like)
    saved_queries = of_queries.saved * (queries.texts / queries.rows)
    saved = saved_queries + of_passages.saved * (passages.texts / passages.rows)

    vector = torch.promote_types(held(next(body.parameters()), recipe.precision), torch.float32)
    vectors = (queries.texts + passages.texts) * body.dimension * vector.itemsize
    gathered = batches.everyone * body.dimension * vector.itemsize if recipe.devices > 1 else 0
    scores = loss_memory(workload.loss, queries.texts, batches.everyone, body.dimension, vector)
    table = next(iter(body.input_embeddings().parameters()))
    shared = encoding.table_shared and table.requires_grad
    summed_table = Held(gradients=table.numel() * encoding.used(table).itemsize if shared else 0)
    spread = _ShardingOverhead.of(body, recipe, encoding, steady, again)

    before = steady.gradients if workload.accumulate > 1 else 0  # of the batches before, which stay during all of it

    def moment(held: Held, other: float, tensors: float = 0, logits: int = 0, among_all: int = 0) -> Memory:
        return Memory(
            weights=steady.weights,
            gradients=before + round(held.gradients * spread.summed),
            optimizer=steady.optimizer,
            activations=round(held.activations + held.embedded + tensors),
            logits=logits,
            gathered=among_all,
            other=round(held.copies + other + spread.always),
        )

    kept = of_passages.shared if not (again or recipe.recompute_layers) else Held()
    forward = [saved - of_passages.saved + of_passages.shared + most for most in of_passages.forward]
    forward += [saved_queries - of_queries.saved + of_queries.shared + most for most in of_queries.forward]
    moments = [moment(most, spread.forward) for most in forward]
    moments.append(moment(saved + of_passages.shared, 0, 2 * vectors, scores.forward, 2 * gathered))
    moments.append(moment(saved + kept, 0, 3 * vectors, scores.backward, 3 * gathered))

    def backward(peaks: list[Held], waiting: Held, first: bool = False) -> None:
        for number, most in enumerate(peaks):
            # The first chunk makes the table's gradient behind its first layer. Gradients of looked-up embeddings are
            # added to it at once: those that the profile keeps are gone.
            table_there = Held() if first and number < len(peaks) - 1 else summed_table
            chunk = Held(most.gradients, most.copies, 0, most.activations)
            moments.append(moment(chunk + waiting + table_there, spread.backward, vectors))

    backward(of_passages.first, saved - of_passages.saved, first=True)
    if passages.chunks > 1:
        backward(of_passages.last[:2], saved - of_passages.saved * 2)
    if queries.chunks > 1:
        backward(of_queries.last[:2], saved_queries - of_queries.saved)
    backward(of_queries.last, Held())
    moments.append(steady.stepping(recipe))
    return moments


@dataclass(frozen=True)
class _ShardingOverhead:
    """What several devices add, in bytes: undivided weights in the `forward` and the `backward` pass, and `always`.
    `summed`: bytes of a summed-up gradient per byte of a gradient that a chunk makes.
    """

    forward: int
    backward: int
    always: int
    summed: float

    @classmethod
    def of(cls, body: Body, recipe: Recipe, encoding: Encoding, steady: SteadyState, again: bool) -> _ShardingOverhead:
        if not recipe.sharded:
            # DDP keeps gradients a second time, in the buckets that it reduces.
            return cls(0, 0, steady.gradients if recipe.devices > 1 else 0, 1.0)
        groups = parameter_groups(body)
        sizes = [sum(one.numel() * encoding.used(one).itemsize for one in group) for group in groups]
        trained = [sum(one.numel() for one in group if one.requires_grad) * _REDUCED for group in groups]
        used = min(sizes[0] + _GATHERED_LAYERS * max(sizes[1:], default=0), sum(sizes))
        reduced = max(trained)  # the input of a reduction
        item = encoding.used(next(body.parameters())).itemsize
        return cls(used, (sum(sizes) if again else used) + reduced, 0, _REDUCED / item)


def parameter_groups(body: Body) -> list[list[nn.Parameter]]:
    """As FSDP2 shards: what stands outside of the layers, then each layer."""
    layers = [list(layer.parameters()) for layer in body.layers()]
    inside = {id(one) for layer in layers for one in layer}
    return [[one for one in body.parameters() if id(one) not in inside], *layers]


def _share(parameter: nn.Parameter, recipe: Recipe) -> int:
    """Values of `parameter` on one device: FSDP2 cuts the first dimension."""
    if not recipe.sharded or parameter.ndim == 0:
        return parameter.numel()
    return -(-parameter.shape[0] // recipe.devices) * (parameter.numel() // parameter.shape[0])
