"""Hydra accepts launchers and sweepers only from this namespace; the code is in `hybridret.sweep`."""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore

from hybridret.sweep import launcher, optuna_sweeper, sweeper


class ProcessLauncher(launcher.ProcessLauncher):
    """`hydra/launcher=process`: each point of a sweep is a process of its own."""


class PointSweeper(sweeper.PointSweeper):
    """`hydra/sweeper=points`: the grid, where a point that cannot be composed fails alone."""


class OptunaSweeper(optuna_sweeper.OptunaSweeper):
    """`hydra/sweeper=optuna`: a search instead of a grid."""


@dataclass
class ProcessLauncherConfig:
    """`hydra.launcher.KEY=VALUE`; what the keys mean stands at `hybridret.sweep.launcher.ProcessLauncher`."""

    _target_: str = "hydra_plugins.hybridret_process.ProcessLauncher"
    n_jobs: int = 1
    threads: int | None = None
    devices_per_job: int | None = None
    grace: float = 120.0
    module: str = "hybridret.run"


@dataclass
class PointSweeperConfig:
    """`hydra.sweeper.KEY=VALUE`, as in Hydra's basic sweeper."""

    _target_: str = "hydra_plugins.hybridret_process.PointSweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = None


@dataclass
class OptunaSweeperConfig:
    """`hydra.sweeper.KEY=VALUE`; what the keys mean stands at `hybridret.sweep.optuna_sweeper.OptunaSweeper`."""

    _target_: str = "hydra_plugins.hybridret_process.OptunaSweeper"
    n_trials: int = 20
    objectives: Any = field(default_factory=lambda: ["loss"])
    directions: Any = None
    per: Any = field(default_factory=list)
    params: dict[str, str] | None = None
    sampler: str = "tpe"
    seed: int = 1
    prune: str | None = None
    prune_after: int = 5
    prune_from: int = 0
    batch_size: int | None = None


ConfigStore.instance().store("process", ProcessLauncherConfig, group="hydra/launcher", provider="hybridret")
ConfigStore.instance().store("points", PointSweeperConfig, group="hydra/sweeper", provider="hybridret")
ConfigStore.instance().store("optuna", OptunaSweeperConfig, group="hydra/sweeper", provider="hybridret")
