"""Held-out questions that are ranked during training: the encoding, by all processes together.

What is ranked, and how, is the probe's to know (`evaluation.probe`); here are the vectors. Chunks follow from the
lengths of the texts alone and processes take them in turn, so that every number of processes makes the same ones. In a
sharded encoder each encoding is a collective: a process that has no chunk left encodes the last one again, for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from hybridret.base.records import Collection, FloatArray, IntArray
from hybridret.encoders.tokenization import IntArray32
from hybridret.retrieval.encode import distinct_items, length_batches, token_rows
from hybridret.training.gather import gather_rows
from hybridret.training.non_finite import NonFiniteError
from hybridret.training.sharding import is_sharded

if TYPE_CHECKING:
    from hybridret.training.module import RetrieverModule

Encoded = tuple[FloatArray, FloatArray]  # vectors of queries [Q, D] and of passages [P, D]


class Probe(Protocol):
    """Some collections, and what is measured of them: `names`, which follow from the data."""

    @property
    def collections(self) -> Sequence[Collection]: ...

    @property
    def names(self) -> Sequence[str]: ...

    def measure(self, encoded: Sequence[Encoded]) -> Mapping[str, float]:
        """A value for each of `names`, from the vectors of each collection."""
        ...


class _Rows:
    """Token rows of the distinct texts, their chunks, and which row each text [n] is."""

    def __init__(self, rows: Sequence[IntArray32], positions: IntArray, chunk_size: int) -> None:
        self.rows, self.positions = rows, positions
        self.chunks = length_batches([len(row) for row in rows], chunk_size)


class ProbeMeasurement:
    """Measures a probe with the encoder that is trained; texts are tokenised once, `chunk_size` are encoded at once."""

    def __init__(self, probe: Probe, chunk_size: int) -> None:
        self._probe, self._chunk_size = probe, chunk_size
        self._rows: list[tuple[_Rows, _Rows]] = []

    @property
    def names(self) -> Sequence[str]:
        """What is measured."""
        return self._probe.names

    @torch.no_grad()
    def values(self, trainer: pl.Trainer, module: RetrieverModule) -> dict[str, float]:
        """The values of all `names`, the same on every process; all of them call. The first one ranks.

        Raises NonFiniteError where a vector is not finite.
        """
        if not self._rows:
            self._rows = [
                (self._tokenised(module, one, "query"), self._tokenised(module, one, "passage"))
                for one in self._probe.collections
            ]
        with evaluation_mode(module), trainer.precision_plugin.forward_context():
            encoded = [
                (_vectors(trainer, module, queries), _vectors(trainer, module, passages))
                for queries, passages in self._rows
            ]
        if not all(np.isfinite(part).all() for pair in encoded for part in pair):
            raise NonFiniteError(
                f"Validation at step {trainer.global_step}: the encoder gives vectors that are not finite. Lower "
                "optim.lr, or use trainer.precision=32-true; then train again."
            )
        found = dict(self._probe.measure(encoded)) if trainer.is_global_zero else {}
        if trainer.world_size > 1:
            found = trainer.strategy.broadcast(found)
        return found

    def _tokenised(self, module: RetrieverModule, one: Collection, kind: Literal["query", "passage"]) -> _Rows:
        texts, contexts = (one.queries, None) if kind == "query" else (one.passages, one.contexts)
        pairs = [(text, "") for text in texts] if contexts is None else list(zip(texts, contexts, strict=True))
        distinct, positions = distinct_items(pairs)
        rows = token_rows(module.encoder.tokenization, distinct, kind, contexts is not None)
        return _Rows(rows, positions, self._chunk_size)


def _vectors(trainer: pl.Trainer, module: RetrieverModule, texts: _Rows) -> FloatArray:
    """[n, D], fp32, the same on every process."""
    encoder, world, rank = module.encoder, trainer.world_size, trainer.global_rank
    sharded = is_sharded(encoder)
    vectors = np.empty((len(texts.rows), encoder.dimension), dtype=np.float32)

    def encode(chunk: IntArray) -> Tensor:
        tokens = encoder.tokenization.pad([texts.rows[row] for row in chunk])
        found: Tensor = encoder(*(part.to(module.device) for part in tokens)).float()
        return found

    for first in range(0, len(texts.chunks), world):
        together = texts.chunks[first : first + world]
        size = max(map(len, together))
        made = torch.zeros((size, encoder.dimension), dtype=torch.float32, device=module.device)
        if rank < len(together) or sharded:
            mine = together[min(rank, len(together) - 1)]
            made[: len(mine)] = encode(mine)
        everyone = gather_rows(made) if world > 1 else made
        for chunk, part in zip(together, everyone.cpu().numpy().reshape(world, size, -1), strict=False):
            vectors[chunk] = part[: len(chunk)]
    return vectors[texts.positions]


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Dropout off; every part gets its own mode back, also one that is frozen in evaluation mode."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
