"""`hydra/launcher=slurm`: its keys, as the options of SLURM's engine (`conf/hydra/launcher/slurm.yaml`)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from hybridret.sweep.engines.slurm.engine import SlurmEngine
from hybridret.sweep.engines.slurm.options import SlurmOptions
from hybridret.sweep.queue.launcher import QueueLauncher
from hybridret.sweep.queue.launcher_keys import check_least, check_resources


class SlurmLauncher(QueueLauncher):
    """Submits the points of a sweep to SLURM, as arrays of equal resources. What the keys mean stands in
    `conf/hydra/launcher/slurm.yaml`."""

    def __init__(
        self,
        gpus: int | None = None,
        cores: int | None = None,
        memory: float | None = None,
        minutes: int | None = None,
        limits: Mapping[str, Any] | None = None,
        setup: Sequence[str] = (),
        container: str | None = None,
        more: Mapping[str, Any] | None = None,
        wait: bool = False,
        every: float = 10.0,
        module: str = "hybridret.run",
        **options: Any,
    ) -> None:
        asked = {"gpus": gpus, "cores": cores, "memory": memory, "minutes": minutes}
        check_resources(asked, limits or {})
        check_least(options, {"max_parallel": 1, "warn": 1, "retries": 0, "max_requeues": 0})
        words = tuple(shlex.split(container or ""))
        extra = {str(key).replace("_", "-"): spelled(value) for key, value in (more or {}).items()}
        engine = SlurmEngine(SlurmOptions(setup=tuple(setup), container=words, more=extra, **options))
        super().__init__(engine, asked, dict(limits or {}), wait, every, module)


def spelled(value: Any) -> Any:
    """The value of an option of sbatch; true for one without a value."""
    return True if value is True else str(value)
