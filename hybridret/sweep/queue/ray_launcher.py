"""`hydra/launcher=ray`: its keys, as the options of Ray's engine (`conf/hydra/launcher/ray.yaml`)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from hybridret.base.errors import UserError
from hybridret.sweep.engines.ray.engine import RayEngine
from hybridret.sweep.engines.ray.options import RayOptions
from hybridret.sweep.queue.launcher import QueueLauncher
from hybridret.sweep.queue.launcher_keys import check_least, check_resources, one_node


class RayLauncher(QueueLauncher):
    """Submits the points of a sweep to a Ray cluster, a job for each. What the keys mean stands in
    `conf/hydra/launcher/ray.yaml`. A job has no time limit there."""

    def __init__(
        self,
        gpus: int | None = None,
        cores: int | None = None,
        memory: float | None = None,
        limits: Mapping[str, Any] | None = None,
        custom: Mapping[str, Any] | None = None,
        env: Mapping[str, Any] | None = None,
        container: str | None = None,
        wait: bool = False,
        every: float = 10.0,
        module: str = "hybridret.run",
        **options: Any,
    ) -> None:
        asked = {"gpus": gpus, "cores": cores, "memory": memory, "minutes": None}
        check_resources(asked, limits or {})
        check_least(options, {"retries": 0, "max_requeues": 0, "grace": 1})
        for name, amount in (custom or {}).items():
            if isinstance(amount, bool) or not isinstance(amount, int | float) or not amount > 0:
                raise UserError(f"hydra.launcher.custom.{name}={amount}: give how much of it a job takes, above 0.")
        words = tuple(shlex.split(container or ""))
        variables = {str(key): str(value) for key, value in (env or {}).items()}
        engine = RayEngine(
            RayOptions(env=variables, custom=dict(custom or {}), container=words, every=every, **options)
        )
        super().__init__(engine, asked, one_node(limits or {}, "Ray"), wait, every, module)
