"""The objects of one run, built from its settings: all errors are found here, before time is spent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hybridret.base.errors import UserError, nearest
from hybridret.base.records import ParallelPairs
from hybridret.base.settings import Settings
from hybridret.batching.strategy import Strategy
from hybridret.components.evaluate_components import EvaluateComponents
from hybridret.components.mined_negatives import mined_negatives
from hybridret.config.instantiate import factory, make
from hybridret.data.prepared.mined import MinedSet
from hybridret.encoders.adapters.adapter import Adapter
from hybridret.evaluation.check import check_settings
from hybridret.losses.loss import Loss
from hybridret.training.check import check_rates

if TYPE_CHECKING:
    from hybridret.encoders.dual import DualEncoder


@dataclass(frozen=True)
class Components(EvaluateComponents):
    """Plug-ins of a run: those of its training beside those of its evaluation."""

    settings: Settings

    @cached_property
    def strategy(self) -> Strategy:
        """How batches are drawn."""
        strategy: Strategy = make(self.settings.batching, "batching")
        return strategy

    @cached_property
    def loss(self) -> Loss:
        """The training loss."""
        loss: Loss = make(self.settings.loss, "loss")
        return loss

    @cached_property
    def make_optimizer(self) -> Callable[[Any], Any]:
        """Parameter groups -> optimizer."""
        return factory(self.settings.optim, "optim")

    @cached_property
    def mined(self) -> MinedSet | None:
        """The hard negatives of `training.mined`. Raises UserError where they were not mined."""
        name, source = self.settings.training.mined, self.source
        return mined_negatives(source, name, self.settings.data) if name is not None and source is not None else None

    @cached_property
    def datasets(self) -> tuple[ParallelPairs, ...]:
        """The training pairs, one per dataset, with the hard negatives that were asked for."""
        if self.source is None:
            raise UserError("data has no value: choose where training pairs come from, data=cldr or data=jsonl.")
        training = self.source.training()
        return training if self.mined is None else self.mined.training(training)

    @cached_property
    def adapter(self) -> Adapter:
        """Which weights are trained."""
        adapter: Adapter = make(self.settings.adapter, "adapter")
        return adapter

    def trained_encoder(self) -> DualEncoder:
        """A fresh encoder of the size asked for, ready to be trained."""
        encoder = self.encoder()
        self.adapter.apply(encoder.body, self.settings.seed)
        return encoder

    def check(self) -> None:
        """Check and build all that is cheap: bad input ends the run before a directory or a checkpoint is touched."""
        check_settings(self.settings.evaluation, None if self.settings.trainer.accelerator == "auto" else self.device)
        check_rates(self.settings.optim)
        self._check_validation_benchmark()
        _ = self.strategy, self.loss, self.benchmarks, self.backbone, self.adapter, self.index

    def _check_validation_benchmark(self) -> None:
        name, known = self.settings.training.validation_benchmark, self.settings.eval
        if name is not None and name not in known:
            raise UserError(
                f"training.validation_benchmark={name} is none of the benchmarks of eval. {nearest(name, known)} Name "
                f"one of them, or add it: eval=[{','.join([*known, name])}]."
            )

    def check_optimizer(self) -> None:
        """Check the optimizer and the device, which needs torch."""
        from hybridret.training.optimisation import check_optimizer

        check_settings(self.settings.evaluation, self.device)
        check_optimizer(self.make_optimizer)
