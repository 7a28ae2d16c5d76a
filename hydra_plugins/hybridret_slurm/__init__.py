"""Hydra accepts launchers only from this namespace; the code is in `hybridret.sweep`."""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore

from hybridret.sweep.queue import slurm_launcher


class SlurmLauncher(slurm_launcher.SlurmLauncher):
    """`hydra/launcher=slurm`: each point of a sweep is a job of SLURM."""


@dataclass
class SlurmLauncherConfig:
    """The types of `hydra.launcher.KEY`; values and meanings stand in `conf/hydra/launcher/slurm.yaml`."""

    _target_: str = "hydra_plugins.hybridret_slurm.SlurmLauncher"
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    exclude: str | None = None
    mail: str | None = None
    mail_type: str = "END,FAIL"
    setup: list[str] = field(default_factory=list)
    container: str | None = None
    more: dict[str, Any] = field(default_factory=dict)
    gpus: int | None = None
    cores: int | None = None
    memory: float | None = None
    minutes: int | None = None
    limits: dict[str, float | None] = field(default_factory=dict)
    max_parallel: int | None = None
    warn: int = 300
    retries: int = 2
    max_requeues: int = 50
    wait: bool = False
    every: float = 10.0
    module: str = "hybridret.run"


ConfigStore.instance().store("slurm_types", SlurmLauncherConfig, group="hydra/launcher", provider="hybridret")
