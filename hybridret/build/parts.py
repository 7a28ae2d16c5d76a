"""The objects of one run, built from its settings: everything that can be wrong is wrong here, before time is spent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from hybridret.batching.strategy import Strategy
from hybridret.build.config import BACKBONE_EXTRAS
from hybridret.build.plugins import factory, make
from hybridret.data.benchmarks import Benchmark
from hybridret.data.source import PairSource
from hybridret.encoders.dual import DualEncoder
from hybridret.errors import UserError
from hybridret.losses.infonce import InfoNCE
from hybridret.retrieval.dense import Dense
from hybridret.retrieval.protocols import Retriever
from hybridret.settings import Settings


@dataclass(frozen=True)
class Parts:
    """Plug-ins of a run. The data source is read when first asked for."""

    settings: Settings

    @cached_property
    def source(self) -> PairSource | None:
        """Where training pairs and held-out tests come from; None where the config names no data."""
        return make(self.settings.data, "data") if self.settings.data else None

    @cached_property
    def strategy(self) -> Strategy:
        """How batches are drawn."""
        strategy: Strategy = make(self.settings.batching, "batching")
        return strategy

    @cached_property
    def loss(self) -> InfoNCE:
        """The training loss."""
        loss: InfoNCE = make(self.settings.loss, "loss")
        return loss

    @cached_property
    def make_optimizer(self) -> Callable[[Any], Any]:
        """Parameter groups -> optimizer."""
        return factory(self.settings.optim, "optim")

    @cached_property
    def benchmarks(self) -> dict[str, Benchmark]:
        """The benchmarks by the name of their yaml."""
        return {name: make(section, f"eval.{name}") for name, section in self.settings.eval.items()}

    @cached_property
    def backbone(self) -> Any:
        """An encoder family (it has `encoder`) or a retriever that needs no training (BM25)."""
        section = {key: value for key, value in self.settings.backbone.items() if key not in BACKBONE_EXTRAS}
        return make(section, "backbone")

    @property
    def device(self) -> str:
        """Where encoders are evaluated: `trainer.accelerator` in torch's words."""
        accelerator = self.settings.trainer.accelerator
        found = accelerator in ("gpu", "cuda") or (accelerator == "auto" and torch.cuda.is_available())
        return "cuda" if found else "cpu"

    @property
    def trainable(self) -> bool:
        """Whether the backbone is an encoder, not a retriever of its own."""
        return hasattr(self.backbone, "encoder")

    def encoder(self) -> DualEncoder:
        """A fresh encoder of the size asked for."""
        if not self.trainable:
            raise UserError("This backbone has nothing to train: use `python -m hybridret.evaluate` with it.")
        settings = self.settings
        encoder: DualEncoder = self.backbone.encoder(settings.model.size, settings.text, self.source, settings.seed)
        return encoder

    def retriever(self, encoder: DualEncoder | None) -> Retriever:
        """Dense retrieval with `encoder`, or the backbone itself where it is a retriever."""
        if encoder is None:
            retriever: Retriever = self.backbone
            return retriever
        return Dense(encoder, self.settings.evaluation.batch_size, self.settings.evaluation.bf16)

    def check(self) -> None:
        """Build all that is cheap, so that bad input ends the run before a directory or a checkpoint is touched."""
        _ = self.strategy, self.loss, self.make_optimizer, self.benchmarks, self.backbone
