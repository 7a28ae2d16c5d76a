"""`hydra/launcher=kubernetes`: its keys, as the options of that engine (`conf/hydra/launcher/kubernetes.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.utils import JobReturn

from hybridret.base.errors import UserError
from hybridret.config.run_identity import sweep_directory
from hybridret.sweep.engines.kubernetes.engine import KubernetesEngine, manifests
from hybridret.sweep.engines.kubernetes.options import KubernetesOptions
from hybridret.sweep.queue.launcher import QueueLauncher
from hybridret.sweep.queue.launcher_keys import check_least, check_resources, one_node


class KubernetesLauncher(QueueLauncher):
    """Makes each point of a sweep a Job. What the keys mean stands in `conf/hydra/launcher/kubernetes.yaml`."""

    def __init__(
        self,
        gpus: int | None = None,
        cores: int | None = None,
        memory: float | None = None,
        minutes: int | None = None,
        limits: Mapping[str, Any] | None = None,
        wait: bool = False,
        every: float = 10.0,
        module: str = "hybridret.run",
        **options: Any,
    ) -> None:
        asked = {"gpus": gpus, "cores": cores, "memory": memory, "minutes": minutes}
        check_resources(asked, limits or {})
        check_least(options, {"retries": 0, "max_requeues": 0, "grace": 1, "keep": 0})
        if not options.get("image"):
            raise UserError("hydra.launcher.image is missing: give the image with hybridret that pods start from.")
        chosen = KubernetesOptions(**{key: value for key, value in options.items() if value is not None})
        if wait and not chosen.submit:
            raise UserError("hydra.launcher.wait=true needs hydra.launcher.submit=true: nothing runs to wait for.")
        self._written = not chosen.submit
        super().__init__(KubernetesEngine(chosen), asked, one_node(limits or {}, "Kubernetes"), wait, every, module)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """As for every queue; without `submit` it ends with the command that submits."""
        done = super().launch(job_overrides, initial_job_idx)
        if self._written:
            print(f"To submit: kubectl apply -f {manifests(sweep_directory(self._config))}", flush=True)
        return done
