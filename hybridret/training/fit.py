"""One call of Lightning's trainer, used as a library function: it prints nothing, handles no signal and exits no
process (docs/pitfalls.md#signals)."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.utilities.exceptions import MisconfigurationException

from hybridret.base.errors import UserError
from hybridret.base.settings import TrainerSettings
from hybridret.distributed.world import export_torchrun_variables, process_info
from hybridret.training.callback import StepCallback
from hybridret.training.checkpoints import WholeCheckpoints, last_path
from hybridret.training.data_module import PairDataModule
from hybridret.training.module import RetrieverModule
from hybridret.training.sharding import Sharded

SHARDED = "fsdp"


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Lightning prints which accelerators exist and gives advice on the loader; a sweep would repeat this a hundred
    times.
    """
    names = (
        "pytorch_lightning",
        "lightning_fabric",
        "pytorch_lightning.utilities.rank_zero",
        "lightning_fabric.utilities.rank_zero",
    )
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*srun. command is available on your system but is not used.*")
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*", category=FutureWarning)
            warnings.filterwarnings("ignore", message=".*GPU available but not used.*")
            warnings.filterwarnings("ignore", message=".*module.s. in eval mode at the start of training.*")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@_quiet_lightning()
def fit(
    module: RetrieverModule,
    data: PairDataModule,
    callbacks: Sequence[pl.Callback],
    steps: int,
    accumulate: int,
    settings: TrainerSettings,
    folder: Path,
    loggers: Sequence[Any],
) -> int:
    """Train until step `steps`, each of `accumulate` batches, or until a callback stops it, from `last.ckpt` in
    `folder` if it exists; return the step that was reached. Raises UserError when the machine cannot do what `settings`
    ask, KeyboardInterrupt on Ctrl-C if the caller has no handler of its own.
    """
    # Stated here: Lightning takes every process inside a SLURM job for a task of srun.
    export_torchrun_variables()
    environment = TorchElasticEnvironment() if process_info().world > 1 else LightningEnvironment()
    plugins: list[Any] = [WholeCheckpoints(), environment]
    strategy: Any = settings.strategy
    precision = settings.precision
    if settings.strategy == SHARDED:
        strategy = Sharded(settings.devices * settings.nodes, settings.precision)
        precision = "32-true"  # nothing for Lightning to do: FSDP2 has a policy of its own
    try:
        lightning = pl.Trainer(
            accelerator=settings.accelerator,
            devices=settings.devices,
            num_nodes=settings.nodes,
            strategy=strategy,
            precision=precision,  # type: ignore[arg-type]
            max_steps=steps,
            accumulate_grad_batches=accumulate,
            max_epochs=-1,
            callbacks=[_Forgetting(), *callbacks],
            plugins=plugins,
            logger=list(loggers) or False,
            default_root_dir=folder,
            use_distributed_sampler=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_autolog_hparams=False,
            num_sanity_val_steps=0,
            limit_val_batches=0,
        )
    except (ValueError, ModuleNotFoundError, RuntimeError, MisconfigurationException) as error:
        raise UserError(
            f"trainer.accelerator={settings.accelerator}, devices={settings.devices}, nodes={settings.nodes}, "
            f"strategy={settings.strategy}, precision={settings.precision}: this machine or Lightning cannot do that "
            f"({error}). Change one of these keys; trainer=cpu works everywhere."
        ) from error
    # The caller handles signals (docs/pitfalls.md#signals). At SIGTERM, Lightning broadcasts from inside its handler:
    # with several processes this waits for ever.
    lightning._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]
    last = last_path(folder)
    interrupt_handler = signal.getsignal(signal.SIGINT)
    try:
        lightning.fit(module, datamodule=data, ckpt_path=last if last.exists() else None, weights_only=True)
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # Lightning turns Ctrl-C into exit code 1
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, interrupt_handler)
            raise KeyboardInterrupt from error
        raise
    return lightning.global_step


class _Forgetting(StepCallback):
    """Drops the states of the optimizer when fit ends: Lightning would copy them to the CPU, 86 GB at 10b."""

    on_train_batch_end = None  # type: ignore[assignment]

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for optimizer in trainer.optimizers:
            optimizer.state.clear()
