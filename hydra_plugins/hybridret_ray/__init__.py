"""Hydra accepts launchers only from this namespace; the code is in `hybridret.sweep`."""

from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore

from hybridret.sweep.queue import ray_launcher


class RayLauncher(ray_launcher.RayLauncher):
    """`hydra/launcher=ray`: each point of a sweep is a job of a Ray cluster."""


@dataclass
class RayLauncherConfig:
    """The types of `hydra.launcher.KEY`; values and meanings stand in `conf/hydra/launcher/ray.yaml`."""

    _target_: str = "hydra_plugins.hybridret_ray.RayLauncher"
    address: str | None = None
    python: str | None = None
    env: Any = None
    custom: Any = None
    container: str | None = None
    gpus: int | None = None
    cores: int | None = None
    memory: float | None = None
    limits: Any = None
    grace: int = 120
    retries: int = 2
    max_requeues: int = 50
    wait: bool = False
    every: float = 10.0
    module: str = "hybridret.run"


ConfigStore.instance().store("ray_types", RayLauncherConfig, group="hydra/launcher", provider="hybridret")
