"""The LightningModule: chunked encoding, gathered passages, InfoNCE, and a check: a bad step changes no weight."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from hybridret.base.errors import UserError
from hybridret.base.settings import LearningRateSettings
from hybridret.encoders.accumulated import encode_accumulated
from hybridret.encoders.chunked import encode_chunks
from hybridret.encoders.dual import DualEncoder
from hybridret.losses.loss import Loss
from hybridret.training import step_numbers
from hybridret.training.collate import TrainingBatch
from hybridret.training.frozen import Frozen
from hybridret.training.gather import gather_rows
from hybridret.training.non_finite import NonFiniteError
from hybridret.training.optimisation import MakeOptimizer, learning_rate_schedule, parameter_groups
from hybridret.training.sharded_state import BY_SHARD, SHARDS, check_layout, difference
from hybridret.training.sharding import Sharded, is_sharded
from hybridret.training.step_numbers import StepNumbers, guard, guards


def step_seed(seed: int, step: int, rank: int) -> int:
    """The torch seed of one step: checkpoints hold no random state, so dropout must follow from these numbers."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> np.uint64(1))


class RetrieverModule(pl.LightningModule):
    """Trains a dual encoder with in-batch negatives.

    Each process's loss is the mean over its own queries against the passages of all processes, gathered with gradient;
    DDP's mean over the processes is then exactly the gradient of the whole batch
    (docs/pitfalls.md#gathered-gradients). With `training.accumulate` the gradient of a step is the mean over those of
    its batches, which Lightning sums up. After a step `last_loss` (of this process, the mean of its batches), `last_lr`
    (of the first group) and `last_gradient_norm` (before clipping) are plain floats; where the device works on while
    the host prepares the next step (`StepNumbers`), reading the first or the last waits for it.
    """

    # Lightning skips hooks that are not callable; an empty one would cost time in every step.
    on_train_batch_start = on_train_batch_end = on_before_zero_grad = None  # type: ignore[assignment]
    on_before_backward = on_after_backward = on_before_optimizer_step = None  # type: ignore[assignment]

    def __init__(
        self,
        encoder: DualEncoder,
        loss: Loss,
        make_optimizer: MakeOptimizer,
        learning_rate: LearningRateSettings,
        steps: int,
        clip_norm: float | None,
        seed: int,
        recompute: bool = True,
    ) -> None:
        super().__init__()
        self.encoder, self.loss = encoder, loss
        self.frozen = Frozen(self)
        self._make_optimizer, self._learning_rate, self._steps = make_optimizer, learning_rate, steps
        self._clip_norm, self._seed, self._recompute = clip_norm, seed, recompute
        self.last_lr = math.nan
        self._numbers = StepNumbers()
        self._batch: TrainingBatch | None = None
        self._unsettled: TrainingBatch | None = None  # of the step whose numbers the host has not read
        self._losses: list[Tensor] = []  # of the batches of this step

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning sets the name of the running hook dozens of times a step; torch would check each for parameters.
        if name == "_current_fx_name":
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    @property
    def last_loss(self) -> float:
        """Raises NonFiniteError, as `settle`."""
        self.settle()
        return self._numbers.loss

    @property
    def last_gradient_norm(self) -> float:
        """Raises NonFiniteError, as `settle`."""
        self.settle()
        return self._numbers.gradient_norm

    def settle(self) -> None:
        """Read the numbers of the last step, if that was put off. Raises NonFiniteError where they are not finite: that
        step changed no weight, and no step came after it. Called before what a step did is kept.
        """
        batch, self._unsettled = self._unsettled, None
        if batch is not None:
            self._numbers.read()
            self._check(batch)

    def on_train_end(self) -> None:
        """The last step has no next one that would look at it."""
        self.settle()

    def configure_optimizers(self) -> Any:
        optimizer = self._make_optimizer(parameter_groups(self.encoder, self._learning_rate.embedding_lr))
        learning_rate = learning_rate_schedule(optimizer, self._learning_rate, self._steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": learning_rate, "interval": "step"}}

    def configure_model(self) -> None:
        """Shard the encoder where the strategy is `Sharded`; Lightning may call it more than once."""
        if isinstance(self.trainer.strategy, Sharded):
            self.trainer.strategy.shard(self.encoder)

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        """Step, and drop the gradients at once: Lightning keeps them in memory until the end of the next forward pass,
        beside its activations.
        """
        optimizer.step(closure=optimizer_closure)
        optimizer.zero_grad(set_to_none=True)

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        return None

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> Tensor:
        """The loss of this process's queries, a scalar."""
        self._seed_torch(step_seed(self._seed, batch.batch.step, self.global_rank))
        loss = self.batch_loss(batch, gather=self.trainer.world_size > 1)
        if batch.batch.step % self.trainer.accumulate_grad_batches == 0:
            self._losses = []
        self._losses.append(loss.detach().float())
        self._batch = batch
        return loss

    def _seed_torch(self, seed: int) -> None:
        # Where CUDA is not in use, torch.manual_seed queues a seeding with a stack trace for later: 1 ms a step, and
        # the queue grows for ever.
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def batch_loss(self, batch: TrainingBatch, gather: bool, calls: int | None = None) -> Tensor:
        """The mean loss of the batch's queries, a scalar. `gather`: against the passages of all processes, which
        must all call this. `calls`: how often each process with a sharded encoder encodes; None: `batch.calls` times.
        """
        rows = batch.rows
        chunks = rows.chunks
        sharded = is_sharded(self.encoder)
        if sharded:  # each encoding is a collective: a process with fewer chunks encodes its last one again, unused
            chunks += [chunks[-1]] * ((calls or batch.calls) - len(chunks))
        again = self._recompute and len(chunks) > 2  # after the padding, so that all processes agree
        if sharded and again:
            vectors = encode_accumulated(self.encoder, chunks)
        else:
            vectors = encode_chunks(self.encoder, chunks, checkpointed=again, one_table=not sharded)
        queries, passages = vectors[rows.query_order], vectors[rows.passage_order + len(rows.query_order)]
        if gather:
            passages = self._gather(passages, batch.counts)
        loss: Tensor = self.loss(queries, passages, rows.positives, rows.query_groups, batch.groups)
        return loss

    def _gather(self, passages: Tensor, counts: tuple[int, ...]) -> Tensor:
        """[P of this process, D] -> [P of all, D], rank by rank. Processes may have different numbers of hard
        negatives, but gathered shapes must be equal (docs/pitfalls.md#unequal-shapes), so shorter ones are padded with
        rows that are dropped afterwards.
        """
        filled = nn.functional.pad(passages, (0, 0, 0, max(counts) - len(passages)))
        everyone = torch.split(gather_rows(filled), max(counts))
        return torch.cat([part[:count] for part, count in zip(everyone, counts, strict=True)])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave out frozen weights; a sharded training, where each process writes its part, keeps them. Raises
        NonFiniteError, as `settle`.
        """
        self.settle()
        if not is_sharded(self.encoder):
            checkpoint["state_dict"] = self.frozen.trained_state(checkpoint["state_dict"])

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Raises UserError when the checkpoint is of another model (loading is strict)."""
        if "state_dict" not in checkpoint:  # of a sharded training: the strategy has checked and loaded it
            return
        check_layout(checkpoint.get(SHARDS, 1), 1, checkpoint.get(BY_SHARD, False))
        checkpoint["state_dict"] = self.frozen.complete_state(checkpoint["state_dict"], self.state_dict())
        saved = {name: tuple(tensor.shape) for name, tensor in checkpoint["state_dict"].items()}
        mine = {name: tuple(tensor.shape) for name, tensor in self.state_dict().items()}
        if message := difference(saved, mine):
            raise UserError(message)

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip to `clip_norm` and check the norm, between backward and the update: a step with numbers that are not
        finite leaves the weights unchanged. Raises NonFiniteError, for this step or, where the host does not wait for
        the device, for the one before.
        """
        assert self._batch is not None
        self.settle()
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        norm = torch.nn.utils.get_total_norm([one.grad for one in parameters if one.grad is not None])
        if isinstance(norm, DTensor):
            norm = norm.full_tensor()
        self._numbers.launch(torch.stack([torch.stack(self._losses).mean(), norm.float()]))
        self.last_lr = float(optimizer.param_groups[0]["lr"])
        if self._runs_ahead(optimizer):
            self._unsettled = self._batch
            guard(optimizer, self._numbers.pending, self._clip_norm)
            return
        self._numbers.read()
        self._check(self._batch)
        # clip_grad_norm_ would multiply all gradients by 1 where nothing is to be clipped.
        if self._clip_norm is not None and self._numbers.gradient_norm + 1e-6 >= self._clip_norm:
            torch.nn.utils.clip_grads_with_norm_(parameters, self._clip_norm, norm)

    def _runs_ahead(self, optimizer: Optimizer) -> bool:
        """Whether the host may go on before it knows the numbers of the step. Several processes must agree on them, for
        which they wait anyway.
        """
        if self.device.type not in step_numbers.ASYNCHRONOUS or not guards(optimizer) or is_sharded(self.encoder):
            return False
        scaled = getattr(self.trainer.precision_plugin, "scaler", None) is not None  # fp16 guards the update itself
        return self.trainer.world_size == 1 and not scaled

    def _check(self, batch: TrainingBatch) -> None:
        finite = self._numbers.finite
        if self.trainer.world_size > 1:  # all stop, or a process would wait for the others for ever
            finite = self.trainer.strategy.reduce_boolean_decision(finite, all=True)
        if not finite:
            raise NonFiniteError(self._complaint(batch))

    def _complaint(self, batch: TrainingBatch) -> str:
        step = batch.batch.step // self.trainer.accumulate_grad_batches + 1
        return (
            f"Training stopped at step {step}: the loss is {self._numbers.loss:g} and the gradient norm "
            f"{self._numbers.gradient_norm:g}, in a '{batch.batch.kind}' batch of dataset '{batch.dataset}' with "
            f"languages {', '.join(batch.languages)}. The weights were not changed by this step; checkpoints/last.ckpt "
            "and checkpoints/best are from before. Lower optim.lr or schedule.embedding_lr, raise schedule.warmup, set "
            f"training.clip_norm, or use trainer.precision=32-true; then train again."
        )
