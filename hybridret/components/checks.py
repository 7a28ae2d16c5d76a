"""Checks, made before all others, whether a config can be trained, and by these processes."""

from __future__ import annotations

from omegaconf import DictConfig, OmegaConf

from hybridret.base.errors import UserError
from hybridret.base.settings import TrainerSettings
from hybridret.components.components import Components
from hybridret.config.instantiate import plugin_name
from hybridret.distributed.world import ProcessInfo
from hybridret.encoders.backbone import Backbone


def check_config(config: DictConfig) -> None:
    """Raise UserError for a backbone without a table of sizes: rates refer to it, so such a config has no values."""
    if OmegaConf.select(config, "backbone.sizes") is None:
        name = OmegaConf.select(config, "backbone.name", default="None")
        raise UserError(f"backbone={name} has nothing to train: use `python -m hybridret.evaluate backbone={name}`.")


def check_family(components: Components) -> None:
    """Raise UserError for an encoder that is for evaluation only."""
    if not isinstance(components.backbone, Backbone):
        raise UserError(
            f"backbone={plugin_name(components.settings.backbone)} is for evaluation only: use `python -m "
            f"hybridret.evaluate`, or backbone=huggingface to train the checkpoint with a pooling of yours."
        )


def check_processes(trainer: TrainerSettings, here: ProcessInfo) -> None:
    """Raise UserError where the number of processes that were started is not the number that was asked for.

    Lightning would start missing ones itself by running sys.argv again, and each would take itself for the first
    (docs/pitfalls.md#started-processes).
    """
    wanted = trainer.devices * trainer.nodes
    asked = f"trainer.devices={trainer.devices} trainer.nodes={trainer.nodes}"
    if here.world == 1 and wanted > 1:
        raise UserError(
            f"{asked} needs {wanted} processes: start them with `torchrun --nproc-per-node={trainer.devices} -m "
            f"hybridret.run ...`, with `srun --ntasks-per-node={trainer.devices} python -m hybridret.run ...` (in a "
            f"job that is not called bash or interactive), or, on one machine, sweep with -m, which does that for each "
            f"point."
        )
    if here.world != wanted or here.local_world not in (None, trainer.devices):
        there = f", {here.local_world} of them on this machine" if here.local_world is not None else ""
        raise UserError(
            f"{asked} needs {wanted} processes, but {here.world} were started{there}. Set trainer.devices to the "
            f"processes of each machine and trainer.nodes to the number of machines."
        )
