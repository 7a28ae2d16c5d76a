"""Hydra accepts launchers only from this namespace; the code is in `hybridret.sweep`."""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore

from hybridret.sweep.queue import kubernetes_launcher


class KubernetesLauncher(kubernetes_launcher.KubernetesLauncher):
    """`hydra/launcher=kubernetes`: each point of a sweep is a Job of Kubernetes."""


@dataclass
class KubernetesLauncherConfig:
    """The types of `hydra.launcher.KEY`; values and meanings stand in `conf/hydra/launcher/kubernetes.yaml`."""

    _target_: str = "hydra_plugins.hybridret_kubernetes.KubernetesLauncher"
    image: str | None = None
    python: str = "python"
    context: str | None = None
    namespace: str | None = None
    submit: bool = True
    volumes: Any = None
    env: Any = None
    secrets: list[str] = field(default_factory=list)
    node_selector: Any = None
    tolerations: list[Any] = field(default_factory=list)
    service_account: str | None = None
    gpu: str = "nvidia.com/gpu"
    pod: Any = None
    gpus: int | None = None
    cores: int | None = None
    memory: float | None = None
    minutes: int | None = None
    limits: Any = None
    grace: int = 120
    keep: int | None = None
    retries: int = 2
    max_requeues: int = 50
    wait: bool = False
    every: float = 10.0
    module: str = "hybridret.run"


ConfigStore.instance().store("kubernetes_types", KubernetesLauncherConfig, group="hydra/launcher", provider="hybridret")
